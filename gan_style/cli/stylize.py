"""`gan-style stylize`: paint photos in a style."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gan_style.cli.command import Model, Output, existing_pictures
from gan_style.errors import ConfigError, PictureError, TooLargeError
from gan_style.options import option
from gan_style.sizes import MINIMUM_SIDE


@dataclass(frozen=True, kw_only=True)
class Stylize(Output, Model):
    """Paint photos in a style.

    A style is a code, a picture, a folder of pictures, or a name. One photo is painted into a
    file; several, or a folder, into a folder that takes <name>.png of each.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style stylize photo.jpg --style woodblock -o painted.png",
        "gan-style stylize photo.jpg --style my_pictures -o like_mine.png --size 512",
        "gan-style stylize holiday_photos --style mine --model runs/mine -o painted",
    )

    photos: tuple[str, ...] = option(positional=True, metavar="PHOTO")
    """Photos, or folders of photos."""
    style: str = option(metavar="STYLE")
    """A code, a picture, a folder of pictures, or a name."""
    strength: float = option(1.0, at_least=0, at_most=1)
    """0 is the photo, 1 the full style."""
    keep_color: bool = False
    """Keep the photo's colors."""
    size: int | None = option(None, at_least=MINIMUM_SIDE, metavar="PIXELS")
    """Short side of the painting; the photo's own if not given."""

    def run(self) -> None:
        """Paint all that can be read; one that cannot is reported and skipped."""
        targets = _targets(existing_pictures(self.photos), Path(self.output), self.photos)
        self.refuse_to_replace(*targets.values())
        from tqdm import tqdm

        from gan_style.data.images import save_picture
        from gan_style.stylizer import Stylizer

        stylizer = Stylizer.from_pretrained(self.model, device=self.device)
        style = stylizer.style(self.style)
        skipped = 0
        for photo, target in tqdm(targets.items(), unit=" photos", disable=len(targets) == 1):
            try:
                painted = stylizer.stylize(
                    photo, style, self.strength, keep_color=self.keep_color, size=self.size
                )
            except (PictureError, TooLargeError) as error:
                skipped += 1
                tqdm.write(f"skipped: {error}")
                continue
            save_picture(painted, target)
        if skipped == len(targets):
            raise PictureError("no photo could be painted")
        if skipped:
            print(f"{skipped} of {len(targets)} photos were skipped")
        print(f"painted {len(targets) - skipped} into {self.output}")


def _targets(photos: list[Path], output: Path, given: Sequence[str]) -> dict[Path, Path]:
    """Where each photo's painting goes; two of one name are refused rather than overwritten."""
    from gan_style.data.formats import SUFFIXES

    several = len(given) > 1 or Path(given[0]).is_dir()
    if not several and output.suffix and not output.is_dir():
        return {photos[0]: output}
    if several and output.suffix.lower() in SUFFIXES and not output.is_dir():
        what = f"{len(given)} photos" if len(given) > 1 else f"the folder {given[0]}"
        raise ConfigError(
            f"--output is {output}, the name of one picture, but {what} is to be painted; give a "
            "folder to paint into (are photo and output swapped?)"
        )
    targets: dict[Path, Path] = {}
    taken: dict[Path, Path] = {}
    for photo in photos:
        target = output / f"{photo.stem}.png"
        if target in taken:
            raise ConfigError(f"{taken[target]} and {photo} would both become {target}; rename one")
        targets[photo], taken[target] = target, photo
    return targets
