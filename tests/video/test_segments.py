"""Work that is broken off goes on, to the same file; memory does not grow with the length."""

import json
import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from video_clips import flat, pan, write_clip

from gan_style.errors import ConfigError
from gan_style.video.config import VideoConfig
from gan_style.video.job import Job
from gan_style.video.segments import unfinished
from gan_style.video.state import State
from gan_style.video.steadiness import EachAlone, Steadied

pytest.importorskip("av")
REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_segments import painted
painted(Path({source!r}), Path({output!r}), last={last})
"""


class Counting:
    """Paints by a number that it counts up: what it paints depends on all frames before.

    last: with the frame of this number it kills its own process.
    """

    def __init__(self, last: int | None = None) -> None:
        self.count = 0
        self.last = last

    def paint(self, frame: NDArray[np.uint8], *, first: bool) -> NDArray[np.uint8]:
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        random = np.random.default_rng(self.count)
        noise = random.integers(-40, 40, frame.shape)
        return (frame // 2 + 64 + noise).clip(0, 255).astype(np.uint8)

    def state(self) -> State:
        return {"count": np.array([self.count])}

    def restore(self, state: State) -> None:
        self.count = int(state["count"][0])


def painted(source: Path, output: Path, last: int | None = None, **about: str) -> list[int]:
    """Paint in segments of six; returns how many frames were done before, and all."""
    told: list[int] = []

    def progress(frames, total, done):  # type: ignore[no-untyped-def]
        told.extend([done, total])
        return frames

    job = Job(source, output, VideoConfig(steady=0.8))
    outcome = job.paint(Steadied(Counting(last), 0.8), about, progress, segment=6)
    return [*told, outcome.frames]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("ending", [".mp4", pytest.param(".gif", marks=pytest.mark.long), ""])
def test_a_killed_run_goes_on_to_the_same_file(tmp_path: Path, ending: str) -> None:
    # smaller frames are not encoded the same twice: a few times in a hundred, on a busy machine,
    # x264's vector code decides by memory beyond them (with asm=0 it never did)
    source = write_clip(tmp_path / "x.mp4", pan(26, (128, 192), noise=4), sound="aac")
    assert painted(source, tmp_path / f"whole{ending}") == [0, 26, 26]
    output = tmp_path / f"killed{ending}"
    words = {"tests": str(Path(__file__).parent), "source": str(source), "output": str(output)}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(**words, last=16)],
        env=os.environ | {"PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'tests'}"},
        check=False,
    )
    assert run.returncode == -signal.SIGKILL
    assert not output.exists()
    assert unfinished(output).is_dir()
    assert painted(source, output) == [12, 26, 26]
    assert not unfinished(output).exists()
    files = [
        sorted(each.rglob("*.png")) if each.is_dir() else [each]
        for each in (tmp_path / f"whole{ending}", output)
    ]
    one, other = ([file.read_bytes() for file in each] for each in files)
    assert len(one) == (1 if ending else 26)
    assert one == other


def test_a_segment_counts_when_its_state_is_there(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "x.mp4", flat(15))
    for lost, done in (("000002.state", 0), ("plan.json", None)):
        output = tmp_path / "y.mp4"
        _break_off(source, output)
        folder = unfinished(output)
        names = sorted(path.name for path in folder.iterdir())
        assert names == ["000000.packets", "000001.packets", "000002.state", "plan.json"]
        (folder / lost).unlink()
        if done is None:
            with pytest.raises(ConfigError, match=r"holds work that was begun in another way"):
                painted(source, output)
        else:
            assert painted(source, output) == [done, 15, 15]
            output.unlink()


def test_work_by_another_plan_is_not_gone_on_with(tmp_path: Path) -> None:
    source, output = write_clip(tmp_path / "x.mp4", flat(15)), tmp_path / "y.mp4"
    _break_off(source, output)
    with pytest.raises(ConfigError, match=r"was begun without style; .* or --force to begin anew"):
        painted(source, output, style="mosaic")
    plan = unfinished(output) / "plan.json"
    plan.write_text(json.dumps(json.loads(plan.read_text()) | {"steady": "0.5"}))
    with pytest.raises(ConfigError, match=r"was begun with steady 0\.5, not 0\.8; give what was"):
        painted(source, output)
    job = Job(source, output, VideoConfig(steady=0.8), force=True)
    assert job.paint(Steadied(Counting(), 0.8), {}, segment=6).frames == 15


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    peaks = []
    for count in (24, 96):
        source = write_clip(tmp_path / f"{count}.mp4", flat(count, (96, 128)))
        job = Job(source, tmp_path / f"{count}.mkv", VideoConfig(steady=0.8))
        steadied = Steadied(EachAlone(lambda frame: frame), 0.8)
        tracemalloc.start()
        job.paint(steadied, {}, segment=6)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.25 * peaks[0]


def _break_off(source: Path, output: Path) -> None:
    """Interrupt the third segment."""

    def interrupted(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt
        return frame

    left = 14
    job = Job(source, output, VideoConfig(steady=0.8))
    with pytest.raises(KeyboardInterrupt):
        job.paint(Steadied(EachAlone(interrupted), 0.8), {}, segment=6)


def test_a_folder_that_a_full_disk_left_empty_is_begun_anew(tmp_path: Path) -> None:
    source, output = write_clip(tmp_path / "x.mp4", flat(5)), tmp_path / "y.mp4"
    unfinished(output).mkdir()
    painted(source, output)
    assert output.is_file()
    assert not unfinished(output).exists()
