"""Where each part of a frame was in the frame before, and whether it can be trusted.

Shapes: H rows, W columns; frames are (H, W, 3) uint8 RGB.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from gan_style.painting.strips import Pixels

_FLOW_SIDE = 360  # px: short side at which motion is looked for, at most
_CHECK = (0.01, 0.5)  # of Sundaram et al. 2010, eq. 5: share of the squared lengths, and px²
_AROUND = 5  # px: over which differences are averaged
_NOISE = 1.6  # times the usual difference, which is the noise of the video
_NOISIEST = 12.0  # of 255: more is no noise
_LEAST = 2.0  # of 255: difference that always counts as none
_CONTRAST = 0.15  # share of the local contrast that resampling may change
_SPREAD = 1 / 120  # of the short side: strokes reach so far beyond what they are of


class Motion:
    """From one frame to the next, by dense inverse search (Kroeger et al. 2016).

    Args:
        before: the frame before.
        now: a frame of the same size.
    """

    def __init__(self, before: Pixels, now: Pixels) -> None:
        height, width = now.shape[:2]
        reduction = max(1.0, min(height, width) / _FLOW_SIDE)
        sides = (max(16, round(width / reduction)), max(16, round(height / reduction)))
        old, new = (_small_gray(each, sides) for each in (before, now))
        search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        backward: NDArray[np.float32] = search.calc(new, old, None)  # type: ignore[call-overload]
        forward: NDArray[np.float32] = search.calc(old, new, None)  # type: ignore[call-overload]
        trusted = _returns(backward, forward)
        scale = np.array([width / sides[0], height / sides[1]], np.float32)
        flow = cv2.resize(backward, (width, height), interpolation=cv2.INTER_LINEAR) * scale
        self._places = _grid(height, width) + flow
        self.agreement = self._agreement(before, now, trusted)
        """(H, W) float32 in [0, 1]: how much the moved frame before is the same as this one."""

    def moved(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """(H, W, C) that belongs to the frame before, moved along to this one."""
        # cubic: what is moved again with every frame gets soft with less
        return _seen_at(self._places, picture, cv2.INTER_CUBIC)

    def _agreement(
        self, before: Pixels, now: Pixels, trusted: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        height, width = now.shape[:2]
        new = now.astype(np.float32)
        difference = np.abs(self.moved(before.astype(np.float32)) - new).mean(2)
        difference = cv2.blur(difference, (_AROUND, _AROUND))
        noise = min(_NOISIEST, float(np.median(difference)))
        near = max(_LEAST, _NOISE * noise) + _CONTRAST * _contrast(new)
        agreement = np.clip(2 - difference / near, 0, 1)
        agreement *= cv2.resize(trusted, (width, height), interpolation=cv2.INTER_LINEAR)
        x, y = self._places[..., 0], self._places[..., 1]
        agreement *= (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
        reach = max(2, round(_SPREAD * min(height, width)))
        side = 2 * reach + 1
        kept = cv2.medianBlur(agreement.astype(np.float32), 5)  # single pixels of noise
        kept = cv2.erode(kept, np.ones((side, side), np.uint8))
        return np.asarray(cv2.blur(kept, (side, side)), np.float32)


def _small_gray(frame: Pixels, sides: tuple[int, int]) -> NDArray[np.uint8]:
    gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(gray, sides, interpolation=cv2.INTER_AREA), np.uint8)


def _seen_at(
    places: NDArray[np.float32], picture: NDArray[np.float32], interpolation: int
) -> NDArray[np.float32]:
    """What (h, w, C) is at places (H, W, 2), x and y; beyond its border, what is there."""
    x, y = places[..., 0], places[..., 1]
    seen = cv2.remap(picture, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.float32)


def _returns(backward: NDArray[np.float32], forward: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w) float32: 1 where going back and forth leads to about the same place, else 0."""
    places = _grid(*backward.shape[:2]) + backward
    there = _seen_at(places, forward, cv2.INTER_LINEAR)
    missed = ((backward + there) ** 2).sum(2)
    lengths = (backward**2).sum(2) + (there**2).sum(2)
    share, least = _CHECK
    return np.asarray(missed <= share * lengths + least, np.float32)


def _contrast(frame: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W): deviation of the luminance around each pixel."""
    gray = frame.mean(2)
    mean = cv2.blur(gray, (_AROUND, _AROUND))
    square = cv2.blur(gray * gray, (_AROUND, _AROUND))
    return np.asarray(np.sqrt(np.maximum(square - mean * mean, 0)), np.float32)


def _grid(height: int, width: int) -> NDArray[np.float32]:
    """(H, W, 2): x and y of every pixel."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.stack([x, y], 2)
