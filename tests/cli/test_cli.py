"""The commands: help, results, refusals, exit codes."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.shell_completion import ShellComplete
from PIL import Image

from gan_style import StyleCode, Stylizer
from gan_style.cli.app import App
from gan_style.cli.check import Check
from gan_style.cli.codes import Encode, Mix, Sample, Strip
from gan_style.cli.command import click_command
from gan_style.cli.compare import Compare, Styles
from gan_style.cli.evaluate import Evaluate
from gan_style.cli.main import command_line, main, train_main
from gan_style.cli.optimize import Optimize
from gan_style.cli.stylize import Stylize
from gan_style.cli.sweep import Sweep
from gan_style.cli.sync import Sync
from gan_style.cli.train import Train
from gan_style.cli.video import Video
from gan_style.config import SECTIONS
from gan_style.errors import NonFiniteLossError
from gan_style.options import options_of
from gan_style.shipped import STYLE_SUFFIX
from gan_style.training.trainer import Trainer

OPTIONS = {
    "app": ["--folder", "--port", "--host", "--open", "--config", "--device"],
    "train": ["FOLDER|CONFIG.yaml|key.sub=value", "gan-style train my_pictures"],
    "encode": [
        *("PICTURE...", "--output", "--model", "--device", "--name", "--force", "--refine"),
        "--content",
    ],
    "stylize": [
        *("PHOTO...", "--style", "--model", "--output", "--strength", "--keep-color", "--size"),
        *("--device", "--force", "--format", "--quality", "--keep-gps", "--skip-existing"),
        *("--mask", "--feather", "--strength-map", "--protect", "woodblock"),
    ],
    "compare": [
        *("PHOTO...", "--styles", "--models", "--strength", "--stroke-size", "--size", "--output"),
        *("--force", "--device", "woodblock"),
    ],
    "styles": ["--model", "--output", "--force", "--device"],
    "export": ["--onnx", "--half", "--program", "--web", "--runtime", "--model", "--force"],
    "push": [
        "MODEL|STYLE...",
        "--license",
        "--private",
        "--message",
        "--no-thumbnails",
        "--output",
    ],
    "video": [
        *("VIDEO", "--style", "--output", "--model", "--device", "--force", "--strength", "--size"),
        *("--keep-color", "--stroke-size", "--memory", "--steady", "--start", "--end", "--codec"),
        *("--quality", "--fps", "woodblock", "h264|h265|av1|vp9"),
    ],
    "mix": ["STYLE...", "--weights", "--output", "--model", "--device", "--force"],
    "merge": ["MODEL...", "--weights", "--output", "--force", "gan-style merge base runs/mine"],
    "sample": [
        *("--n", "--near", "--photo", "--size", "--seed", "--output", "--model", "--device"),
        "--force",
    ],
    "strip": ["PHOTO", "STYLE...", "--steps", "--size", "--output", "--model", "--device"],
    "doctor": ["--json"],
    "evaluate": [
        *("pairs", "collection", "CONTENT", "STYLES|COLLECTION", "--model", "--style", "--outputs"),
        *("--others", "--photos", "--size", "--features", "--feature-weights", "--device"),
        *("--json", "--sheet", "--log", "--fid"),
    ],
    "optimize": [
        *("PHOTO", "--style", "--weights", "--output", "--force", "--size", "--features"),
        *("--feature-weights", "--optimizer", "--evaluations", "--scales", "--start"),
        *("--content-weight", "--style-weight", "--tv-weight", "--keep-color", "--seed"),
        "--device",
    ],
    "check": ["FOLDER"],
    "sweep": ["SWEEP.yaml", "STYLES", "--count", "--output"],
    "sync": ["RUN", "--entity", "--project", "--id"],
}
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def photos(collection: Path, tmp_path: Path) -> Path:
    return shutil.copytree(collection / "photos", tmp_path / "photos")


@pytest.fixture
def style(tiny_run: Path) -> Path:
    return tiny_run / "styles" / "ink.style.safetensors"


def failed(capsys: Capture, *words: Any) -> str:
    """Run a command that has to fail as a user's mistake; return its last line."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    last = told.strip().splitlines()[-1]
    assert last.startswith("error: ")
    return last


def done(*words: Any) -> None:
    assert main([str(word) for word in words]) == 0


# help


@pytest.mark.parametrize("command", OPTIONS)
def test_help_is_complete(command: str, capsys: Capture) -> None:
    done(command, "--help")
    told = capsys.readouterr().out
    assert [option for option in OPTIONS[command] if option not in told] == []
    assert f"gan-style {command} " in told.partition("Examples:")[2]


