"""A disk that is full at any write: one line names the file, and nothing is lost or left half."""

import pickle
import shutil
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fault_injection import Ended, Fault, on_small_disk, run
from fault_runs import Finished, go_on, left_over, require_whole, roughly, words_of

from gan_style.cli.main import main
from gan_style.training.run_history import LOG_FILE

Tallies = Callable[[str], Any]
PARTS = 4  # of the long tests, which several processes share
MEGABYTES = 128  # of a small disk
HEAD = 6000  # bytes that are free at times: the beginning of a file can be written then


@pytest.fixture(scope="session")
def small_disk(tmp_path_factory: pytest.TempPathFactory, own_mounts: None) -> Path:
    """Return where a small disk can be mounted."""
    return tmp_path_factory.mktemp("small")


def refused(ended: Ended, folder: Path) -> str:
    """The one line that was said of a file below a folder, without a traceback."""
    assert ended.code in (1, 2), ended.output
    assert "Traceback" not in ended.output, ended.output
    assert len(ended.errors) == 1, ended.output
    assert str(folder) in ended.errors[0]
    reasons = ("no space left on device", "file too large")
    assert any(reason in ended.errors[0] for reason in reasons), ended.errors
    return ended.errors[0]


def steps_on(
    disk: Path, results: Path, steps: Sequence[tuple[Any, ...]]
) -> list[tuple[Ended, Path]]:
    """Work on a small disk: how each step ended, and a copy of what it left."""
    results.mkdir()
    whole = run(on_small_disk, disk, MEGABYTES, steps, results, sandbox=results / "none")
    assert whole.code == 0, whole.output
    return [
        (pickle.loads((results / f"{n}.pickle").read_bytes()), results / str(n))
        for n in range(len(steps))
    ]


# ---------------------------------------------------------------------- training


def broken_training(ended: Ended, folder: Path, left: Path) -> str:
    """What was said of a run in a folder, of which all that is left is whole."""
    message = refused(ended, folder)
    assert left_over(left) == []
    require_whole(left)
    if (left / LOG_FILE).exists():
        text = (left / LOG_FILE).read_text(encoding="utf-8")
        assert not text or text.endswith("}\n")
    return message


def train_without_space(
    collection: Path, tmp_path: Path, unbroken: Finished, tally: Any, at: int
) -> bool:
    """Whether a run had an operation `at`; from there on nothing could be written."""
    folder = tmp_path / str(at)
    words = words_of(collection, folder)
    ended = run(main, words, sandbox=folder, fault=Fault("no space", at))
    if ended.code == 0:
        return False
    with tally.attempt():
        tally.told(broken_training(ended, folder, folder), folder)
        ended = run(go_on, words, sandbox=folder)
        assert ended.code == 0, ended.output
        assert Finished.of(folder) == unbroken
    shutil.rmtree(folder, ignore_errors=True)
    return True


def test_training_without_space(
    collection: Path, tmp_path: Path, unbroken: Finished, tally: Tallies
) -> None:
    counted = tally("no space from each file operation of a run on")
    assert train_without_space(collection, tmp_path, unbroken, counted, at=18)


@pytest.mark.nightly
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("part", range(PARTS))
def test_training_without_space_from_each_file_operation_on(
    collection: Path, tmp_path: Path, unbroken: Finished, tally: Tallies, part: int
) -> None:
    counted = tally("no space from each file operation of a run on")
    for at in count(part + 1, PARTS):
        if not train_without_space(collection, tmp_path, unbroken, counted, at):
            break
    assert at > 60


def train_on_full_disk(
    collection: Path, disk: Path, results: Path, unbroken: Finished, tally: Any, fault: Fault
) -> bool:
    """Whether a run met the end of the disk, which others filled up at an operation."""
    folder = disk / "work" / "run"
    words = words_of(collection, folder)
    (full, left), (ended, finished) = steps_on(
        disk, results, [(fault, main, words), (None, go_on, words)]
    )
    if full.code:
        with tally.attempt():
            tally.told(broken_training(full, folder, left / "run"), folder)
            assert ended.code == 0, ended.output
            assert Finished.of(finished / "run") == unbroken
    shutil.rmtree(results)
    return len(full.operations) >= fault.at


@pytest.mark.parametrize("at", [21])
def test_training_on_a_disk_that_others_fill(
    collection: Path, tmp_path: Path, small_disk: Path, unbroken: Finished, tally: Tallies, at: int
) -> None:
    counted = tally("a file system filled up by others at each file operation of a run")
    fault = Fault("full", at, HEAD)
    assert train_on_full_disk(collection, small_disk, tmp_path / "left", unbroken, counted, fault)
    assert counted.row["survived"] == 1


