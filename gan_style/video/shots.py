"""Where one shot ends and the next begins, by the frames until then alone."""

import cv2
import numpy as np

from gan_style.painting.strips import Pixels
from gan_style.video.state import State

_SIDES = (64, 36)  # px, width and height, at which frames are compared
_LEAST = 8.0  # of 255: mean change of a pixel in a cut, at least
_AGREED = 0.25  # share of a frame that is the frame before, moved: with more there is no cut
_DROP = 0.5  # times the usual share of this shot: with more there is none, either
_LASTING = 0.8  # share of the usual that stays with every frame


class Cuts:
    """Finds cuts: frames differ, and hardly anything in the new one is something old that moved.

    Where motion is too fast to be followed, little agrees either; so the share that does has to
    drop suddenly. PySceneDetect's adaptive detector compares with the neighborhood in this way.
    """

    def __init__(self) -> None:
        self._before: Pixels | None = None
        self._usual = 1.0

    def is_first(self, frame: Pixels, agreement: float) -> bool:
        """Whether a frame is the first of a shot.

        Args:
            frame: (H, W, 3) uint8, the next one.
            agreement: share of it that is the frame before, moved, from 0 to 1.
        """
        reduced = cv2.resize(frame, _SIDES, interpolation=cv2.INTER_AREA).astype(np.float32)
        before, self._before = self._before, reduced
        if before is None:
            return True
        change = float(np.abs(reduced - before).mean())
        if change > _LEAST and agreement < min(_AGREED, _DROP * self._usual):
            self._usual = 1.0
            return True
        self._usual = _LASTING * self._usual + (1 - _LASTING) * agreement
        return False

    def state(self) -> State:
        """What the next frame will be compared with."""
        if self._before is None:
            return {}
        return {"before": self._before, "usual": np.float64(self._usual)[None]}

    def restore(self, state: State) -> None:
        """Go on from what `state` gave."""
        self._before = state.get("before")
        self._usual = float(state["usual"][0]) if "usual" in state else 1.0
