"""What is in a folder of pictures, told before training: counts, sizes, duplicates, bad files."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from PIL import Image

from gan_style.data.collection import read_each
from gan_style.data.images import SUFFIXES, group_pictures, picture_size, read_picture
from gan_style.errors import DataError
from gan_style.files import find_files

ENOUGH = 10
"""Different pictures from which a style can be learned; 20 to 60 are good."""

_WIDE_SPREAD = 4.0  # largest over smallest short side
_LONG = 4.0  # longer over shorter side, beyond which training cuts
_THUMBNAIL = 8  # pixels
_ALIKE = 0.03  # root mean square difference of thumbnails, of 1
_SHOWN = 10  # bad files and pairs that are listed


@dataclass(frozen=True)
class FolderReport:
    """What `inspect_folder` found. Sizes are of the pictures that can be read, in pixels."""

    folder: Path
    styles: Mapping[str, int]  # name: how many of its pictures can be read
    different: Mapping[str, int]  # name: how many of these look like none before
    formats: Mapping[str, int]  # suffix: count
    short_sides: tuple[int, int, int]  # smallest, median, largest; zeros if there are none
    duplicates: tuple[tuple[Path, Path], ...]  # pairs that look the same
    bad: Mapping[Path, str]  # file: message
    warnings: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many pictures can be read."""
        return sum(self.styles.values())

    @property
    def enough(self) -> bool:
        """Whether every style has `ENOUGH` different pictures."""
        return bool(self.different) and min(self.different.values()) >= ENOUGH

    @property
    def scale_spread(self) -> float:
        """Largest over smallest short side; 1 if there are no pictures."""
        return self.short_sides[2] / max(1, self.short_sides[0]) if self.count else 1.0

    def lines(self) -> list[str]:
        """Tell it to a person."""
        formats = ", ".join(f"{count} {suffix}" for suffix, count in self.formats.items())
        lines = [f"{self.folder}: {self.count} pictures ({formats or 'none'})"]
        lines += [f"  style {name}: {count}" for name, count in self.styles.items()]
        if self.count:
            low, middle, high = self.short_sides
            spread = f"spread {self.scale_spread:.1f}"
            lines.append(f"  short sides: {low} to {high} px, median {middle}; {spread}")
        pairs = [f"alike: {self._inside(a)} and {self._inside(b)}" for a, b in self.duplicates]
        for listed in ([f"bad: {message}" for message in self.bad.values()], pairs):
            lines += [f"  {line}" for line in listed[:_SHOWN]]
            if len(listed) > _SHOWN:
                lines.append(f"  … and {len(listed) - _SHOWN} more")
        if self.bad:
            lines.append(f"  {len(self.bad)} of {self.count + len(self.bad)} cannot be read")
        lines += [f"  warning: {warning}" for warning in self.warnings]
        verdict = "enough" if self.enough else "not enough"
        return [*lines, f"  {verdict} pictures to train on ({ENOUGH} or more a style are wanted)"]

    def _inside(self, path: Path) -> Path:
        return path.relative_to(self.folder)


class _Look(NamedTuple):
    size: tuple[int, int]
    thumbnail: np.ndarray


def inspect_folder(path: str | Path, size: int = 288) -> FolderReport:
    """Read every picture in a folder and judge whether it can be trained on.

    Args:
        path: A folder of pictures, or of one folder a style.
        size: Short side in pixels to which training brings pictures (`data.size`).

    Raises:
        DataError: The folder is missing or not a folder.
    """
    folder = Path(path).expanduser()
    try:
        groups, files = group_pictures(folder), find_files(folder)
    except ValueError as error:
        raise DataError(str(error)) from error
    looks, bad = read_each(_look, [picture for group in groups.values() for picture in group])
    good = {
        name: [picture for picture in group if picture in looks] for name, group in groups.items()
    }
    good = {name: group for name, group in good.items() if group}
    duplicates = tuple(_alike(looks))
    repeated = {second for _, second in duplicates}
    different = {name: len(set(group) - repeated) for name, group in good.items()}
    shorts = sorted(min(look.size) for look in looks.values())
    return FolderReport(
        folder=folder,
        styles={name: len(group) for name, group in good.items()},
        different=different,
        formats=dict(Counter(picture.suffix.lower() for picture in looks).most_common()),
        short_sides=(shorts[0], round(median(shorts)), shorts[-1]) if shorts else (0, 0, 0),
        duplicates=duplicates,
        bad=bad,
        warnings=(
            *_about_styles(folder, good, different, len(repeated)),
            *_about_sizes([look.size for look in looks.values()], size),
            *_about_files(files),
        ),
    )


def too_few(counts: Mapping[str, int]) -> Iterator[str]:
    """A warning for every style with fewer than `ENOUGH` pictures, of which `counts` tells."""
    for name, count in counts.items():
        if count == 1:
            yield (
                f"style {name} is one picture, and what is learned is that picture, not a hand; "
                f"{ENOUGH} or more are wanted"
            )
        elif count < ENOUGH:
            yield f"style {name} has only {count} different pictures; {ENOUGH} or more are wanted"


def _look(path: Path) -> _Look:
    small = read_picture(path, 4 * _THUMBNAIL).resize(
        (_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX
    )
    return _Look(picture_size(path), np.asarray(small, np.float32).ravel() / 255)


def _alike(looks: Mapping[Path, _Look]) -> Iterator[tuple[Path, Path]]:
    paths = list(looks)
    if not paths:
        return
    thumbnails = np.stack([look.thumbnail for look in looks.values()])
    for i in range(len(paths) - 1):
        difference = np.square(thumbnails[i + 1 :] - thumbnails[i]).mean(axis=1)
        for j in np.flatnonzero(difference < _ALIKE**2):
            yield paths[i], paths[i + 1 + j]


def _about_styles(
    folder: Path, good: Mapping[str, list[Path]], different: Mapping[str, int], repeated: int
) -> Iterator[str]:
    if not good:
        yield "there is no picture that can be read"
    yield from too_few(different)
    if len(good) > 1 and any(path.parent == folder for group in good.values() for path in group):
        yield "the pictures beside the sub-folders are taken as one more style"
    if repeated:
        yield f"{repeated} pictures look like another one: they teach nothing new"


def _about_sizes(sizes: list[tuple[int, int]], size: int) -> Iterator[str]:
    shorts = [min(pair) for pair in sizes]
    small = sum(short < size for short in shorts)
    if small:
        yield f"{small} pictures have a short side under {size} px: they are enlarged, and soft"
    if shorts and max(shorts) > _WIDE_SPREAD * min(shorts):
        yield "sizes differ widely: strokes will be seen at different scales"
    long = sum(max(pair) > _LONG * min(pair) for pair in sizes)
    if long:
        yield f"{long} pictures are over {_LONG:.0f} times as long as wide: their ends are cut off"


def _about_files(files: list[Path]) -> Iterator[str]:
    others = Counter(path.suffix.lower() or "no suffix" for path in files if not path.is_dir())
    ignored = {suffix: count for suffix, count in others.items() if suffix not in SUFFIXES}
    if ignored:
        listed = ", ".join(f"{count} {suffix}" for suffix, count in sorted(ignored.items()))
        yield f"files of other kinds are left alone: {listed}"
