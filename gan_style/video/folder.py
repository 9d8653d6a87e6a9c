"""A folder of pictures as a video: one picture a frame, in the order of their names."""

import math
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from gan_style.data.images import find_pictures, open_picture, picture_size
from gan_style.errors import PictureError, VideoError
from gan_style.painting.resizing import resized
from gan_style.video.fingerprint import fingerprint
from gan_style.video.frames import Frame, Look, exact

USUAL_RATE = 25.0
"""Frames a second where nothing says how many."""


class FrameFolder:
    """The pictures of a folder; see `frames.Source`.

    Args:
        path: of the folder. Sub-folders are not searched.
        rate: frames a second.
        start: seconds; frames before are left out.
        end: seconds; frames from there on are left out.

    Raises:
        VideoError: no pictures, or not all of one size.
    """

    def __init__(
        self, path: Path, rate: float = USUAL_RATE, start: float = 0.0, end: float | None = None
    ) -> None:
        self.path = path
        self.name = str(path)
        self.damaged = 0
        per_second = _meant(rate)
        found = sorted((each for each in find_pictures(path) if each.parent == path), key=_order)
        past = len(found) if end is None else math.ceil(exact(end) * per_second)
        self._files = found[math.ceil(exact(start) * per_second) : past]
        if not self._files:
            what = f"of the {len(found)} pictures in folder" if found else "no pictures in folder"
            raise VideoError(f"{what} {path}" + (" none is between start and end" if found else ""))
        self.look = Look(
            _sides(self._files), 1 / per_second, rate=per_second, count=len(self._files)
        )

    @property
    def identity(self) -> str:
        """Changes with the content of the files."""
        return fingerprint(self._files)

    def frames(self) -> Iterator[Frame]:
        """Read all pictures; one that cannot be read is left out, and the one before stays."""
        self.damaged = 0
        for time, file in enumerate(self._files):
            try:
                pixels = np.asarray(open_picture(file))
            except PictureError:
                self.damaged += 1
                continue
            yield Frame(resized(pixels, self.look.sides), time, 1, file.stem)


def _meant(rate: float) -> Fraction:
    """The rate that is meant: 29.97 is 30000/1001."""
    for whole in (24, 30, 48, 60, 120):
        if abs(rate - whole * 1000 / 1001) < 5e-3:
            return Fraction(whole * 1000, 1001)
    return exact(rate)


def _order(path: Path) -> list[int | str]:
    """Numbers in a name count as numbers: 9.png comes before 10.png."""
    parts = re.split(r"(\d+)", path.name)
    return [int(part) if part.isdigit() else part for part in parts]


def _sides(files: list[Path]) -> tuple[int, int]:
    """H and W of those that can be read.

    Raises:
        VideoError: none can, or they are not all of one size.
    """
    sizes: dict[tuple[int, int], Path] = {}
    for file in files:
        try:
            sizes.setdefault(picture_size(file), file)
        except PictureError:
            continue
        if len(sizes) > 1:
            (one, other), (first, second) = sizes.values(), sizes
            raise VideoError(
                f"{one} has {first[0]}x{first[1]} px, and {other} {second[0]}x{second[1]}; the "
                "frames of a video are all of one size"
            )
    if not sizes:
        raise VideoError(f"no picture in folder {files[0].parent} can be read")
    width, height = open_picture(next(iter(sizes.values()))).size  # upright
    return height, width
