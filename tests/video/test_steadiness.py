"""Paintings of frames agree where the frames do, and only there."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from video_clips import pan, scenery

pytest.importorskip("cv2")
from gan_style.video.motion import Motion
from gan_style.video.shots import Cuts
from gan_style.video.steadiness import EachAlone, Steadied

Frames = list[NDArray[np.uint8]]
STEP = 2


def painted(frames: Frames, steady: float, noise: float = 30) -> Frames:
    """By a painter whose strokes fall anew on every frame."""
    random = np.random.default_rng(5)

    def paint(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        strokes = noise * random.standard_normal(frame.shape)
        return (0.6 * frame + 50 + strokes).round().clip(0, 255).astype(np.uint8)

    steadied = Steadied(EachAlone(paint), steady)
    return [steadied.paint(frame) for frame in frames]


def unsteadiness(frames: Frames, step: int = STEP) -> float:
    """Mean absolute difference of neighboring frames of a pan, the motion undone."""
    changes = [
        np.abs(new[:, : -step or None].astype(int) - old[:, step:]).mean()
        for old, new in pairwise(frames)
    ]
    return float(np.mean(changes[len(changes) // 2 :]))  # settled


def with_square(frames: Frames, speed: int, side: int = 20) -> tuple[Frames, list[int]]:
    """A bright square that moves to the right over the frames, and where its left side is."""
    places = [4 + speed * number for number in range(len(frames))]
    shown = []
    for frame, left in zip(frames, places, strict=True):
        frame = frame.copy()
        frame[30 : 30 + side, left : left + side] = (250, 240, 120)
        shown.append(frame)
    return shown, places


@pytest.mark.parametrize("noise", [0.0, 6.0])
def test_a_painting_moves_with_what_it_shows(noise: float) -> None:
    frames = pan(14, (96, 144), STEP, noise)
    before, after = (unsteadiness(painted(frames, steady)) for steady in (0, 0.9))
    assert before > 25
    assert after < 0.35 * before


def test_more_is_steadier_and_zero_is_each_frame_alone() -> None:
    frames = pan(12, (96, 144), STEP)
    found = [unsteadiness(painted(frames, steady)) for steady in (0, 0.3, 0.6, 0.9)]
    assert found == sorted(found, reverse=True)
    alone = painted(frames[:3], 0)
    random = np.random.default_rng(5)
    for frame, result in zip(frames, alone, strict=False):
        strokes = 30 * random.standard_normal(frame.shape)
        expected = (0.6 * frame + 50 + strokes).round().clip(0, 255)
        assert (result == expected).all()


@pytest.mark.parametrize("speed", [3, 7])
def test_nothing_trails_behind_what_moves(speed: int) -> None:
    still = [scenery(3, 96, 144)] * 12
    frames, places = with_square(still, speed)
    result = painted(frames, 0.9, noise=0)
    expected = painted(frames, 0, noise=0)
    for number in range(4, 12):
        difference = np.abs(result[number].astype(int) - expected[number]).max(2)
        left = places[number]
        behind = difference[30:50, max(0, left - 2 * speed) : left]
        assert behind.mean() < 2, number
        assert difference.mean() < 1


def test_a_sheen_does_not_slide_along_with_another_object() -> None:
    """Uncovered ground is painted anew, and not with what covered it."""
    frames, places = with_square(pan(10, (96, 144), 0), 6)
    result = painted(frames, 0.9, noise=0)[-1].astype(int)
    uncovered = result[32:48, places[-1] - 5 : places[-1] - 1]
    ground = 0.6 * frames[-1][32:48, places[-1] - 5 : places[-1] - 1] + 50
    assert np.abs(uncovered - ground).mean() < 4


def test_after_a_cut_nothing_of_the_shot_before_is_left() -> None:
    frames = [*pan(5, (96, 144), seed=1), *pan(3, (96, 144), seed=77)]
    frames[5:] = [255 - frame // 2 for frame in frames[5:]]
    result, alone = painted(frames, 0.9, 0), painted(frames, 0, 0)
    assert (result[5] == alone[5]).all()


def test_cuts_are_found_and_pans_are_none() -> None:
    shots = [
        pan(8, (72, 128), 6, 5, seed=1),
        [255 - f // 2 for f in pan(8, (72, 128), 6, 5, seed=20)],
        pan(6, (72, 128), 0, 5, seed=40),
    ]
    frames = [frame for shot in shots for frame in shot]
    agreements = [0.0, *(float(Motion(*pair).agreement.mean()) for pair in pairwise(frames))]
    cuts = Cuts()
    found = [cuts.is_first(*each) for each in zip(frames, agreements, strict=True)]
    assert [number for number, first in enumerate(found) if first] == [0, 8, 16]


def test_motion_is_the_known_one_and_agreement_ends_where_it_does() -> None:
    old, new = pan(2, (96, 144), 3)
    motion = Motion(old, new)
    moved = motion.moved(old.astype(np.float32))
    assert np.abs(moved - new)[8:-8, 8:-12].mean() < 2
    assert motion.agreement[8:-8, 8:-16].mean() > 0.9
    assert motion.agreement[:, -2:].max() < 0.5  # that was not seen before
    other = Motion(old, scenery(9, 96, 144))
    assert other.agreement.mean() < 0.15


def test_all_that_is_remembered_is_in_the_state() -> None:
    frames = pan(9, (96, 144), STEP, 4)
    random = np.random.default_rng(2)
    paintings = [random.integers(0, 256, frame.shape, dtype=np.uint8) for frame in frames]
    waiting = iter(paintings)
    one = Steadied(EachAlone(lambda frame: next(waiting)), 0.8)
    whole = [one.paint(frame) for frame in frames[:5]]
    state = {name: each.copy() for name, each in one.state().items()}
    rest = [one.paint(frame) for frame in frames[5:]]
    waiting = iter(paintings[5:])
    other = Steadied(EachAlone(lambda frame: next(waiting)), 0.8)
    other.restore(state)
    assert all((other.paint(f) == r).all() for f, r in zip(frames[5:], rest, strict=True))
    assert len(whole) == 5
