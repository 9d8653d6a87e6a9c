"""Whatever a user gives: a line that names the thing and exit code 2, or it is skipped with a line.

Everything goes through the public commands; `-k pictures`, `-k settings`, … select a kind.
"""

import io
import os
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from gan_style import StyleCode
from gan_style.checkpoint import load_checkpoint, save_checkpoint
from gan_style.cli.main import main, train_main

REPOSITORY = Path(__file__).resolve().parents[2]
SCRATCH = REPOSITORY / "configs" / "scratch.yaml"
Capture = pytest.CaptureFixture[str]
Maker = Callable[[Path], object]


def failed(capsys: Capture, words: list[Any], run: Callable[[list[str]], int] = main) -> str:
    """Run a command that has to fail as a user's mistake; return its message."""
    capsys.readouterr()
    assert run([str(word) for word in words]) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.out + captured.err
    before, error, message = captured.err.rpartition("error: ")
    assert error
    assert before == "" or before[-1] in "\n\r"
    assert len(message.splitlines()) < 10
    return message


def train(words: list[str]) -> int:
    return train_main(REPOSITORY / "configs" / "smoke.yaml", words)


@pytest.fixture(autouse=True)
def _clear(tmp_path: Path) -> Iterator[None]:
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)  # checkpoints are large


# pictures


def encoded(kind: str, side: int = 60, **options: Any) -> bytes:
    packed = io.BytesIO()
    Image.effect_noise((side, side), 80).convert("RGB").save(packed, kind, **options)
    return packed.getvalue()


