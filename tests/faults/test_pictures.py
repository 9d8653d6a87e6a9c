"""Pictures that are removed or broken while a run works."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from one_step import ONCE, POSIX

from gan_style.checkpoint import CHECKPOINTS, newest_checkpoint
from gan_style.config import load_config
from gan_style.data.inspection import too_few
from gan_style.style_code import StyleCode
from gan_style.training import results
from gan_style.training.run import train

FROM_FILES = ["data.memory_gb=0", "data.workers=0"]  # whenever they are drawn


@pytest.mark.parametrize("memory", [2.0, 0.0])
def test_style_pictures_removed_while_training(
    tiny: list[str],
    collection: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    memory: float,
) -> None:
    """The code is made of what is in memory; without that, the rest of the results still come."""
    styles = shutil.copytree(collection / "styles", tmp_path / "styles")
    load = results.load_best

    def remove(*given: Any) -> None:
        load(*given)
        shutil.rmtree(styles / "ink")

    monkeypatch.setattr(results, "load_best", remove)
    words = [*tiny, *ONCE, f"data.styles={styles}", f"data.memory_gb={memory}", "data.workers=0"]
    folder = train(load_config(None, [*words, f"run.dir={tmp_path / 'run'}"]))
    codes = {path.name.partition(".")[0]: path for path in (folder / "styles").iterdir()}
    assert codes.keys() == ({"ink", "oil"} if memory else {"oil"})
    assert (folder / "report.txt").read_text(encoding="utf-8").startswith("training ")
    assert (folder / "model.safetensors").is_file()
    if memory:
        assert StyleCode.load(codes["ink"]).count == 3
    else:
        assert "style ink has no code: no picture of 3 can be read" in caplog.text


def test_many_small_styles_are_one_warning() -> None:
    assert len(list(too_few({f"s{number}": 1 for number in range(10)}))) == 10
    (line,) = too_few({f"s{number}": 1 for number in range(200)} | {"large": 20})
    assert line.startswith(
        "200 of 201 styles have fewer than 10 different pictures, such as s0, s1"
    )


@POSIX
@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("spoil", "photos"),
        pytest.param("lose", "styles/ink", marks=pytest.mark.nightly),
        pytest.param("spoil", "styles/ink", marks=pytest.mark.nightly),
        pytest.param("lose", "photos", marks=pytest.mark.nightly),
    ],
)
def test_pictures_lost_or_spoiled_while_training(
    collection: Path, tmp_path: Path, tally: Any, change: str, place: str
) -> None:
    """Others of their kind stand in for them, and each is told once."""
    import fault_runs
    from fault_injection import run

    copy = shutil.copytree(collection, tmp_path / "pictures")
    folder = tmp_path / "run"
    words = fault_runs.words_of(copy, folder, *FROM_FILES, "train.steps=5")
    counted = tally("a picture that is removed or broken while training")
    gone = [copy / place / name for name in ("0.png", "1.png")]
    with counted.attempt():
        happens = getattr(fault_runs, change)
        ended = run(fault_runs.after_step, words, 1, happens, gone, sandbox=folder)
        assert ended.code == 0, ended.output
        told = [line for line in ended.lines if line.startswith("skipped ")]
        assert {path for path in gone if sum(str(path) in line for line in told) == 1} == {*gone}
        assert (folder / "report.txt").is_file()
        counted.told(told[0], copy / place)


@POSIX
@pytest.mark.nightly
def test_all_photos_lost_while_training(collection: Path, tmp_path: Path, tally: Any) -> None:
    import fault_runs
    from fault_injection import run

    copy = shutil.copytree(collection, tmp_path / "pictures")
    folder = tmp_path / "run"
    words = fault_runs.words_of(copy, folder, *FROM_FILES)
    photos = [*(copy / "photos").iterdir()]
    counted = tally("all photos removed while training")
    with counted.attempt():
        ended = run(fault_runs.after_step, words, 2, fault_runs.lose, photos, sandbox=folder)
        assert ended.code in (1, 2), ended.output
        (message,) = ended.errors
        assert str(copy / "photos") in message
        counted.told(message, copy)
        fault_runs.require_whole(folder)
        newest = newest_checkpoint(folder / CHECKPOINTS)
        assert newest is not None
        shutil.copytree(collection, copy, dirs_exist_ok=True)
        assert run(fault_runs.go_on, words, sandbox=folder).code == 0
