"""What the frames of a video have in common, and one of them. Knows no files."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol

import numpy as np

from gan_style.painting.strips import Pixels


class Colors(NamedTuple):
    """How colors are coded: numbers of ITU-T H.273, and 1 for limited or 2 for full range."""

    matrix: int
    primaries: int
    transfer: int
    range: int


UNKNOWN = 2  # of matrix, primaries and transfer
HD = Colors(matrix=1, primaries=1, transfer=1, range=1)
"""ITU-R BT.709, in limited range: for frames that were RGB."""


@dataclass(frozen=True)
class Look:
    """All that a video has beside its frames.

    sides: H and W of the upright frames. time_base: seconds of one unit of time. rotation: degrees
    by which a player turns the stored frames counterclockwise, and mirrored: whether it then swaps
    left and right, as for some front cameras. aspect: width of a stored pixel over its height; None
    if that is not said. rate: frames a second, about. count: frames, about; 0 if that is not known.
    """

    sides: tuple[int, int]
    time_base: Fraction
    rotation: float = 0.0
    mirrored: bool = False
    colors: Colors = HD
    aspect: Fraction | None = None
    rate: Fraction = Fraction(25)
    count: int = 0

    @property
    def quarters(self) -> int:
        """Quarter turns counterclockwise that stand a stored frame upright, 0 to 3."""
        turns = self.rotation / 90
        return round(turns) % 4 if turns == round(turns) else 0

    @property
    def stored(self) -> tuple[int, int]:
        """H and W of the frames as a file has them, before a player turns them upright."""
        return self.sides[::-1] if self.quarters % 2 else self.sides

    def upright(self, stored: Pixels) -> Pixels:
        """A stored frame as a player shows it, (H, W, 3)."""
        turned = np.rot90(stored, self.quarters)
        return np.ascontiguousarray(turned[:, ::-1] if self.mirrored else turned)

    def as_stored(self, upright: Pixels) -> Pixels:
        """What `upright` makes this of."""
        turned = upright[:, ::-1] if self.mirrored else upright
        return np.ascontiguousarray(np.rot90(turned, -self.quarters))


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame.

    pixels: (H, W, 3) uint8 RGB, upright. time: from when it is shown, and duration: for how long,
    both in units of the video's time base. name: of its file, if it has one of its own.
    """

    pixels: Pixels
    time: int
    duration: int
    name: str = ""


def exact(seconds: float) -> Fraction:
    """The decimal number that was given: 0.1 is one tenth, which it is not as a float."""
    return Fraction(seconds).limit_denominator(1_000_000)


class Source(Protocol):
    """Where frames come from.

    name: what messages call it. identity: tells two sources apart, whatever they are called.
    damaged: frames that could not be read in the last pass.
    """

    name: str
    look: Look
    damaged: int

    @property
    def identity(self) -> str: ...

    def frames(self) -> Iterator[Frame]:
        """All frames, by their times, from the first one on; times grow from frame to frame."""
        ...