@pytest.mark.nightly
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("part", range(PARTS))
def test_training_on_a_disk_that_others_fill_at_each_file_operation(
    collection: Path,
    tmp_path: Path,
    small_disk: Path,
    unbroken: Finished,
    tally: Tallies,
    part: int,
) -> None:
    counted = tally("a file system filled up by others at each file operation of a run")
    for at in count(part + 1, PARTS):
        fault = Fault("full", at, HEAD if at // PARTS % 2 else 0)
        if not train_on_full_disk(
            collection, small_disk, tmp_path / str(at), unbroken, counted, fault
        ):
            break
    assert at > 60


SIZES = [1000, 2000, 9000, 100_000, 3_000_000, 6_000_000]


@pytest.mark.nightly
@pytest.mark.parametrize("size", SIZES)
def test_training_where_files_may_not_grow(
    collection: Path, tmp_path: Path, unbroken: Finished, tally: Tallies, size: int
) -> None:
    counted = tally("files that may not grow beyond a size (EFBIG)")
    folder = tmp_path / "run"
    words = words_of(collection, folder)
    ended = run(main, words, sandbox=folder, fault=Fault("largest", spare=size))
    with counted.attempt():
        counted.told(broken_training(ended, folder, folder), folder)
        ended = run(go_on, words, sandbox=folder)
        assert ended.code == 0, ended.output
        assert Finished.of(folder) == unbroken


# ---------------------------------------------------------------------- the other commands


NIGHTLY = pytest.mark.nightly
COMMANDS = [
    ("encode", "mine.style.safetensors"),
    pytest.param("stylize", "painted.png", marks=NIGHTLY),
    pytest.param("stylize", "painted.jpg", marks=NIGHTLY),
    pytest.param("stylize", "painted.tiff", marks=NIGHTLY),
    pytest.param("mix", "mixed.style.safetensors", marks=NIGHTLY),
    pytest.param("strip", "strip.png", marks=NIGHTLY),
    pytest.param("export", "model.onnx", marks=NIGHTLY),
    pytest.param("video", "painted.mp4", marks=NIGHTLY),
]


def words_for(command: str, output: Path, collection: Path, model: Path) -> list[str]:
    """The words of a command that writes a file."""
    photo = str(collection / "photos" / "0.png")
    style = str(next((model / "styles").iterdir()))
    own = ["--model", str(model)]
    output_words = ["-o", str(output)]
    return {
        "stylize": ["stylize", photo, "--style", style, *own, *output_words],
        "encode": ["encode", str(collection / "styles" / "ink"), *own, *output_words],
        "mix": ["mix", style, style, *own, *output_words],
        "strip": ["strip", photo, style, style, "--steps", "1", *own, *output_words],
        "export": ["export", "--onnx", str(output), *own],
        "video": [
            *("video", str(collection / "photos"), "--style", style),
            *("--fps", "10", *own, *output_words),
        ],
    }[command]


def needs(command: str) -> None:
    if command == "export":
        pytest.importorskip("onnxscript")
    if command == "video":
        pytest.importorskip("av")
        pytest.importorskip("cv2")


@pytest.mark.timeout(3000)
@pytest.mark.parametrize(("command", "name"), COMMANDS)
def test_a_command_without_space(
    collection: Path, tmp_path: Path, unbroken_run: Path, tally: Tallies, command: str, name: str
) -> None:
    needs(command)
    counted = tally(f"no space at each file operation of {command}")
    for at in count(1):
        folder = tmp_path / str(at)
        folder.mkdir()
        words = words_for(command, folder / name, collection, unbroken_run)
        ended = run(roughly, words, sandbox=folder, fault=Fault("no space", at))
        if ended.code == 0:
            assert (folder / name).is_file()
            break
        with counted.attempt():
            counted.told(refused(ended, folder), folder / "work")
            unfinished = folder / f"{name}.unfinished"  # of a video, which can be gone on with
            there = [path for path in folder.iterdir() if path != unfinished]
            assert there == [] or ended.operations[at - 1].startswith(("rename", "fsync"))
            assert left_over(folder) == []
            if command != "export":  # which takes long; the test below does it again
                ended = run(roughly, [*words, "--force"] if there else words, sandbox=folder)
                assert ended.code == 0, ended.output
    assert at > 2


@pytest.mark.timeout(3000)
@pytest.mark.parametrize(("command", "name"), COMMANDS)
@pytest.mark.nightly
def test_a_command_on_a_disk_that_others_fill(
    collection: Path,
    tmp_path: Path,
    small_disk: Path,
    unbroken_run: Path,
    tally: Tallies,
    command: str,
    name: str,
) -> None:
    needs(command)
    counted = tally(f"a file system filled up by others while {command} works")
    folder = small_disk / "work"
    words = words_for(command, folder / name, collection, unbroken_run)
    (full, left), (ended, _) = steps_on(
        small_disk, tmp_path / "left", [(Fault("full", 1), roughly, words), (None, roughly, words)]
    )
    with counted.attempt():
        counted.told(refused(full, folder), folder / "work")
        unfinished = left / f"{name}.unfinished"
        assert [path for path in left.iterdir() if path != unfinished] == []
        assert left_over(left) == []
        assert ended.code == 0, ended.output