def test_every_option_of_every_command_has_help() -> None:
    commands = command_line().commands
    assert set(commands) == set(OPTIONS)
    for name, command in commands.items():
        assert command.help, name
        assert [each.name for each in command.params if not getattr(each, "help", "")] == [], name


def test_the_examples_of_the_help_can_be_parsed() -> None:
    for kind in (
        *(App, Check, Compare, Encode, Evaluate, Mix, Optimize, Sample, Strip, Styles, Stylize),
        *(Sweep, Sync, Train, Video),
    ):
        assert kind.examples
        for example in kind.examples:
            words = shlex.split(example)
            assert words[:2] == ["gan-style", kind.__name__.lower()]
            click_command(kind).make_context("x", words[2:])


def test_train_lists_every_option_with_its_meaning(capsys: Capture) -> None:
    for run in (lambda: main(["train", "--help"]), lambda: train_main(Path("x.yaml"), ["--help"])):
        assert run() == 0
        told = " ".join(capsys.readouterr().out.split())
        for option in (option for kind in SECTIONS.values() for option in options_of(kind)):
            assert f"{option.key}=" in told
            assert " ".join(option.meaning.split()) in told


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["xyz"], "there is no command 'xyz'; there are app, check, compare"),
        (["stylise"], "did you mean stylize?"),
        (["encode"], "Missing argument 'PICTURE...'. (gan-style encode --help)"),
        (["stylize", "a.jpg"], "Missing option '-o' / '--output'"),
        (["stylize", "a.jpg", "--stile", "x"], "'--style'"),
        (["check"], "Missing argument 'FOLDER'"),
        (["train", "--epochs", "10"], "train has no option --epochs; options of a run are written"),
    ],
)
def test_an_incomplete_command_is_explained(words: list[str], reason: str, capsys: Capture) -> None:
    assert reason in failed(capsys, *words)


def test_without_a_word_it_shows_what_there_is(capsys: Capture) -> None:
    main([])
    shown = capsys.readouterr()
    assert "stylize" in shown.out + shown.err


def test_version_and_module() -> None:
    for words in (["-m", "gan_style", "--version"], ["-m", "gan_style", "check", "--help"]):
        run = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
        assert "gan-style" in run.stdout


