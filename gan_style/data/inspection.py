"""Inspection of a folder of pictures before training: counts, sizes, duplicates, bad files."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from PIL import Image

from gan_style.data.collection import read_each
from gan_style.data.formats import SUFFIXES
from gan_style.data.images import group_pictures, picture_size, read_picture
from gan_style.files import find_files
from gan_style.sizes import LONGEST_RATIO, READING_SIDE

ENOUGH = 10
"""Different pictures from which a style can be learned; 20 to 60 are good."""

_WIDE_SPREAD = 4.0  # largest over smallest short side
_THUMBNAIL = 8  # pixels
_ALIKE = 0.03  # root mean square difference of thumbnails, of 1
_SHOWN = 10  # bad files, pairs and small styles that are listed


@dataclass(frozen=True)
class FolderReport:
    """What `inspect_folder` found. Sizes are of the pictures that can be read, in pixels."""

    folder: Path
    styles: Mapping[str, int]  # name: how many of its pictures can be read
    different: Mapping[str, int]  # name: how many of these resemble none before
    formats: Mapping[str, int]  # suffix: count
    short_sides: tuple[int, int, int]  # smallest, median, largest; zeros if there are none
    duplicates: tuple[tuple[Path, Path], ...]  # pairs that are nearly the same
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
        """The report as text."""
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
        enough = "enough" if self.enough else "not enough"
        return [*lines, f"  {enough} pictures to train on ({ENOUGH} or more per style are wanted)"]

    def _inside(self, path: Path) -> Path:
        return path.relative_to(self.folder)


class _Summary(NamedTuple):
    size: tuple[int, int]
    thumbnail: np.ndarray


def inspect_folder(path: str | Path, size: int = READING_SIDE) -> FolderReport:
    """Read every picture in a folder and find out whether it can be trained on.

    Args:
        path: A folder of pictures, or of one folder a style.
        size: Short side in pixels to which training brings pictures (`data.size`).

    Raises:
        DataError: The folder is missing or not a folder.
    """
    folder = Path(path).expanduser()
    groups, files = group_pictures(folder), find_files(folder)
    summaries, bad = read_each(
        _summarize, [picture for group in groups.values() for picture in group]
    )
    good = {
        name: [picture for picture in group if picture in summaries]
        for name, group in groups.items()
    }
    good = {name: group for name, group in good.items() if group}
    duplicates = tuple(_alike(summaries))
    repeated = {second for _, second in duplicates}
    different = {name: len(set(group) - repeated) for name, group in good.items()}
    shorts = sorted(min(each.size) for each in summaries.values())
    return FolderReport(
        folder=folder,
        styles={name: len(group) for name, group in good.items()},
        different=different,
        formats=dict(Counter(picture.suffix.lower() for picture in summaries).most_common()),
        short_sides=(shorts[0], round(median(shorts)), shorts[-1]) if shorts else (0, 0, 0),
        duplicates=duplicates,
        bad=bad,
        warnings=(
            *_about_styles(folder, good, different, len(repeated)),
            *_about_sizes([each.size for each in summaries.values()], size),
            *_about_files(files),
        ),
    )


def too_few(counts: Mapping[str, int]) -> Iterator[str]:
    """A warning for every style with fewer than `ENOUGH` pictures, by how many each has.

    Many such styles are named in one warning.
    """
    few = [name for name, count in counts.items() if count < ENOUGH]
    if len(few) > _SHOWN:
        yield (
            f"{len(few)} of {len(counts)} styles have fewer than {ENOUGH} different pictures, such "
            f"as {', '.join(few[:3])}; {ENOUGH} or more are wanted"
        )
        return
    for name in few:
        if counts[name] == 1:
            yield (
                f"style {name} is one picture: that picture is learned, rather than a style; "
                f"{ENOUGH} or more are wanted"
            )
        else:
            yield (
                f"style {name} has only {counts[name]} different pictures; {ENOUGH} or more are "
                "wanted"
            )


def _summarize(path: Path) -> _Summary:
    small = read_picture(path, 4 * _THUMBNAIL).resize(
        (_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX
    )
    return _Summary(picture_size(path), np.asarray(small, np.float32).ravel() / 255)


def _alike(summaries: Mapping[Path, _Summary]) -> Iterator[tuple[Path, Path]]:
    paths = list(summaries)
    if not paths:
        return
    thumbnails = np.stack([each.thumbnail for each in summaries.values()])
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
        yield f"{repeated} pictures resemble another one, and add nothing to learn"


def _about_sizes(sizes: list[tuple[int, int]], size: int) -> Iterator[str]:
    shorts = [min(pair) for pair in sizes]
    small = sum(short < size for short in shorts)
    if small:
        yield f"{small} pictures have a short side under {size} px: enlarged, they are blurred"
    if shorts and max(shorts) > _WIDE_SPREAD * min(shorts):
        yield "sizes differ widely, and so will the scale of strokes"
    long = sum(max(pair) > LONGEST_RATIO * min(pair) for pair in sizes)
    if long:
        ratio = f"over {LONGEST_RATIO} times as long as wide"
        yield f"{long} pictures are {ratio}: their ends are cut off"


def _about_files(files: list[Path]) -> Iterator[str]:
    others = Counter(path.suffix.lower() or "no suffix" for path in files if not path.is_dir())
    ignored = {suffix: count for suffix, count in others.items() if suffix not in SUFFIXES}
    if ignored:
        listed = ", ".join(f"{count} {suffix}" for suffix, count in sorted(ignored.items()))
        yield f"files of other kinds are ignored: {listed}"
