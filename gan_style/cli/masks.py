"""Which mask belongs to which photo and to which style."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gan_style.cli.command import existing
from gan_style.cli.photos import Photo
from gan_style.errors import ConfigError, PictureError

if TYPE_CHECKING:
    from gan_style.painting.strips import Pixels


@dataclass(frozen=True)
class MaskPlace:
    """A mask for every photo, or a folder with one for each, named like it but for the ending."""

    path: Path
    by_name: dict[str, Path] | None

    @classmethod
    def at(cls, place: str) -> "MaskPlace":
        """Look a file or a folder up.

        Raises:
            PictureError: nothing there, a folder without pictures, or with two of one name.
        """
        from gan_style.data.images import some_pictures

        path = existing(place)
        if not path.is_dir():
            return cls(path, None)
        found: dict[str, Path] = {}
        for mask in some_pictures(path):
            if mask.stem in found:
                raise PictureError(
                    f"{found[mask.stem]} and {mask} are both masks for photos named "
                    f"{mask.stem!r}; rename one"
                )
            found[mask.stem] = mask
        return cls(path, found)

    def read(self, photo: Photo) -> "Pixels":
        """The mask of a photo, (h, w) uint8.

        Raises:
            PictureError: it is not there or cannot be read.
        """
        from gan_style.painting.masks import read_mask

        if self.by_name is None:
            return read_mask(self.path)
        name = photo.source.stem if photo.source else ""
        if name not in self.by_name:
            raise PictureError(f"{photo.name} has no mask in {self.path}")
        return read_mask(self.by_name[name])


def masks_of(styles: Sequence[str], masks: Sequence[str]) -> list[MaskPlace | None]:
    """A place for each style; None for the last if it has no mask.

    Raises:
        ConfigError: more or fewer masks than that.
        PictureError: as `MaskPlace.at`.
    """
    several = len(styles) > 1
    if len(masks) > len(styles) or (several and len(masks) < len(styles) - 1):
        need = f"{len(styles)} styles take {len(styles)} masks"
        rest = f", or {len(styles) - 1}: the last style goes where the masks leave something"
        blend = "; `gan-style mix` makes one style of several" if not masks else ""
        raise ConfigError(
            f"there are {len(masks)} of --mask, and {need}{rest}{blend}"
            if several
            else f"there are {len(masks)} of --mask, and one of --style; give a style for each mask"
        )
    places: list[MaskPlace | None] = [MaskPlace.at(mask) for mask in masks]
    return places + [None] * (len(styles) - len(masks))
