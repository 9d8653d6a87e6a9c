"""`gan-style compare` and `gan-style styles`: what there is to choose from, at a glance."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gan_style.cli.command import (
    Command,
    Model,
    Output,
    existing_pictures,
    refuse_missing_model,
)
from gan_style.cli.terminal import print_colored
from gan_style.disk_space import require_writable
from gan_style.errors import ConfigError
from gan_style.files import is_there
from gan_style.options import device_option, option
from gan_style.shipped import BASE
from gan_style.sizes import MINIMUM_SIDE, READING_SIDE

if TYPE_CHECKING:
    from gan_style.style_code import StyleCode

_COLUMNS = 24  # characters that a thumbnail is wide in a terminal


@dataclass(frozen=True, kw_only=True)
class Compare(Output, Command):
    """Paint photos by several models, in several styles, and lay them out on one sheet."""

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style compare photo.jpg --styles mosaic woodcut my_pictures -o sheet.png",
        "gan-style compare photo.jpg --styles my_pictures --models base runs/mine -o sheet.png",
        "gan-style compare photo.jpg --styles mosaic --strength 0.3 0.6 1 -o sheet.png",
    )

    photos: tuple[str, ...] = option(positional=True, metavar="PHOTO")
    """Photos, or folders of photos."""
    styles: tuple[str, ...] = option(metavar="STYLE", listed=True)
    """Codes, pictures, folders of pictures, or names."""
    models: tuple[str, ...] = option((BASE,), metavar="MODEL", listed=True)
    """Run folders, model files, or `base`, which is shipped."""
    strength: tuple[float, ...] = option((1.0,), at_least=0, at_most=1, listed=True)
    """0 is the photo, 1 the full style."""
    stroke_size: tuple[float, ...] = option(
        (1.0,), at_least=0.5, at_most=4, metavar="TIMES", listed=True
    )
    """How many times as large strokes are, relative to the picture, as in the style's pictures."""
    size: int = option(READING_SIDE, at_least=MINIMUM_SIDE, metavar="PIXELS")
    """Short side of each painting."""
    device: str = device_option()
    """Where to run."""

    def run(self) -> None:
        """Paint and save."""
        output = Path(self.output)
        self.refuse_outputs(output)
        photos = existing_pictures(self.photos)
        if doubled := {model for model in self.models if self.models.count(model) > 1}:
            raise ConfigError(f"--models has {', '.join(sorted(doubled))} twice; give each once")
        for model in self.models:
            refuse_missing_model(model)
        from tqdm import tqdm

        from gan_style.comparing import compare
        from gan_style.data.images import save_picture
        from gan_style.stylizer import Stylizer

        models = {
            place: Stylizer.from_pretrained(place, device=self.device) for place in self.models
        }
        sheet = compare(
            photos,
            models,
            self.styles,
            strengths=self.strength,
            stroke_sizes=self.stroke_size,
            size=self.size,
            progress=partial(tqdm, unit=" paintings", leave=False),
        )
        save_picture(sheet, output)
        print(f"painted {output}")


@dataclass(frozen=True, kw_only=True)
class Styles(Model):
    """List the named styles of a model: the shipped ones, or those of a run.

    In a terminal of 24-bit colors they come with what they were learned from, in small.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style styles",
        "gan-style styles --model runs/mine",
        "gan-style styles -o styles.png",
    )

    output: str | None = option(None, short="o", metavar="PATH")
    """Write a sheet of these pictures."""
    force: bool = False
    """Replace a file that is there."""

    def run(self) -> None:
        """List, and write the sheet if it is wanted."""
        output = Path(self.output) if self.output else None
        if output:
            if is_there(output) and not self.force:
                raise ConfigError(f"{output} is there already; --force replaces it")
            require_writable(output.parent, "--output")
        from gan_style.data.characters import shows_pictures
        from gan_style.stylizer import Stylizer

        styles = Stylizer.from_pretrained(self.model, device=self.device).styles
        if not styles:
            print(f"{self.model} has no named styles; give --style pictures, or a folder of them")
            return
        if output:
            self._write_sheet(styles, output)
        elif shows_pictures(sys.stdout):
            self._show(styles)
        else:
            width = max(map(len, styles))
            for name, style in styles.items():
                print(f"{name:{width}}  {_origin(style)}")

    def _write_sheet(self, styles: "Mapping[str, StyleCode]", output: Path) -> None:
        from gan_style.data.grid import Cell, wrapped_sheet
        from gan_style.data.images import save_picture
        from gan_style.style_code import make_thumbnail

        cells = [
            Cell(style.thumbnail or make_thumbnail([]), name) for name, style in styles.items()
        ]
        save_picture(wrapped_sheet([(None, cells)]), output)
        print(f"{len(styles)} styles in {output}")

    def _show(self, styles: "Mapping[str, StyleCode]") -> None:
        """Print thumbnails side by side, as many as fit, with the names under them."""
        from gan_style.data.characters import in_characters

        across = max(1, shutil.get_terminal_size().columns // (_COLUMNS + 2))
        named = list(styles.items())
        for start in range(0, len(named), across):
            row = named[start : start + across]
            shown = [
                in_characters(style.thumbnail, _COLUMNS)
                if style.thumbnail
                else [" " * _COLUMNS] * (_COLUMNS // 2)
                for _, style in row
            ]
            for lines in zip(*shown, strict=True):
                print_colored("  ".join(lines))
            for texts in ([name for name, _ in row], [_origin(style) for _, style in row]):
                print("  ".join(f"{text[:_COLUMNS]:{_COLUMNS}}" for text in texts).rstrip())
            print()


def _origin(style: "StyleCode") -> str:
    """From how many pictures a style was read; a mixed or invented one has none."""
    if not style.count:
        return "mixed"
    return f"{style.count} picture{'s' if style.count != 1 else ''}"
