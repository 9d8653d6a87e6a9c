"""Processes that evaluate together, started by torchrun: the scores are those of one process."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from processes import torchrun

from gan_style.cli.main import main
from gan_style.distributed import Ranks

SIZE = ("--device", "cpu", "--size", "64")
DIES = """
import os, sys
import gan_style.stylizer as used
from gan_style.cli.main import main

paint = used.Stylizer.paint

def dying(self, *given):
    if (os.environ["RANK"], os.environ["TORCHELASTIC_RESTART_COUNT"]) == ("1", "0"):
        os.kill(os.getpid(), 9)
    return paint(self, *given)

used.Stylizer.paint = dying
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def work(collection: Path, tmp_path: Path) -> Path:
    """Copy the photos and styles, with a broken file among each."""
    shutil.copytree(collection, tmp_path, dirs_exist_ok=True)
    for place in ("photos/1.png", "styles/ink/x.png", "styles/oil/1.png"):
        (tmp_path / place).write_text("no picture")
    return tmp_path


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        close = isinstance(value, float)
        assert found[name] == (pytest.approx(value, rel=1e-4, abs=1e-6) if close else value), name


@pytest.mark.long
def test_two_processes_score_as_one_does_though_one_of_them_dies(
    work: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(work / "styles/ink/0.png", work / "styles/ink/3.png")  # enough for every measure
    (work / "dies.py").write_text(DIES)
    places = [str(work / "photos"), str(work / "styles/ink"), "--others", str(work / "styles")]
    words = ["evaluate", "collection", *places, *SIZE]
    one, two = (["--json", f"{work / name}.json", "--sheet", f"{work / name}.png"] for name in "ab")
    assert main([*words, *one]) == 0
    done = torchrun(str(work / "dies.py"), *words, *two, restarts=1)
    assert done.returncode == 0, done.stderr
    expected, found = (json.loads((work / f"{name}.json").read_text()) for name in "ab")
    assert (
        expected["skipped"] == len(caplog.records) - 2 == 4
    )  # these two tell of the reading of the style
    assert expected["memorization"] is not None
    same(found, expected)
    assert (work / "a.png").read_bytes() == (work / "b.png").read_bytes()
    assert done.stdout.count("3 paintings at 64 px") == 1
    assert done.stderr.count(f"skipped: {work / 'photos/1.png'}") == 3  # twice as a plain photo


@pytest.mark.long
def test_pairs_and_several_sizes(work: Path) -> None:
    places = [str(work / "photos"), str(work / "styles/oil")]
    words = ["evaluate", "pairs", *places, *SIZE, "80"]
    assert main([*words, "--json", str(work / "a.json")]) == 0
    done = torchrun("-m", "gan_style", *words, "--json", str(work / "b.json"))
    assert done.returncode == 0, done.stderr
    expected, found = (json.loads((work / f"{name}.json").read_text()) for name in "ab")
    assert list(found) == ["64", "80"]
    for size, scores in expected.items():
        assert scores["count"] == 6
        same(found[size], scores)


@pytest.mark.long
def test_all_end_when_nothing_can_be_scored(work: Path) -> None:
    (work / "outs").mkdir()
    for name in ("0", "2"):
        (work / f"outs/{name}.png").write_text("no picture")
    places = [str(work / "photos"), str(work / "styles/ink"), "--outputs", str(work / "outs")]
    done = torchrun("-m", "gan_style", "evaluate", "collection", *places, *SIZE)
    assert done.returncode != 0
    assert "error: not one of 2 paintings can be scored" in done.stderr
    assert "error: the first process ended: not one of 2 paintings" in done.stderr


def test_one_process_has_all_it_was_given() -> None:
    assert Ranks().collected(["a", "b"]) == ["a", "b"]