def half(kind: str) -> Maker:
    def make(path: Path) -> None:
        content = encoded(kind)
        path.write_bytes(content[: len(content) // 2])

    return make


def bomb(path: Path) -> None:
    """A PNG of a few bytes that says it has 30 000 x 30 000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    size = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    chunks = [(b"IHDR", size), (b"IDAT", pixels), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*parts) for parts in chunks))


def text(content: str) -> Maker:
    return lambda path: path.write_text(content, encoding="utf-8")


def data(content: bytes) -> Maker:
    return lambda path: path.write_bytes(content)


PICTURES: dict[str, Maker] = {
    "empty.jpg": data(b""),
    "text.jpg": text("not a picture"),
    "page.png": text("<html><body>404</body></html>"),
    "drawing.png": text("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"),
    "document.jpg": data(b"%PDF-1.7\n%\xe2\xe3\n1 0 obj"),
    "archive.png": data(b"PK\x03\x04" + bytes(100)),
    "zeros.webp": data(bytes(500)),
    "half.png": half("PNG"),
    "half.jpg": half("JPEG"),
    "half.webp": half("WEBP"),
    "half.tif": half("TIFF"),
    "half.bmp": half("BMP"),
    "half.gif": lambda path: path.write_bytes(encoded("GIF")[:700]),
    "header.png": data(b"\x89PNG\r\n\x1a\n"),
    "header.jpg": data(b"\xff\xd8\xff\xe0"),
    "bomb.png": bomb,
    "icon.png": lambda path: path.write_bytes(encoded("ICO")),
    "link.png": lambda path: path.symlink_to("nowhere.png"),
    "pipe.png": os.mkfifo,
}


@pytest.mark.parametrize("name", PICTURES)
def test_bad_pictures_are_skipped_or_refused(
    name: str, collection: Path, tiny_run: Path, tmp_path: Path, capsys: Capture
) -> None:
    bad = tmp_path / "pictures" / name
    bad.parent.mkdir()
    PICTURES[name](bad)
    shared = ["--model", tiny_run, "-o", tmp_path / "out"]
    told = failed(capsys, ["encode", bad.parent, *shared])
    assert "nothing to encode" in told
    assert not list(tmp_path.glob("*.safetensors"))

    shutil.copy(collection / "photos" / "0.png", bad.parent / "good.png")
    assert main([str(word) for word in ["encode", bad.parent, *shared]]) == 0
    captured = capsys.readouterr()
    (line,) = [line for line in captured.err.splitlines() if line.startswith("skipped: ")]
    assert str(bad) in line
    assert "from 1 pictures" in captured.out


def test_bad_photos_are_skipped_and_nothing_else_is_refused(
    tiny_run: Path, tmp_path: Path, capsys: Capture
) -> None:
    for name, make in PICTURES.items():
        folder = tmp_path / "photos"
        folder.mkdir(exist_ok=True)
        make(folder / (name.replace(".", "-") + Path(name).suffix))
    style = tiny_run / "styles" / "ink.style.safetensors"
    words = ["stylize", folder, "--style", style, "--model", tiny_run, "-o", tmp_path / "out"]
    assert "no photo could be painted" in failed(capsys, words)
    assert not (tmp_path / "out").exists()


def test_training_skips_bad_pictures_with_a_line_each_and_a_count(
    collection: Path, tiny: list[str], tmp_path: Path, capsys: Capture
) -> None:
    styles = shutil.copytree(collection / "styles", tmp_path / "styles")
    for name, make in PICTURES.items():
        make(styles / "ink" / name)
    words = [*tiny, f"data.styles={styles}", "train.steps=1", f"run.dir={tmp_path / 'run'}"]
    assert train([*words, "run.sample_every=9"]) == 0
    told = capsys.readouterr().err
    for name in PICTURES:
        assert f"skipped {styles / 'ink' / name}: " in told
    assert f"skipped {len(PICTURES)} of {len(PICTURES) + 10} pictures in all" in told

    for picture in styles.rglob("[0-9].png"):
        picture.unlink()
    told = failed(capsys, [*words, f"run.dir={tmp_path / 'other'}"], train)
    assert f"no pictures to train on in {styles}" in told
    assert not (tmp_path / "other").exists()


def test_check_tells_of_every_bad_picture(tmp_path: Path, capsys: Capture) -> None:
    for name in ("empty.jpg", "half.png", "bomb.png", "text.jpg"):
        PICTURES[name](tmp_path / name)
    assert main(["check", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert told.count("bad: ") == 4
    assert "4 of 4 cannot be read" in told


# settings

SETTINGS = {
    "unknown option": (["train.stepz=3"], "train.stepz"),
    "unknown section": (["training.steps=3"], "training.steps"),
    "no section": (["steps=3"], "steps"),
    "text for a number": (["train.steps=many"], "train.steps is 'many'; it must be a whole"),
    "fraction for a whole number": (["train.batch_size=2.5"], "train.batch_size is '2.5'"),
    "below the limit": (["train.batch_size=0"], "train.batch_size is 0; it must be"),
    "above the limit": (["data.scale_jitter=0.9"], "data.scale_jitter is 0.9"),
    "negative weight": (["losses.gram=-1"], "losses.gram is -1"),
    "not a number": (["losses.gram=nan"], "losses.gram is nan"),
    "infinite": (["train.learning_rate=inf"], "train.learning_rate is inf"),
    "no such word": (["discriminator.form=wasserstein"], "hinge | nonsaturating"),
    "no truth": (["discriminator.augment=maybe"], "discriminator.augment is 'maybe'"),
    "one of two numbers": (["train.betas=[0.5]"], "train.betas"),
    "crop not a multiple": (["data.crop=50"], "data.crop is 50"),
    "crop beyond size": (["data.crop=80"], "data.crop is 80"),
    "parts that do not fit": (["train.accumulate=3"], "train.accumulate is 3; it must divide"),
    "no end": (["train.steps=0", "train.images=0"], "train.steps and train.minutes are null"),
    "two files": (["a.yaml", "b.yaml"], "one configuration at a time, not 2: a.yaml, b.yaml"),
    "missing file": (["nowhere.yaml"], "nowhere.yaml"),
    "folder and option": (["folder"], "data.styles is given twice: as folder and as data.styles="),
    "file is a picture": (["picture.yaml"], "picture.yaml"),
    "file is no YAML": (["broken.yaml"], "broken.yaml"),
    "file is a list": (["list.yaml"], "list.yaml: a configuration is a mapping"),
    "option twice": (["twice.yaml"], "'steps' stands there twice"),
    "wrong key in a file": (["wrong.yaml"], "train.stepz"),
    "nothing chosen": ([str(SCRATCH)], "data.styles has to be chosen"),
    "no styles": (["data.styles="], "data.styles is not given"),
    "missing styles": (["data.styles=nowhere"], "data.styles: nowhere is missing"),
    "styles is a file": (["data.styles=list.yaml"], "list.yaml is not a folder"),
    "no pictures": (["data.styles=folder"], "no pictures to train on in folder"),
    "missing photos": (["data.content=nowhere"], "data.content: nowhere is missing"),
    "no photos": (["data.content=folder"], "no pictures to train on in folder"),
    "missing weights": (["features.network=vgg19", "features.weights=nowhere.pth"], "nowhere.pth"),
    "broken weights": (["features.weights=list.yaml"], "list.yaml"),
    "no such device": (["train.device=mps"], "device 'mps' is not available"),
    "run folder is a file": (["run.dir=list.yaml"], "list.yaml"),
    "resume what": (["train.resume=true"], "train.resume=true needs run.dir"),
    "resume nothing": (["train.resume=nowhere"], "nowhere"),
    "resume an empty folder": (["train.resume=true", "run.dir=folder"], "folder"),
}  # fmt: skip


@pytest.mark.parametrize("case", SETTINGS)
def test_bad_settings_are_named_before_any_work(
    case: str,
    tiny: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    Path("folder").mkdir()
    Path("picture.yaml").write_bytes(encoded("PNG"))
    Path("broken.yaml").write_text("train: {steps: 3")
    Path("list.yaml").write_text("- train.steps")
    Path("twice.yaml").write_text("train: {steps: 3, steps: 4}")
    Path("wrong.yaml").write_text("train: {stepz: 3}")
    words, named = SETTINGS[case]
    base = [word for word in tiny if case != "nothing chosen" or "data.styles" not in word]
    before = sorted(Path().iterdir())
    assert named in failed(capsys, [*base, *words], train)
    assert sorted(Path().iterdir()) == before


# models and checkpoints


def damaged(content: bytes) -> bytes:
    middle = len(content) * 3 // 4
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def described(metadata: dict[str, Any]) -> Callable[[Path, Path], object]:
    def make(path: Path, run: Path) -> None:
        tensors, _ = load_checkpoint(run / "model.safetensors")
        save_checkpoint(path, tensors, metadata)

    return make


MODELS: dict[str, Callable[[Path, Path], object]] = {
    "missing": lambda path, run: None,
    "empty": lambda path, run: path.write_bytes(b""),
    "text": lambda path, run: path.write_text("a model, honestly"),
    "half": lambda path, run: path.write_bytes((run / "model.safetensors").read_bytes()[:90_000]),
    "damaged": lambda path, run: path.write_bytes(
        damaged((run / "model.safetensors").read_bytes())
    ),
    "torch.save": lambda path, run: torch.save({"weight": torch.zeros(2)}, path),
    "pickle": lambda path, run: path.write_bytes(b"\x80\x04K\x01."),
    "foreign": lambda path, run: save_file({"weight": torch.zeros(2)}, path),
    "style": lambda path, run: shutil.copy(run / "styles" / "ink.style.safetensors", path),
    "picture": lambda path, run: path.write_bytes(encoded("PNG")),
    "folder": lambda path, run: path.mkdir(),
    "nameless": described({"kind": "model"}),
    "other size": described({"kind": "model", "model": {"code": 24, "size": "small"}}),
    "no such size": described({"kind": "model", "model": {"code": 16, "size": "huge"}}),
    "nonsense": described({"kind": "model", "model": "small"}),
}


@pytest.mark.parametrize("case", MODELS)
def test_bad_models_are_named(
    case: str, tiny_run: Path, tiny: list[str], collection: Path, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "mine.safetensors"
    MODELS[case](path, tiny_run)
    photo = collection / "photos" / "0.png"
    output = tmp_path / "out.png"
    words = ["stylize", photo, "--style", photo, "--model", path, "-o", output]
    assert str(path) in failed(capsys, words)
    assert not output.exists()
    run = tmp_path / "run"
    assert str(path) in failed(capsys, [*tiny, f"train.resume={path}", f"run.dir={run}"], train)
    assert not run.exists()


# styles


def altered(**changes: Any) -> Callable[[Path, Path], object]:
    """Save the tensors of a style with some changed, under the style's own header."""

    def make(path: Path, run: Path) -> None:
        from safetensors import safe_open

        source = run / "styles" / "ink.style.safetensors"
        with safe_open(source, "pt") as file:
            header = file.metadata()
        tensors = {**load_file(source), **changes}
        save_file({k: v for k, v in tensors.items() if v is not None}, path, header)

    return make


def of_another_model(path: Path, run: Path) -> None:
    StyleCode(torch.zeros(16), torch.zeros(16), "theirs", "0123456789abcdef").save(path)


NO_STYLE = "is not a style code"
STYLES: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "missing": (lambda path, run: None, "does not exist"),
    "empty": (lambda path, run: path.write_bytes(b""), NO_STYLE),
    "text": (lambda path, run: path.write_text("blue, with stars"), NO_STYLE),
    "half": (lambda path, run: path.write_bytes(
        (run / "styles" / "ink.style.safetensors").read_bytes()[:400]), NO_STYLE),
    "torch.save": (lambda path, run: torch.save(torch.zeros(2), path), NO_STYLE),
    "foreign": (lambda path, run: save_file({"a": torch.zeros(2)}, path), NO_STYLE),
    "model": (lambda path, run: shutil.copy(run / "model.safetensors", path), "not a style code"),
    "picture": (lambda path, run: path.write_bytes(encoded("PNG")), NO_STYLE),
    "no mean": (altered(mean=None), NO_STYLE),
    "not finite": (altered(mean=torch.full((2, 16), torch.nan)), "not finite"),
    "no vector": (altered(mean=torch.zeros(4, 4)), "of one shape"),
    "two lengths": (altered(spread=torch.zeros(3)), "of one shape"),
    "wrong length": (altered(mean=torch.zeros(2, 3), spread=torch.zeros(2, 3)), "has 3 numbers"),
    "of another model": (of_another_model, "0123456789abcdef"),
}  # fmt: skip


@pytest.mark.parametrize("case", STYLES)
def test_bad_styles_are_named(
    case: str, tiny_run: Path, collection: Path, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "mine.style.safetensors"
    make, reason = STYLES[case]
    make(path, tiny_run)
    output = tmp_path / "out.png"
    photo = collection / "photos" / "0.png"
    told = failed(capsys, ["stylize", photo, "--style", path, "--model", tiny_run, "-o", output])
    assert reason in told
    assert any(name in told for name in (str(path), "'ink'", "'theirs'"))
    assert not output.exists()


@pytest.mark.parametrize("content", [None, {}, {"notes.txt": "blue"}, {"bad.jpg": "blue"}])
def test_folders_without_a_style_are_named(
    content: dict[str, str] | None,
    tiny_run: Path,
    collection: Path,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    folder = tmp_path / "style"
    if content is not None:
        folder.mkdir()
        for name, text in content.items():
            (folder / name).write_text(text)
    words = ["stylize", collection / "photos" / "0.png", "--style", folder, "--model", tiny_run]
    told = failed(capsys, [*words, "-o", tmp_path / "out.png"])
    assert str(folder) in told or "no picture of 1 can be read" in told
