"""One code and one set of statistics for a shot, with the shipped model on tiny frames."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from video_clips import pan

pytest.importorskip("av")
from gan_style import Stylizer
from gan_style.painting.painter import Painter
from gan_style.video import steady_painter
from gan_style.video.config import VideoConfig
from gan_style.video.painting import frame_painter
from gan_style.video.steadiness import FramePainter, Steadied

SIDES = (48, 64)
Frames = list[NDArray[np.uint8]]


@pytest.fixture(scope="module")
def base() -> Iterator[Stylizer]:
    threads = torch.get_num_threads()
    yield Stylizer.from_pretrained("base", device="cpu")
    torch.set_num_threads(threads)


def painter_of(base: Stylizer, **options: object) -> FramePainter:
    return frame_painter(base, base.style("woodblock"), VideoConfig(**options))


def painted(painter: FramePainter, frames: Frames) -> Frames:
    return [painter.paint(frame, first=not number) for number, frame in enumerate(frames)]


def change(frames: Frames, step: int) -> float:
    """Mean absolute difference of neighbors, the motion undone, away from the borders."""
    return float(
        np.mean(
            [
                np.abs(new[8:-8, 8 : -step - 8].astype(int) - old[8:-8, step + 8 : -8]).mean()
                for old, new in pairwise(frames)
            ]
        )
    )


def test_the_first_frame_is_painted_like_a_photo(base: Stylizer) -> None:
    frame = pan(1, SIDES)[0]
    code, config = base.style("woodblock"), VideoConfig()
    alone = Painter(base.model, base.device, base.precision).paint(frame, code, config)
    steady = painter_of(base).paint(frame, first=True)
    assert np.abs(alone.astype(int) - steady).mean() < 1


def test_zero_is_each_frame_as_a_photo(base: Stylizer) -> None:
    frames = pan(2, SIDES)
    code, config = base.style("woodblock"), VideoConfig()
    alone = Painter(base.model, base.device, base.precision)
    for frame, result in zip(frames, painted(painter_of(base, steady=0), frames), strict=True):
        assert (alone.paint(frame, code, config) == result).all()


def test_something_bright_does_not_change_the_rest(base: Stylizer) -> None:
    """Where nothing changes in the frame, little does in the painting."""
    ground = pan(1, (64, 96))[0]
    other = ground.copy()
    other[:, 70:] = 255

    def far_from_it(painter: FramePainter) -> float:
        one, two = painted(painter, [ground, other])
        return float(np.abs(one[:, :24].astype(int) - two[:, :24]).mean())

    assert far_from_it(painter_of(base)) < 0.5 * far_from_it(painter_of(base, steady=0))


def test_a_pan_is_steadier_with_the_shipped_model(base: Stylizer) -> None:
    frames = pan(6, SIDES, 2, noise=5)
    alone = Steadied(painter_of(base, steady=0), 0)
    steady = Steadied(painter_of(base), 0.9)
    before = change([alone.paint(frame) for frame in frames], 2)
    after = change([steady.paint(frame) for frame in frames], 2)
    assert after < 0.7 * before


def test_it_goes_on_from_its_state(base: Stylizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady_painter, "_EVERY", 3)
    frames = pan(6, SIDES, 3, noise=5)
    one = painter_of(base)
    painted(one, frames[:4])
    state = {name: values.copy() for name, values in one.state().items()}
    rest = [one.paint(frame, first=False) for frame in frames[4:]]
    other = painter_of(base)
    other.restore(state)
    for frame, result in zip(frames[4:], rest, strict=True):
        assert (other.paint(frame, first=False) == result).all()


def test_a_shot_is_measured_every_few_frames(
    base: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steady_painter, "_EVERY", 3)
    generator = base.model.generator
    measured: list[int] = []
    plain = generator.measured

    def counting(*given: torch.Tensor) -> list[torch.Tensor]:
        measured.append(len(seen))
        return plain(*given)

    monkeypatch.setattr(generator, "measured", counting)
    seen: Frames = []
    painter = painter_of(base)
    for number, frame in enumerate(pan(5, SIDES)):
        painter.paint(frame, first=number in (0, 4))
        seen.append(frame)
    assert measured == [0, 3, 4]


@pytest.mark.parametrize("options", [{"strength": 0.3}, {"keep_color": True}, {"memory": 1.2}])
def test_options_of_paintings_work(base: Stylizer, options: dict[str, object]) -> None:
    frame = pan(1, SIDES)[0]
    painter = painter_of(base, **options)
    one, two = painted(painter, [frame, frame])
    assert one.shape == frame.shape
    assert np.abs(one.astype(int) - two).mean() < 1
    assert np.abs(one.astype(int) - frame).mean() > 1
