"""A folder that cannot be written into is refused before any work, also where root works."""

from pathlib import Path
from typing import Any

import pytest
from fault_injection import read_only, run
from fault_runs import go_on, without_work, words_of

OUTPUTS = {
    "stylize": "painted.png",
    "encode": "mine.style.safetensors",
    "mix": "mixed.style.safetensors",
    "merge": "halfway",
    "strip": "strip.png",
    "compare": "sheet.png",
    "export": "model.onnx",
    "video": "painted.mp4",
    "evaluate": "sheet.png",
}


def words_for(command: str, output: Path, collection: Path) -> list[str]:
    photo, style = collection / "photos" / "0.png", collection / "styles" / "ink"
    given = {
        "stylize": (photo, "--style", style, "-o", output),
        "encode": (style, "-o", output),
        "mix": (style, style, "-o", output),
        "merge": ("base", "base", "-o", output),
        "strip": (photo, style, style, "-o", output),
        "compare": (photo, "--styles", style, "-o", output),
        "export": ("--onnx", output),
        "video": (collection / "photos", "--style", style, "--fps", "10", "-o", output),
        "evaluate": ("collection", collection / "photos", style, "--sheet", output),
    }[command]
    return [command, *map(str, given)]


def refused(folder: Path, work: Any, words: list[str], tally: Any) -> None:
    """Fail unless a command is refused in one line."""
    ended = run(read_only, folder, work, words, sandbox=folder.with_name("sandbox"))
    with tally.attempt():
        assert ended.code == 2, ended.output
        (message,) = ended.errors
        assert f"{folder} cannot be written into: read-only file system" in message
        assert "Traceback" not in ended.output
        tally.told(message, folder)


@pytest.mark.usefixtures("own_mounts")
@pytest.mark.parametrize("command", OUTPUTS)
def test_an_output_folder(collection: Path, tmp_path: Path, tally: Any, command: str) -> None:
    if command == "video":
        pytest.importorskip("av")
        pytest.importorskip("cv2")
    folder = tmp_path / "locked"
    folder.mkdir()
    words = words_for(command, folder / "new" / OUTPUTS[command], collection)
    refused(folder, without_work, words, tally("a read-only folder"))
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("own_mounts")
def test_a_folder_for_runs(collection: Path, tmp_path: Path, tally: Any) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    words = words_of(collection, folder / "run")
    refused(folder, without_work, words, tally("a read-only folder"))
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("own_mounts")
def test_a_run_folder(collection: Path, tmp_path: Path, unbroken_run: Path, tally: Any) -> None:
    words = [*words_of(collection, unbroken_run)]
    before = {path: path.stat().st_mtime_ns for path in unbroken_run.rglob("*")}
    refused(unbroken_run, go_on, words, tally("a read-only folder"))
    assert {path: path.stat().st_mtime_ns for path in unbroken_run.rglob("*")} == before
