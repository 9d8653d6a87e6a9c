"""Which photo is painted into which file; what cannot work is refused here, before any work."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gan_style.cli.command import existing
from gan_style.data.formats import FORMATS, SUFFIXES, Format, written_format
from gan_style.disk_space import require_space, require_writable
from gan_style.errors import ConfigError, PictureError
from gan_style.files import find_files
from gan_style.sizes import with_short_side

STANDARD = "-"
"""Standard input as a photo, and standard output."""
SAME = "same"
FORMAT_NAMES = (*(each.suffixes[0][1:] for each in FORMATS if each.written), SAME)
"""Endings that can be chosen for paintings, and the photo's own."""


@dataclass(frozen=True)
class Photo:
    """One to paint: `source` is None for standard input, `target` for standard output."""

    source: Path | None
    target: Path | None
    kind: Format

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.source) if self.source else "standard input"


@dataclass(frozen=True)
class Plan:
    """All photos, and how many files of each ending are no pictures."""

    photos: list[Photo]
    left_alone: Counter[str] = field(default_factory=Counter)


def plan(given: Sequence[str], output: str, ending: str | None) -> Plan:
    """Find the photos, and settle where each painting goes.

    Args:
        given: photos, folders, or `-`.
        output: a file, a folder, or `-`.
        ending: one of `FORMAT_NAMES`, for folders and standard output; None for png.

    Raises:
        PictureError: a photo that is not there, a folder without any, an ending of `output` that
            cannot be written.
        ConfigError: several photos into one file, or two into the same.
    """
    places = [existing(place) for place in given if place != STANDARD]
    if STANDARD in given or output == STANDARD:
        return Plan([_streamed(given, output, ending)])
    folder = Path(output)
    several = len(given) > 1 or places[0].is_dir()
    if not several and folder.suffix and not folder.is_dir():
        return Plan([Photo(places[0], folder, _kind(folder, ending))])
    if several and folder.suffix.lower() in SUFFIXES and not folder.is_dir():
        what = f"{len(given)} photos" if len(given) > 1 else f"the folder {given[0]}"
        raise ConfigError(
            f"--output is {output}, the name of one picture, but {what} is to be painted; give a "
            "folder to paint into (are photo and output swapped?)"
        )
    whole = Plan([])
    taken: dict[Path, Path] = {}
    for place in places:
        for photo, inside in _found(place, folder, whole.left_alone):
            target = folder / inside.with_suffix(_suffix(photo, ending))
            if target in taken:
                raise _collision(taken[target], photo, target)
            taken[target] = photo
            whole.photos.append(Photo(photo, target, written_format(target)))
    return whole


def _collision(one: Path, other: Path, target: Path) -> ConfigError:
    hint = ", or add --format same" if one.suffix.lower() != other.suffix.lower() else ""
    return ConfigError(f"{one} and {other} would both become {target}; rename one{hint}")


def _streamed(given: Sequence[str], output: str, ending: str | None) -> Photo:
    """The one photo that comes from standard input or goes to standard output, or both."""
    if len(given) > 1 or Path(given[0]).is_dir():
        what = "standard output takes" if output == STANDARD else "standard input is"
        raise ConfigError(f"{what} one photo; give a folder to paint several into")
    source = None if given[0] == STANDARD else Path(given[0])
    if output == STANDARD:
        suffix = _suffix(source or Path(), ending)
        return Photo(source, None, written_format(Path(f"standard output{suffix}")))
    target = Path(output)
    if not target.suffix or target.is_dir():
        raise ConfigError(
            f"--output is {output}, but a photo from standard input has no name to be given in a "
            "folder; give a file, or - for standard output"
        )
    return Photo(source, target, _kind(target, ending))


def _kind(target: Path, ending: str | None) -> Format:
    kind = written_format(target)
    if ending not in (None, SAME) and f".{ending}" not in kind.suffixes:
        raise ConfigError(f"--format is {ending}, but --output is {target}; leave one out")
    return kind


def _suffix(photo: Path, ending: str | None) -> str:
    if ending != SAME:
        return f".{ending or 'png'}"
    with suppress(PictureError):
        written_format(photo)
        return photo.suffix
    return ".png"


def _found(place: Path, output: Path, left_alone: Counter[str]) -> list[tuple[Path, Path]]:
    """The photos of a place, each with its path below it; what is no picture is counted.

    Paintings of an earlier run are not painted again where they lie below the photos.
    """
    if not place.is_dir():
        return [(place, Path(place.name))]
    painted = output.resolve()
    own = painted != place.resolve() and painted.is_relative_to(place.resolve())
    photos = []
    for file in find_files(place):
        if own and file.resolve().is_relative_to(painted):
            continue
        if file.suffix.lower() in SUFFIXES or file.is_dir():
            photos.append((file, file.relative_to(place)))
        else:
            left_alone[file.suffix.lower() or "no ending"] += 1
    if not photos:
        raise PictureError(f"no pictures in folder {place}")
    return photos


def refuse_unwritable(targets: Iterable[Path]) -> None:
    """Raise ConfigError for a folder that cannot be made or written into."""
    for folder in {target.parent for target in targets}:
        require_writable(folder, "--output")


def refuse_full_disk(photos: Sequence[Photo], size: int | None) -> None:
    """Raise ConfigError if the disk has less room than the paintings are going to take, about.

    Args:
        photos: sizes are read from their headers.
        size: short side of the paintings; None for the photos' own.
    """
    targets = [photo.target for photo in photos if photo.target]
    needed = sum(_estimated_bytes(photo, size) for photo in photos if photo.target)
    if targets:
        require_space(targets[0].parent, needed, "--output", "the paintings are")


def painting_size(size: tuple[int, int], short_side: int | None) -> tuple[int, int]:
    """Width and height of the painting of a photo of this size."""
    return with_short_side(size, short_side) if short_side else size


def _estimated_bytes(photo: Photo, short_side: int | None) -> float:
    from gan_style.data.images import picture_size

    if photo.source is None:
        return 0
    try:
        width, height = painting_size(picture_size(photo.source), short_side)
    except PictureError:
        return 0  # it is going to be skipped
    return width * height * photo.kind.bytes_per_pixel


def endings(left_alone: Counter[str]) -> str:
    """`.txt 2, .mov 1`."""
    return ", ".join(f"{suffix} {count}" for suffix, count in left_alone.most_common())