def test_help_needs_no_heavy_library() -> None:
    """Torch alone takes seconds to import; the help is there at once."""
    code = (
        "import sys; from gan_style.cli.main import main; main(['--help']);"
        "main(['train', '--help']);"
        "print(*{'torch', 'numpy', 'PIL', 'omegaconf', 'wandb', 'tqdm'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == ""


def test_the_shell_completes_commands_options_and_styles() -> None:
    def completed(line: str) -> list[str]:
        words = line.split(" ")
        complete = ShellComplete(command_line(), {}, "gan-style", "_GAN_STYLE_COMPLETE")
        return [item.value for item in complete.get_completions(words[:-1], words[-1])]

    assert completed("sty") == ["styles", "stylize"]
    assert completed("stylize --keep-c") == ["--keep-color"]
    assert "woodblock" in completed("stylize a.jpg --style wood")
    assert completed("optimize a.jpg --optimizer s") == ["sgd"]


# words of version 0.1


def test_words_of_before_work_and_say_what_to_type(
    photos: Path, tiny_run: Path, style: Path, tmp_path: Path, capsys: Capture
) -> None:
    words = ["--style", style, "--model", tiny_run, "-o", tmp_path / "out.png", "--keep-colour"]
    done("stylize", photos / "0.png", *words)
    assert "--keep-colour is called --keep-color now" in capsys.readouterr().err
    done("mix", style, style, "--weights", "1", "3", "-o", tmp_path / "mixed")
    assert "--weights 1 3 is written --weights 1,3 now" in capsys.readouterr().err
    short = [
        "--evaluations",
        "2",
        "--size",
        "32",
        "--method=adam",
        "-o",
        tmp_path / "classical.png",
    ]
    done("optimize", photos / "0.png", "--style", photos / "1.png", *short)
    assert "--method is called --optimizer now" in capsys.readouterr().err


# train


def test_train_and_train_py_are_one(tiny: list[str], tmp_path: Path, capsys: Capture) -> None:
    few = [*tiny, "train.steps=1", "run.sample_every=9"]
    styles, rest = few[0].removeprefix("data.styles="), few[1:]
    done("train", styles, *rest, f"run.dir={tmp_path / 'a'}")  # a folder is data.styles
    assert train_main(Path("configs/smoke.yaml"), [*few, f"run.dir={tmp_path / 'b'}"]) == 0
    told = capsys.readouterr().out
    assert told.count("learning 2 styles with 4 photos on cpu") == 2
    for name in ("a", "b"):
        assert (tmp_path / name / "model.safetensors").is_file()
        shutil.rmtree(tmp_path / name)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("photo.jpg", "photo.jpg is not a folder of pictures or a configuration (.yaml)"),
        ("nowhere", "nowhere does not exist"),
    ],
)
def test_train_takes_folders_and_configurations(
    word: str, reason: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    assert reason in failed(capsys, "train", word)


def test_a_run_that_breaks_exits_1(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def step(self: Trainer, *_: Any) -> None:
        raise NonFiniteLossError("model/gram is not finite at step 0")

    monkeypatch.setattr(Trainer, "step", step)
    assert main(["train", *tiny, "train.steps=9", f"run.dir={tmp_path / 'run'}"]) == 1
    told = capsys.readouterr().err
    assert "error: model/gram is not finite at step 0. The checkpoints are whole" in told


def test_an_interruption_exits_130(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Train, "run", interrupted)
    assert main(["train"]) == 130
    assert capsys.readouterr().err.strip() == "interrupted"


# check


def test_check(collection: Path, capsys: Capture) -> None:
    done("check", collection / "styles")
    told = capsys.readouterr().out
    assert "6 pictures" in told
    assert "style ink: 3" in told
    assert "not enough pictures" in told
    assert "expected: nothing was measured with fewer than 18 pictures" in told


def test_check_refuses_what_is_no_folder(tmp_path: Path, capsys: Capture) -> None:
    assert "nowhere does not exist" in failed(capsys, "check", tmp_path / "nowhere")


# encode


def test_encode(collection: Path, tiny_run: Path, tmp_path: Path, capsys: Capture) -> None:
    ink = collection / "styles" / "ink"
    done("encode", ink, "-o", tmp_path / "mine", "--model", tiny_run)
    path = tmp_path / "mine.style.safetensors"
    assert f"{path}: style 'mine' from 3 pictures" in capsys.readouterr().out
    assert path.stat().st_size < 100_000
    code = StyleCode.load(path)
    assert (code.name, code.count, len(code.hashes)) == ("mine", 3, 3)

    again = ["encode", *sorted(ink.iterdir())[:2], "-o", path, "--model", tiny_run]
    assert f"{path} is there already; --force replaces it" in failed(capsys, *again)
    assert StyleCode.load(path).count == 3
    done(*again, "--force", "--name", "two")
    code = StyleCode.load(path)
    assert (code.name, code.count) == ("two", 2)


def test_encode_refines_the_code(
    collection: Path, tiny_run: Path, tmp_path: Path, capsys: Capture
) -> None:
    words = ["encode", collection / "styles" / "ink", "--model", tiny_run]
    done(*words, "-o", tmp_path / "plain")
    refining = ["--refine", "0.2", "--content", collection / "photos"]
    done(*words, *refining, "-o", tmp_path / "refined")
    plain, refined = (StyleCode.load(tmp_path / f"{n}{STYLE_SUFFIX}") for n in ("plain", "refined"))
    assert not torch.equal(plain.mean, refined.mean)
    assert (plain.count, plain.model, plain.hashes) == (
        refined.count,
        refined.model,
        refined.hashes,
    )
    wrong = [*words, "-o", tmp_path / "x", "--refine", "0"]
    assert "--refine is 0.0; it must be a number above 0" in failed(capsys, *wrong)


# stylize


def test_one_photo_and_its_file(
    photos: Path, tiny_run: Path, style: Path, tmp_path: Path, capsys: Capture
) -> None:
    output = tmp_path / "painted.jpg"
    words = ["stylize", photos / "0.png", "--style", style, "--model", tiny_run, "-o", output]
    done(*words, "--strength", "0.5", "--keep-color", "--device", "cpu")
    assert Image.open(output).size == (60, 50)
    before = output.read_bytes()
    assert f"{output} is there already; --force" in failed(capsys, *words)
    assert output.read_bytes() == before
    done(*words, "--force", "--size", "64")
    assert Image.open(output).size == (77, 64)


def test_a_folder_of_photos_gives_a_folder_of_paintings(
    photos: Path, tiny_run: Path, collection: Path, tmp_path: Path, capsys: Capture
) -> None:
    (photos / "deeper").mkdir()
    (photos / "3.png").rename(photos / "deeper" / "3.png")
    (photos / "bad.jpg").write_text("no picture")
    style = collection / "styles" / "oil"  # a folder will do
    output = tmp_path / "out"
    words = ["stylize", photos, "--style", style, "--model", tiny_run, "-o", output]
    done(*words)
    found = sorted(path.relative_to(output).as_posix() for path in output.rglob("*.png"))
    assert found == ["0.png", "1.png", "2.png", "deeper/3.png"]
    told = capsys.readouterr().out
    assert f"skipped: {photos / 'bad.jpg'}: " in told
    assert "1 of 5 photos were skipped" in told
    assert f"painted 4 into {output}" in told

    (output / "0.png").unlink()
    assert f"{output / '1.png'} is there already" in failed(capsys, *words)
    assert not (output / "0.png").exists()  # nothing is painted before all is known to fit


def test_several_photos_do_not_go_into_one_picture(
    photos: Path, tiny_run: Path, style: Path, tmp_path: Path, capsys: Capture
) -> None:
    words = ["--style", style, "--model", tiny_run, "-o", tmp_path / "out.png"]
    for given in ([photos], [photos / "0.png", photos / "1.png"]):
        assert "the name of one picture" in failed(capsys, "stylize", *given, *words)
    assert not (tmp_path / "out.png").exists()


def test_a_photo_too_large_for_the_memory_is_skipped_and_the_folder_goes_on(
    photos: Path, tiny_run: Path, style: Path, tmp_path: Path, capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for module in ("memory", "painting.budget", "painting.canvas"):
        monkeypatch.setattr(f"gan_style.{module}.free_memory", lambda device: int(0.2e9))
    Image.new("RGB", (6000, 5000)).save(photos / "large.png")
    words = ["--style", style, "--model", tiny_run, "-o", tmp_path / "out", "--device", "cpu"]
    done("stylize", photos, *words)
    told = capsys.readouterr().out
    assert f"skipped: {photos / 'large.png'}: reading a picture of 6000x5000 px takes" in told
    assert len(list((tmp_path / "out").iterdir())) == 4
    huge = ["stylize", photos / "0.png", *words[:-3], tmp_path / "b.png", "--size", 20_000]
    assert "no photo could be painted" in failed(capsys, *huge)
    assert not (tmp_path / "b.png").exists()


def test_strokes_and_memory_are_as_asked_for(
    photos: Path, tiny_run: Path, style: Path, tmp_path: Path
) -> None:
    """Strokes of four times the size are painted on a smaller photo; little memory is enough."""
    words = ["stylize", photos / "0.png", "--style", style, "--model", tiny_run, "--size", 160]
    for name, more in (
        ("as.png", []),
        ("large.png", ["--stroke-size", 4]),
        ("m.png", ["--memory", 1]),
    ):
        done(*words, "-o", tmp_path / name, *more)
    usual, large, little = (
        Image.open(tmp_path / name) for name in ("as.png", "large.png", "m.png")
    )
    assert usual.size == large.size
    assert usual.tobytes() != large.tobytes()
    assert usual.tobytes() == little.tobytes()


def test_a_picture_is_a_style(photos: Path, tiny_run: Path, tmp_path: Path) -> None:
    words = ["--style", photos / "1.png", "--model", tiny_run, "-o", tmp_path / "folder"]
    done("stylize", photos / "0.png", *words)
    assert (tmp_path / "folder" / "0.png").is_file()


def test_two_photos_of_one_name_are_refused(
    photos: Path, tiny_run: Path, style: Path, tmp_path: Path, capsys: Capture
) -> None:
    shutil.copy(photos / "0.png", photos / "0.jpg")
    words = ["--style", style, "--model", tiny_run, "-o", tmp_path / "out"]
    told = failed(capsys, "stylize", photos, *words)
    assert f"{photos / '0.jpg'} and {photos / '0.png'} would both become" in told
    assert "rename one, or add --format same" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (["--strength", "1.5"], "--strength is 1.5; it must be a number at least 0 and at most 1"),
        (["--strength", "nan"], "--strength is nan"),
        (["--size", "4"], "--size is 4; it must be a whole number at least 32"),
        (["--style", "nowhere.style.safetensors"], "nowhere.style.safetensors does not exist"),
        (["--style", "nowhere"], "nowhere does not exist"),
        (["--model", "nowhere"], "nowhere does not exist"),
        (["missing.jpg"], "missing.jpg does not exist"),
        (["https://example.org/a.jpg"], "https://example.org/a.jpg is an address; download it"),
        (["--style", "oill"], "did you mean oil?"),
        (["-o", "painting.bmp"], "painting.bmp: pictures are written as .png, .jpg"),
    ],
)
def test_mistakes_are_named(
    photos: Path, tiny_run: Path, style: Path, tmp_path: Path, capsys: Capture,
    monkeypatch: pytest.MonkeyPatch, extra: list[str], reason: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    words = ["--model", tiny_run, "-o", "out.png", photos / "0.png", *extra]
    if "--style" not in words:
        words += ["--style", style]
    assert reason in failed(capsys, "stylize", *words)
    assert not (tmp_path / "out.png").exists()


# mix, sample, strip


@pytest.fixture
def other(tiny_run: Path, photos: Path, tmp_path: Path) -> Path:
    path = tmp_path / "other.style.safetensors"
    done("encode", photos, "-o", path, "--model", tiny_run)
    return path


def test_mix_by_weights_needs_no_model(style: Path, other: Path, tmp_path: Path) -> None:
    done("mix", style, other, "--weights", "1,3", "-o", tmp_path / "mixed")
    mixed = StyleCode.load(tmp_path / "mixed.style.safetensors")
    one, two = StyleCode.load(style), StyleCode.load(other)
    assert torch.allclose(mixed.mean, 0.25 * one.mean + 0.75 * two.mean)
    assert mixed.name == "ink + other"


def test_mix_reads_pictures_by_a_model(
    style: Path, photos: Path, tiny_run: Path, tmp_path: Path
) -> None:
    done("mix", style, photos / "0.png", "-o", tmp_path / "m", "--model", tiny_run)
    one = StyleCode.load(style)
    two = Stylizer.from_pretrained(tiny_run).encode(photos / "0.png")
    mixed = StyleCode.load(tmp_path / "m.style.safetensors")
    assert torch.allclose(mixed.mean, (one.mean + two.mean) / 2, atol=1e-6)


def test_samples_near_a_style_vary_as_it_does(
    style: Path, photos: Path, tiny_run: Path, tmp_path: Path
) -> None:
    words = ["--near", style, "--n", 3, "--seed", 5, "--photo", photos / "0.png"]
    done("sample", *words, "-o", tmp_path / "drawn", "--model", tiny_run)
    names = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert names == [f"sample-{n}{kind}" for n in (5, 6, 7) for kind in (".png", STYLE_SUFFIX)]
    code = StyleCode.load(style)
    drawn = StyleCode.load(tmp_path / "drawn" / f"sample-6{STYLE_SUFFIX}")
    assert torch.equal(drawn.mean, code.perturb(6).mean)


def test_a_model_of_few_styles_invents_none(
    tiny_run: Path, tmp_path: Path, capsys: Capture
) -> None:
    told = failed(capsys, "sample", "-o", tmp_path / "drawn", "--model", tiny_run)
    assert "keeps no codes to draw between" in told
    assert not (tmp_path / "drawn").exists()


def test_a_strip_begins_and_ends_with_its_styles(
    style: Path, other: Path, photos: Path, tiny_run: Path, tmp_path: Path
) -> None:
    words = [photos / "0.png", style, other, "--steps", 3, "--size", 40]
    done("strip", *words, "-o", tmp_path / "strip.png", "--model", tiny_run)
    with Image.open(tmp_path / "strip.png") as strip:
        painted = Stylizer.from_pretrained(tiny_run).stylize(
            photos / "0.png", StyleCode.load(other), size=40
        )
        assert strip.width >= 4 * painted.width
        width, height = painted.size
        last = strip.convert("RGB").crop(
            (strip.width - 4 - width, strip.height - 4 - height, strip.width - 4, strip.height - 4)
        )
        assert last.tobytes() == painted.tobytes()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["mix", "STYLE", "nowhere.png", "-o", "m"], "nowhere.png does not exist"),
        (["mix", "STYLE", "--weights", "1,2", "-o", "m"], "1 styles with 2 weights"),
        (["mix", "STYLE", "STYLE", "--weights", "1,-1", "-o", "m"], "sum to 0"),
        (["sample", "--n", "0", "-o", "m"], "--n is 0; it must be a whole number at least 1"),
        (["strip", "p.png", "STYLE", "-o", "m.png"], "give two or more"),
        (["strip", "p.png", "STYLE", "STYLE", "--steps", "0", "-o", "m.png"], "--steps is 0"),
    ],
)
def test_styles_that_cannot_be_made(
    words: list[str], reason: str, style: Path, tiny_run: Path, tmp_path: Path, capsys: Capture
) -> None:
    given = [str(style) if word == "STYLE" else word for word in words]
    assert reason in failed(capsys, *given, "--model", str(tiny_run))
