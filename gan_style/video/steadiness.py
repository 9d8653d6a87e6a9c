"""Paintings of frames that follow each other -> the same without flicker.

The painting before is moved along with what moved between the two frames, and blended with the new
one where the frames agree. Lai et al. (2018, section 3.1) and Bonneel et al. (2015, eq. 4) ask for
the same of any filter of single frames: near to the new painting, and to the moved one before.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gan_style.painting.strips import Pixels
from gan_style.video.motion import Motion
from gan_style.video.shots import Cuts
from gan_style.video.state import State, below, within

_MOST = 0.95
"""Share of the painting before at a steadiness of 1. All of it would be one painting moved along
forever, softer and softer."""


class FramePainter(Protocol):
    """Paints frames one after the other, and may remember something of those before."""

    def paint(self, frame: Pixels, *, first: bool) -> Pixels:
        """Paint (H, W, 3) uint8, which is the `first` of a shot or not."""
        ...

    def state(self) -> State:
        """All that it remembers."""
        ...

    def restore(self, state: State) -> None:
        """Remember what `state` gave."""
        ...


class EachAlone:
    """A `FramePainter` that remembers nothing.

    Args:
        paint: (H, W, 3) uint8 -> the same.
    """

    def __init__(self, paint: Callable[[Pixels], Pixels]) -> None:
        self._paint = paint

    def paint(self, frame: Pixels, *, first: bool) -> Pixels:
        return self._paint(frame)

    def state(self) -> State:
        return {}

    def restore(self, state: State) -> None:
        assert not state


class Steadied:
    """Paints frames one after the other, each in agreement with the one before.

    Args:
        painter: paints each of them.
        steady: 0 to 1; how much of the painting before is kept where the frames agree.
    """

    def __init__(self, painter: FramePainter, steady: float) -> None:
        self.painter = painter
        self.share = _MOST * steady
        self._cuts = Cuts()
        self._before: tuple[Pixels, NDArray[np.float32]] | None = None

    def paint(self, frame: Pixels) -> Pixels:
        """(H, W, 3) uint8, all of one size -> its painting, of the same size."""
        if not self.share:
            return self.painter.paint(frame, first=True)
        motion = Motion(self._before[0], frame) if self._before else None
        first = self._cuts.is_first(frame, float(motion.agreement.mean()) if motion else 0.0)
        blended = self.painter.paint(frame, first=first).astype(np.float32)
        if self._before and motion and not first:
            share = self.share * motion.agreement[..., None]
            blended += share * (motion.moved(self._before[1]) - blended)
        self._before = frame, blended
        return np.asarray(blended.round().clip(0, 255), np.uint8)

    def state(self) -> State:
        """All that the painting of the next frame depends on."""
        state = below("cuts", self._cuts.state()) | below("painter", self.painter.state())
        if self._before is not None:
            state |= {"frame": self._before[0], "painting": self._before[1]}
        return state

    def restore(self, state: State) -> None:
        """Go on from what `state` gave."""
        self._cuts.restore(within(state, "cuts"))
        self.painter.restore(within(state, "painter"))
        if "frame" in state:
            self._before = state["frame"], state["painting"]
