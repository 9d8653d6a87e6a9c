"""At which size a painting is made, and at which size the style is read for it.

A generator paints strokes of the pixels that it learned, and a style is read at the sides that its
pictures have. A painting is as large as the photo. So up to the working size the model paints all
of it, with the style read at the painting's own side; above it paints a smaller one that is
brought up (`gan_style.painting.enlargement`).
"""

from dataclasses import dataclass

from gan_style.sizes import CARRIED_SIDE, MINIMUM_SIDE

_LARGEST_SIDE = 2048  # px: no larger painting is made by the model; see the experiments
_AGAIN = 2  # a painting that is to be over so many times larger is painted over at so many times


@dataclass(frozen=True)
class Plan:
    """How a painting is made.

    side: short side in pixels of the first painting by the model.
    again: short side at which the model paints over it, once it is brought up to that; None for
        not at all.
    reading: short side at which the style is read.
    """

    side: int
    again: int | None
    reading: float


def plan_painting(short_side: int, stroke_size: float, largest_reading: int) -> Plan:
    """Choose the sizes for a painting.

    Args:
        short_side: pixels of the painting that is wanted.
        stroke_size: how many times as large strokes are, relative to the picture, as in the
            style's own pictures.
        largest_reading: largest side at which the style's pictures were read.
    """
    largest = min(_LARGEST_SIDE, max(CARRIED_SIDE, largest_reading) / stroke_size)
    side = max(MINIMUM_SIDE, min(short_side, round(largest)))
    again = _AGAIN * side if short_side > _AGAIN * side <= _LARGEST_SIDE else None
    return Plan(side, again, side * stroke_size)
