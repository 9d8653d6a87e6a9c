"""A whole run: what is in its folder, how it stops, how it is resumed."""

import itertools
import json
import math
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from PIL import Image

from gan_style.checkpoint import (
    flatten_state,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
    unflatten_state,
)
from gan_style.cli.main import main
from gan_style.config import load_config
from gan_style.data.training_data import TrainingData
from gan_style.errors import ConfigError, NonFiniteLossError
from gan_style.files import file_name
from gan_style.memory import memory_in_use
from gan_style.pretrained import read_model
from gan_style.style_code import StyleCode
from gan_style.training import loop as loop_module
from gan_style.training import run as run_module
from gan_style.training import validation
from gan_style.training.likeness import Likeness
from gan_style.training.run import train
from gan_style.training.run_dir import describe_run, run_folder
from gan_style.training.run_state import begin
from gan_style.training.signals import stop_signals
from gan_style.training.trainer import Trainer
from gan_style.training.validation import Best

REPOSITORY = Path(__file__).resolve().parents[2]
MEASURED = {"images_per_second", "minutes", "memory_gb"}  # differ from run to run
SHOWN = 64  # pixels of the paintings at the end of a run
LONG = pytest.mark.long
RARELY = ["run.sample_every=100", "run.checkpoint_every=100"]


@pytest.fixture(autouse=True)
def _news_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gan_style")


@pytest.fixture(autouse=True)
def _clear(tmp_path: Path) -> Iterator[None]:
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)  # checkpoints are large


def copy_of(run: Path, place: Path) -> Path:
    """Copy a run; its checkpoints, which are replaced and never changed, are linked."""

    def copy(source: str, target: str) -> None:
        (os.link if source.endswith(".safetensors") else shutil.copyfile)(source, target)

    return shutil.copytree(run, place, copy_function=copy)


def newest(run: Path) -> Path:
    return max(run.glob("checkpoints/step-*.safetensors"))


def lines_of(run: Path) -> list[dict[str, Any]]:
    lines = map(json.loads, (run / "log.jsonl").read_text(encoding="utf-8").splitlines())
    return [{k: v for k, v in line.items() if k not in MEASURED} for line in lines]


def assert_same_tensors(first: Path, second: Path) -> None:
    ours, theirs = load_checkpoint(first)[0], load_checkpoint(second)[0]
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


def train_with(*words: str, config: Path | None = None) -> Path:
    return train(load_config(None if config is None else str(config), words))


def stop_after(monkeypatch: pytest.MonkeyPatch, step: int, number: int) -> None:
    take = Trainer.step

    def stepped(self: Trainer, *given: Any) -> Any:
        terms = take(self, *given)
        if self.steps_done == step:
            os.kill(os.getpid(), number)
        return terms

    monkeypatch.setattr(Trainer, "step", stepped)


# what a run leaves


def test_the_run_folder(tiny_run: Path) -> None:
    found = {path.relative_to(tiny_run).as_posix() for path in tiny_run.rglob("*")}
    assert found == {
        ".lock",
        "config.yaml",
        "environment.txt",
        "log.jsonl",
        "model.safetensors",
        "report.txt",
        "training.json",
        *("samples", "samples/sample-00000002.png", "samples/sample-00000004.png"),
        *("checkpoints", "checkpoints/best.safetensors"),
        *(f"checkpoints/step-0000000{step}.safetensors" for step in (2, 4)),
        *("styles", "styles/ink.style.safetensors", "styles/oil.style.safetensors"),
    }
    config = load_config(str(tiny_run / "config.yaml"))
    assert (config.train.steps, config.run.dir) == (4, str(tiny_run))
    environment = (tiny_run / "environment.txt").read_text(encoding="utf-8")
    assert f"torch {torch.__version__.partition('+')[0]}" in environment
    assert "\ndevice cpu\n" in environment


def test_the_log_has_every_term_of_every_step(tiny_run: Path) -> None:
    lines = lines_of(tiny_run)
    losses = [line for line in lines if "images" in line]
    assert [(line["step"], line["images"]) for line in losses] == [(1, 2), (2, 4), (3, 6), (4, 8)]
    known = {"model/content", "model/stroke", "discriminator/logits_real", "learning_rate"}
    assert all(known <= line.keys() for line in losses)
    scores = [line for line in lines if "validation/score" in line]
    assert [line["step"] for line in scores] == [2, 4]  # once for each checkpoint
    raw = [json.loads(line) for line in (tiny_run / "log.jsonl").read_text().splitlines()]
    last = [line for line in raw if "images" in line][-1]
    assert last["images_per_second"] == pytest.approx(8 / (60 * last["minutes"]), rel=0.01)


def test_sample_grids_show_photos_and_styles(tiny_run: Path) -> None:
    grid = Image.open(tiny_run / "samples" / "sample-00000004.png")
    columns, rows = 3, 5  # photo and two styles; an example and four photos
    assert grid.width > columns * 48
    assert grid.height > rows * 48


def test_styles_belong_to_the_model(tiny_run: Path) -> None:
    codes = [StyleCode.load(path) for path in sorted((tiny_run / "styles").iterdir())]
    assert [(code.name, code.count) for code in codes] == [("ink", 3), ("oil", 3)]
    assert codes[0].model == codes[1].model != ""
    assert not torch.equal(codes[0].mean, codes[1].mean)


def test_the_model_is_the_average_in_half_precision(tiny_run: Path) -> None:
    exported, facts = load_checkpoint(tiny_run / "model.safetensors")
    tensors, _ = load_checkpoint(tiny_run / "checkpoints" / "best.safetensors")
    model = {"code_dim": 16, "size": "small", "supersampling": 1.0}
    assert facts == {"kind": "model", "model": model}
    for name, tensor in exported.items():
        assert torch.equal(tensor, tensors[f"average.{name}"].to(tensor.dtype)), name
        assert tensor.dtype == torch.float16 or tensor.ndim < 2, name


def test_the_end_says_what_there_is_and_what_to_type(
    tiny: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "my run"
    train_with(*tiny, *RARELY, "train.steps=1", f"run.dir={folder}")
    text = caplog.messages[-1]
    assert f"samples     {folder / 'samples' / 'sample-00000001.png'}" in text
    assert f"model       {folder / 'model.safetensors'}" in text
    assert (folder / "report.txt").read_text(encoding="utf-8") in text
    words = shlex.split(next(line for line in text.splitlines() if "gan-style stylize" in line))
    assert Path(words[words.index("--style") + 1]).is_file()
    assert words[words.index("--model") + 1] == str(folder)


# how it stops


@pytest.mark.parametrize(("limit", "steps"), [("train.images=3", 2), ("train.steps=1", 1)])
def test_stops_by_images_or_steps(tiny: list[str], tmp_path: Path, limit: str, steps: int) -> None:
    none = ["train.steps=null", "train.images=null"]
    folder = train_with(*tiny, *RARELY, *none, limit, f"run.dir={tmp_path / 'run'}")
    assert newest(folder).name == f"step-{steps:08d}.safetensors"
    assert (folder / "model.safetensors").is_file()


def test_stops_by_minutes(tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def monotonic() -> float:
        now[0] += 5
        return now[0]

    monkeypatch.setattr(loop_module, "time", SimpleNamespace(monotonic=monotonic))
    limit = ["train.steps=null", "train.images=null", "train.minutes=0.4"]
    folder = train_with(*tiny, *RARELY, *limit, f"run.dir={tmp_path / 'run'}")
    _, metadata = load_checkpoint(newest(folder))
    assert 24 <= metadata["seconds"] <= 40


def clock_of(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let every look at the clock of the loop find it so much later."""
    ticks = itertools.count()
    monkeypatch.setattr(
        loop_module, "time", SimpleNamespace(monotonic=lambda: seconds * next(ticks))
    )


def usual_of(monkeypatch: pytest.MonkeyPatch, squares: int) -> None:
    monkeypatch.setattr("gan_style.training.run_state.usual_squares", lambda counts: squares)


AUTO = ["train.steps=null", "train.images=auto", "train.minutes=5"]


def train_until_usual(tiny: list[str], tiny_run: Path, folder: Path) -> Path:
    """Train from a model, until the usual squares are seen or five minutes are over."""
    return train_with(*tiny, *RARELY, *AUTO, f"train.init={tiny_run}", f"run.dir={folder}")


@pytest.mark.long
def test_a_fast_machine_ends_after_the_squares_that_suit_the_collection(
    tiny: list[str],
    tiny_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock_of(monkeypatch, 0.01)
    usual_of(monkeypatch, 8)
    folder = train_until_usual(tiny, tiny_run, tmp_path / "run")
    assert newest(folder).name == "step-00000004.safetensors"  # batches of two
    assert load_checkpoint(newest(folder))[1]["usual"] == 8
    assert "until 8 squares or 5 minutes;" in caplog.messages[0]
    assert "it saw 8 squares (8 are usual) in" in caplog.messages[-1]
    assert "of the 5 minutes allowed" in caplog.messages[-1]
    assert not [record for record in caplog.records if "this machine" in record.message[:20]]

    usual_of(monkeypatch, 99)  # as if there were more pictures now: the run's own number stays
    train_with("train.resume=true", config=folder / "config.yaml")
    assert newest(folder).name == "step-00000004.safetensors"
    assert "the run is at its end already (8 squares or 5 minutes)" in caplog.text
    train_with("train.resume=true", "train.minutes=10", config=folder / "config.yaml")
    assert newest(folder).name == "step-00000008.safetensors"  # twice the minutes
    assert "it saw 16 squares (8 are usual) in" in caplog.messages[-1]


@pytest.mark.long
def test_a_slow_machine_says_what_it_can_do_and_what_to_type(
    tiny: list[str],
    tiny_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    usual_of(monkeypatch, 2_400)
    clock_of(monkeypatch, 12)  # two looks a step, and one between steps
    folder = train_until_usual(tiny, tiny_run, tmp_path / "my run")
    warnings = [record.message for record in caplog.records if "will show it" in record.message]
    assert len(warnings) == 1
    first, command = warnings[0].splitlines()
    assert "squares in 5 minutes; 2,400 are usual: expect little; let it run for" in first
    assert shlex.split(command)[:3] == ["gan-style", "train", str(folder / "config.yaml")]
    report = (folder / "report.txt").read_text(encoding="utf-8")
    seen = 2 * int(newest(folder).stem.removeprefix("step-"))
    assert f"it saw {seen} of the 2,400 squares that are usual, in" in report
    better = "better than the base model" in report
    assert ("too few to learn much from" in report) is not better
    assert "nothing to improve" not in report

    (line,) = [line for line in report.splitlines() if "train.resume=true" in line]
    program, train_word, config, *changes = shlex.split(line)
    assert (program, train_word) == ("gan-style", "train")
    assert changes[:2] == ["train.resume=true", "train.images=2400"]
    minutes = float(changes[-1].removeprefix("train.minutes="))
    assert minutes > 60
    train_with(changes[0], f"train.images={seen + 4}", changes[-1], config=Path(config))
    assert newest(folder).name == f"step-{seen // 2 + 2:08d}.safetensors"


def test_a_run_of_few_steps_is_told_to_have_seen_few(
    tiny: list[str],
    tiny_run: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Two styles: 2,400 squares times the root of 2."""
    words = ["train.images=auto", f"train.init={tiny_run}", f"run.dir={tmp_path / 'run'}"]
    folder = train_with(*tiny, *RARELY, *words)
    text = caplog.messages[-1]
    assert "it saw 8 of the 3,400 squares that are usual" in text
    assert "train.resume=true train.images=3400 train.steps=null" in text
    sheet = folder / "samples" / "base-and-mine-00000004.png"
    assert f"compare     {sheet} (photo, base model, mine)" in text
    with Image.open(sheet) as picture:
        assert picture.width > 5 * SHOWN  # photo, and base and mine of two styles
    assert ", 8 of 8 squares" in capsys.readouterr().err  # the bar


def test_the_report_and_the_log_have_the_likeness(
    tiny: list[str], tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked of both models with their own codes; one checkpoint has the lowest error."""
    asked: list[tuple[Any, ...]] = []

    def measure(*given: Any) -> Likeness:
        asked.append(given)
        return Likeness(0.28, 0.4, 0.81, 2.0, 0.5)

    usual_of(monkeypatch, 2)
    monkeypatch.setattr("gan_style.training.results.FEWEST", 0)
    monkeypatch.setattr("gan_style.training.results.measure_likeness", measure)
    words = [f"train.init={tiny_run}", "train.steps=1", f"run.dir={tmp_path / 'run'}"]
    folder = train_with(*tiny, *RARELY, *words)
    report = (folder / "report.txt").read_text(encoding="utf-8")
    assert report.startswith("verdict     better than the base model: 40 % of patches")
    assert "the last checkpoint was the best:" in report
    (logged,) = [line for line in lines_of(folder) if "report/likeness/mine" in line]
    assert (logged["report/likeness/base"], logged["report/likeness/difference"]) == (0.28, 2.0)
    ((base, mine, photos, styles),) = asked
    assert (base.id, len(photos)) == (styles[0].base.model, 4)
    assert mine.id == styles[0].mine.model
    assert [each.style.name for each in styles] == ["ink", "oil"]


def test_without_the_base_model_there_is_no_sheet(
    tiny: list[str], tiny_run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    base = copy_of(tiny_run, tmp_path / "base")
    words = [f"train.init={base}", f"run.dir={tmp_path / 'run'}", "train.steps=1"]
    folder = train_with(*tiny, *RARELY, *words)
    shutil.rmtree(base)
    (folder / "samples" / "base-and-mine-00000001.png").unlink()
    train_with("train.resume=true", "train.steps=2", config=folder / "config.yaml")
    assert "not compared with the base model" in caplog.text
    assert "compare     " not in caplog.messages[-1]
    assert "that of the base model" in caplog.messages[-1]  # which was measured at the beginning
    assert not list(folder.glob("samples/base-and-mine*"))


def test_outside_the_main_thread_signals_are_not_handled() -> None:
    seen: list[list[int]] = []

    def listen() -> None:
        with stop_signals() as stopped:
            seen.append(stopped)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [[]]


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, *(pytest.param(n, marks=LONG) for n in (signal.SIGTERM, signal.SIGHUP))],
)
def test_a_signal_saves_and_says_how_to_resume(
    tiny: list[str], tmp_path: Path, number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "my run"  # a name that needs quotes
    words = [*tiny, *RARELY, "train.steps=100000", f"run.dir={folder}"]
    command = [sys.executable, "train.py", "configs/smoke.yaml", *words]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        log = folder / "log.jsonl"
        while process.poll() is None and not (log.exists() and log.stat().st_size):
            time.sleep(0.05)
        process.send_signal(number)
        printed, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0
    saved = newest(folder)
    steps = int(saved.stem.removeprefix("step-"))
    assert f"stopped after {2 * steps} images; go on with\n" in printed
    program, *resuming = shlex.split(printed.splitlines()[-1])
    assert (program, resuming[0], resuming[-1]) == ("gan-style", "train", "train.resume=true")
    assert not (folder / "model.safetensors").exists()
    assert main([*resuming, f"train.steps={steps + 1}"]) == 0
    assert newest(folder).name == f"step-{steps + 1:08d}.safetensors"
    assert (folder / "model.safetensors").is_file()
    assert [line["step"] for line in lines_of(folder) if "images" in line] == [*range(1, steps + 2)]
    capsys.readouterr()


# how it is resumed


def test_two_steps_a_stop_and_two_steps_equal_four(
    tiny: list[str], tiny_run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, 2, signal.SIGINT)
        train_with(*tiny, f"run.dir={folder}")
    assert "stopped after 4 images" in caplog.messages[-1]
    torch.manual_seed(99)  # whatever else the process does
    train_with("train.resume=true", config=folder / "config.yaml")
    for name in ("step-00000002", "step-00000004", "best"):
        path = Path("checkpoints") / f"{name}.safetensors"
        assert_same_tensors(folder / path, tiny_run / path)
        ours, theirs = (load_checkpoint(run / path)[1] for run in (folder, tiny_run))
        for key in ("state", "best", "tracker", "model"):
            assert ours[key] == theirs[key], key
    assert lines_of(folder) == lines_of(tiny_run)
    assert_same_tensors(folder / "model.safetensors", tiny_run / "model.safetensors")
    for sample in (tiny_run / "samples").iterdir():
        assert (folder / "samples" / sample.name).read_bytes() == sample.read_bytes()
    for path in (tiny_run / "styles").iterdir():
        ours, theirs = StyleCode.load(path), StyleCode.load(folder / "styles" / path.name)
        assert torch.equal(ours.mean, theirs.mean)


EVERYTHING = [  # that is off by default
    *("losses.sliced=1", "losses.steadiness=1", "data.noisy=0.5", "data.destylized=0.5"),
    *("data.zoomed=0.5", "data.repeated=0.5", "data.recolor=0.5", "data.set_shares=[0.5, 0.5]"),
    *("data.sampling_exponent=0.5", "losses.descriptor=1"),
]


@pytest.mark.parametrize(
    "options", [pytest.param(["train.precision=bfloat16"], marks=LONG), EVERYTHING]
)
def test_other_settings_resume_bit_for_bit_too(
    tiny: list[str], tmp_path: Path, options: list[str]
) -> None:
    words = [*tiny, *RARELY, *options]
    straight, parted = tmp_path / "straight", tmp_path / "parted"
    train_with(*words, f"run.dir={straight}")
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, 2, signal.SIGINT)
        train_with(*words, f"run.dir={parted}")
    train_with("train.resume=true", config=parted / "config.yaml")
    last = Path("checkpoints") / "step-00000004.safetensors"
    assert_same_tensors(parted / last, straight / last)


def test_resumes_from_a_file_in_a_new_folder(
    tiny: list[str], tiny_run: Path, tmp_path: Path
) -> None:
    source = tiny_run / "checkpoints" / "step-00000002.safetensors"
    before = sorted(tiny_run.rglob("*"))
    words = [*tiny, *RARELY, f"train.resume={source}", f"run.dir={tmp_path / 'run'}"]
    folder = train_with(*words)
    assert folder == tmp_path / "run"
    assert_same_tensors(newest(folder), newest(tiny_run))
    assert sorted(tiny_run.rglob("*")) == before


def test_resumes_from_a_folder_in_that_folder(
    tiny: list[str], tiny_run: Path, tmp_path: Path
) -> None:
    copy = copy_of(tiny_run, tmp_path / "copy")
    words = [*tiny, *RARELY, f"train.resume={copy}", "train.steps=5"]
    folder = train_with(*words)
    assert folder == copy
    assert newest(folder).name == "step-00000005.safetensors"
    assert [line["step"] for line in lines_of(folder) if "images" in line] == [1, 2, 3, 4, 5]


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tiny_run: Path, tmp_path: Path) -> None:
    copy = copy_of(tiny_run, tmp_path / "copy")
    last = newest(copy)
    content = last.read_bytes()
    last.unlink()  # it is a link
    last.write_bytes(content[: len(content) // 2])
    words = [f"run.dir={copy}", "train.resume=True", *RARELY]
    train_with(*words, config=copy / "config.yaml")
    assert_same_tensors(last, newest(tiny_run))  # made again from the one before
    assert [line["step"] for line in lines_of(copy) if "images" in line] == [1, 2, 3, 4]


def test_a_whole_run_that_is_resumed_ends_at_once(tiny_run: Path, tmp_path: Path) -> None:
    copy = copy_of(tiny_run, tmp_path / "copy")
    words = [f"run.dir={copy}", "train.resume=true"]
    train_with(*words, config=copy / "config.yaml")
    assert newest(copy).read_bytes() == newest(tiny_run).read_bytes()  # it is not saved again
    lines = [(each / "log.jsonl").read_text(encoding="utf-8") for each in (copy, tiny_run)]
    assert lines[0].count("\n") == lines[1].count("\n")  # nor is the report logged twice


OLD_NAMES = {"scales.": "critics.", "to_logits.": "verdict."}
OLD_CONFIG = {  # what 0.1 wrote for options that are null now, and names of that time
    "data": {"recolour": 0.0},
    "model": {"code": 16},
    "features": {"weights": "", "stroke_weights": ""},
    "train": {"images": 0, "minutes": 0.0, "patience": 0, "init": "", "resume": "false"},
    "run": {"name": ""},
    "tracking": {"entity": ""},
}


def make_old(run: Path) -> None:
    """Bring a run into the form that version 0.1 left."""
    for path in sorted(run.glob("checkpoints/step-*")):  # the last one written is resumed
        tensors, facts = load_checkpoint(path)
        state = unflatten_state(tensors, facts["state"])
        for name in ("model", "average"):
            state[name]["generator.fineness"] = torch.tensor(1.5)
        old = {}
        for name, values in state["discriminator"].items():
            for new_part, old_part in OLD_NAMES.items():
                name = name.replace(new_part, old_part)
            old[name] = values
        state["discriminator"] = old
        tensors, facts["state"] = flatten_state(state)
        facts |= {"model": {"code": 16, "size": "small"}}
        facts["before"]["learnt"] = facts["before"].pop("learned")
        path.unlink()  # it is a link
        save_checkpoint(path, tensors, facts)
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    del config["data"]["recolor"], config["model"]["code_dim"], config["model"]["supersampling"]
    for section, values in OLD_CONFIG.items():
        config[section] |= values
    (run / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


@pytest.mark.long
def test_a_run_of_version_0_1_is_resumed(tiny: list[str], tmp_path: Path) -> None:
    enlarged = [*tiny, *RARELY, "model.supersampling=1.5", "train.steps=4"]  # the only one it had
    new = train_with(*enlarged, f"run.dir={tmp_path / 'new'}")
    old = copy_of(new, tmp_path / "old")
    make_old(old)
    for folder in (old, new):
        words = [f"run.dir={folder}", "train.resume=true", "train.steps=5"]
        train_with(*words, *RARELY, config=folder / "config.yaml")
    assert_same_tensors(newest(old), newest(new))
    assert newest(old).name == "step-00000005.safetensors"
    assert lines_of(old) == lines_of(new)


def test_the_tracker_gets_its_state_back(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    build = run_module.build_tracker
    monkeypatch.setattr(
        run_module, "build_tracker", lambda *words: (given.append(words[-1]), build(*words))[1]
    )
    copy = copy_of(tiny_run, tmp_path / "copy")
    train_with(f"run.dir={copy}", "train.resume=true", config=copy / "config.yaml")
    assert (
        given
        == [load_checkpoint(newest(tiny_run))[1]["tracker"]]
        == [{"log": {"step": 4, "lines": 6}}]
    )


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_the_best_is_kept(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: float
) -> None:
    scores = iter([3.0, broken, 1.0, 2.0])
    monkeypatch.setattr(validation, "FEWEST", 0)
    monkeypatch.setattr(loop_module, "validation_terms", lambda *_: {"score": next(scores)})
    often = ["run.checkpoint_every=1", "run.keep=2", "run.sample_every=100"]
    folder = train_with(*tiny, *often, f"run.dir={tmp_path / 'run'}")
    best, facts = load_checkpoint(folder / "checkpoints" / "best.safetensors")
    third, _ = load_checkpoint(folder / "checkpoints" / "step-00000003.safetensors")
    terms = {"score": 1.0}
    assert facts["best"] == {"score": 1.0, "step": 3, "terms": terms, "lowest": 1.0, "later": 0}
    assert all(torch.equal(tensor, third[name]) for name, tensor in best.items())
    assert load_checkpoint(newest(folder))[1]["best"]["score"] == 1.0
    exported = load_checkpoint(folder / "model.safetensors")[0]
    assert all(torch.equal(best[f"average.{k}"].to(v.dtype), v) for k, v in exported.items())
    kept = sorted(path.name for path in (folder / "checkpoints").iterdir())
    steps = ["step-00000003.safetensors", "step-00000004.safetensors"]
    assert kept == ["best.safetensors", *steps]


def test_a_later_checkpoint_is_kept_unless_it_is_over_a_tenth_worse() -> None:
    best, kept = Best(), []
    for step, score in enumerate([2.0, 1.0, 1.09, 1.11, 1.1, 3.0, 0.5, math.nan, 0.54]):
        best = best.updated(step, {"score": score}, held_out_count=9)
        kept.append((best.step, best.lowest, best.later))
    assert kept[:4] == [(0, 2.0, 0), (1, 1.0, 0), (2, 1.0, 1), (2, 1.0, 2)]
    assert kept[4:] == [(4, 1.0, 3), (4, 1.0, 4), (6, 0.5, 0), (6, 0.5, 1), (8, 0.5, 2)]


def test_with_few_pictures_held_out_the_last_is_the_best(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([1.0, 2.0, 3.0, math.nan])
    monkeypatch.setattr(loop_module, "validation_terms", lambda *_: {"score": next(scores)})
    folder = train_with(*tiny, "run.checkpoint_every=1", f"run.dir={tmp_path / 'run'}")
    best = load_checkpoint(folder / "checkpoints" / "best.safetensors")[1]["best"]
    assert (best["step"], best["score"]) == (3, 3.0)


def test_a_run_stops_when_nothing_gets_better(
    tiny: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scores = iter([2.0, 1.0, *[3.0] * 9])
    monkeypatch.setattr(loop_module, "validation_terms", lambda *_: {"score": next(scores)})
    monkeypatch.setattr(validation, "FEWEST", 0)
    words = ["train.steps=9", "train.patience=2", "run.checkpoint_every=1", "run.sample_every=99"]
    folder = train_with(*tiny, *words, f"run.dir={tmp_path / 'run'}")
    assert newest(folder).name == "step-00000004.safetensors"  # two after the best, the second
    assert "stopped early" in caplog.messages[-1]
    assert "stopped early" in (folder / "report.txt").read_text(encoding="utf-8")


@pytest.mark.long
def test_a_part_of_the_run_that_ends_in_a_step_left_out_has_its_checkpoint_with_the_next(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Trainer.step

    def stepped(self: Trainer, *given: Any) -> Any:
        if self.steps_done == 1:  # the second of twenty, and so the end of the first tenth
            raise NonFiniteLossError("for once")
        return take(self, *given)

    monkeypatch.setattr(Trainer, "step", stepped)
    words = ["train.steps=20", "run.checkpoint_every=null", "run.keep=99", "run.sample_every=99"]
    folder = train_with(*tiny, *words, f"run.dir={tmp_path / 'run'}")
    saved = sorted(path.stem for path in (folder / "checkpoints").glob("step-*"))
    assert saved == [f"step-{step:08d}" for step in (3, *range(4, 21, 2))]


def test_one_picture_is_learned_with_a_warning(
    tiny: list[str], collection: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "mine").mkdir()
    shutil.copy(collection / "styles" / "ink" / "0.png", tmp_path / "mine")
    words = [f"data.styles={tmp_path / 'mine'}", "train.steps=1", f"run.dir={tmp_path / 'run'}"]
    folder = train_with(*tiny, *words)
    assert caplog.messages[1].startswith("style mine is one picture")
    assert caplog.records[1].levelname == "WARNING"
    assert "add pictures" in caplog.messages[-1]
    assert (folder / "styles" / "mine.style.safetensors").is_file()


def test_a_best_model_that_a_kill_left_behind_is_made_anew(
    tiny_run: Path, tiny: list[str], tmp_path: Path
) -> None:
    """A checkpoint has two files, and the second may be missing or of the one before."""
    folder = copy_of(tiny_run, tmp_path / "run")
    best, last = folder / "checkpoints" / "best.safetensors", newest(folder)
    tensors, facts = load_checkpoint(last)
    assert facts["best"]["step"] == 4
    whole = {name: tensor for name, tensor in tensors.items() if name.startswith("average.")}
    older = {name: torch.zeros_like(tensor) for name, tensor in whole.items()}
    config = load_config(None, [*tiny, f"run.dir={folder}"])
    data = TrainingData(config.data, config.train.batch_size, config.train.seed)
    for spoil in (
        best.unlink,
        lambda: save_checkpoint(best, older, facts | {"best": facts["best"] | {"step": 2}}),
    ):
        spoil()
        begin(config, Trainer(config, torch.device("cpu")), data, last)
        torch.testing.assert_close(load_checkpoint(best)[0], whole, rtol=0, atol=0, equal_nan=True)


def test_a_run_killed_in_its_first_checkpoint_is_no_run_yet(tmp_path: Path) -> None:
    half = tmp_path / "checkpoints" / ".step-00000001.safetensors.123.part"
    half.parent.mkdir()
    half.write_bytes(b"half")
    assert run_folder(load_config(None, [f"run.dir={tmp_path}"]), None) == tmp_path


# what it refuses


def refused(words: list[str]) -> str:
    with pytest.raises(ConfigError) as caught:
        train_with(*words)
    return str(caught.value)


def test_a_folder_that_holds_a_run_is_refused(tiny: list[str], tiny_run: Path) -> None:
    message = refused([*tiny, f"run.dir={tiny_run}"])
    assert f"{tiny_run} holds a run already; resume it with train.resume=true" in message


def test_nothing_to_resume_from(tiny: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "step-00000002.safetensors").write_text("not one")
    assert str(folder) in refused([*tiny, f"run.dir={folder}", "train.resume=true"])
    assert "nowhere" in refused([*tiny, "train.resume=nowhere"])
    assert "needs run.dir" in refused([*tiny, "train.resume=true"])


def test_another_size_of_model_is_refused(tiny: list[str], tiny_run: Path) -> None:
    for changed in ("model.code_dim=24", "model.size=large", "model.supersampling=2.0"):
        message = refused([*tiny, changed, f"run.dir={tiny_run}", "train.resume=true"])
        assert str(newest(tiny_run)) in message
        assert "is a model of model.code_dim=16 model.size=small" in message
        assert changed in message.partition("; the configuration has ")[2]


@pytest.mark.parametrize("name", ["model.safetensors", "checkpoints/best.safetensors"])
def test_what_holds_no_whole_state_is_refused(
    tiny: list[str], tiny_run: Path, tmp_path: Path, name: str
) -> None:
    words = [*tiny, f"train.resume={tiny_run / name}", f"run.dir={tmp_path / 'new'}"]
    assert f"{tiny_run / name} cannot be resumed" in refused(words)
    assert not (tmp_path / "new").exists()


def test_a_state_of_other_networks_is_refused(
    tiny: list[str], tiny_run: Path, tmp_path: Path
) -> None:
    tensors, facts = load_checkpoint(newest(tiny_run))
    name = next(name for name in tensors if name.startswith("model.generator"))
    tensors[name] = torch.zeros(3)
    path = tmp_path / "checkpoints" / "step-00000004.safetensors"
    save_checkpoint(path, tensors, facts)
    assert f"{path} cannot be resumed" in refused([*tiny, f"train.resume={path}"])


def test_a_state_without_the_decoder_that_is_asked_for_is_refused(
    tiny: list[str], tiny_run: Path
) -> None:
    message = refused([*tiny, f"run.dir={tiny_run}", "train.resume=true", "losses.descriptor=1"])
    assert "cannot be resumed: losses.descriptor was 0 when it was saved, and is above 0" in message


# small things


def test_file_names_of_styles_never_become_the_same() -> None:
    names = ["ink", "a/b", "a b", "a-b", "a:b", "../x", "雪", "ü", ".hidden", "***"]
    files = [file_name(name) for name in names]
    assert len(set(files)) == len(files)
    assert file_name("ink") == "ink"
    assert not any("/" in name or name.startswith(".") for name in files)


def test_environment_and_memory(tmp_path: Path) -> None:
    describe_run(tmp_path, load_config(None), torch.device("cpu"), "float32")
    lines = (tmp_path / "environment.txt").read_text(encoding="utf-8").splitlines()
    assert {line.split()[0] for line in lines} >= {"python", "torch", "device", "command"}
    assert memory_in_use(torch.device("cpu")) > 0.05


def test_without_a_name_the_run_gets_a_fresh_folder(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = train_with(*tiny, *RARELY, "train.steps=1", "run.name=a / b")
    assert folder.parent == Path("runs")
    assert folder.name.endswith("-a-b")
    assert (folder / "model.safetensors").is_file()


# beginning with a trained model


def test_a_run_begins_with_a_trained_model(tiny_run: Path, tiny: list[str], tmp_path: Path) -> None:
    """Before its first step the new run is the old model; then it goes its own way."""
    config = load_config(None, [*tiny, f"run.dir={tmp_path / 'new'}", f"train.init={tiny_run}"])
    trainer = Trainer(config, torch.device("cpu"))
    data = TrainingData(config.data, config.train.batch_size, config.train.seed)
    state = begin(config, trainer, data, None)
    assert state.before.learned == state.before.held_out == trainer.evaluate(data.training())
    assert (state.seconds, state.best.step, state.tracker) == (0.0, 0, None)
    old = read_model(tiny_run).model
    assert all(torch.equal(old[k], v) for k, v in trainer.model.state_dict().items())
    assert all(torch.equal(old[k], v) for k, v in trainer.average.state_dict().items())
    folder = train(config)
    new = read_model(folder).model
    assert any(not torch.equal(old[k], v) for k, v in new.items())


def test_a_model_of_another_kind_is_no_beginning(
    tiny_run: Path, tiny: list[str], tmp_path: Path
) -> None:
    words = [*tiny, f"run.dir={tmp_path / 'new'}", f"train.init={tiny_run}", "model.code_dim=24"]
    with pytest.raises(
        ConfigError, match=r"train\.init .* model\.code_dim=16 .* has model\.code_dim=24"
    ):
        train(load_config(None, words))


def test_the_discriminator_is_taken_over_where_there_is_one(
    tiny_run: Path, tiny: list[str], tmp_path: Path
) -> None:
    newest = newest_checkpoint(tiny_run / "checkpoints")
    assert newest is not None
    config = load_config(None, [*tiny, f"run.dir={tmp_path / 'new'}", f"train.init={newest}"])
    trainer = Trainer(config, torch.device("cpu"))
    read = read_model(newest)
    trainer.begin_with(read.model, read.discriminator)
    mine = trainer.discriminator.state_dict()
    assert all(torch.equal(v, mine[k]) for k, v in read.discriminator.items())
    assert read.discriminator.keys() == mine.keys()
