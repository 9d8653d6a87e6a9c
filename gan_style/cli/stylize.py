"""`gan-style stylize`: paint photos in a style."""

import sys
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing, nullcontext, redirect_stdout
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, ClassVar, NamedTuple

from gan_style.cli.command import Model, Output
from gan_style.cli.masks import MaskPlace, masks_of
from gan_style.cli.photos import (
    FORMAT_NAMES,
    STANDARD,
    Photo,
    endings,
    painting_size,
    plan,
    refuse_full_disk,
    refuse_unwritable,
)
from gan_style.cli.terminal import PrintableStream
from gan_style.errors import ConfigError, GanStyleError, PictureError
from gan_style.files import is_there
from gan_style.options import option
from gan_style.painting.config import PaintConfig

if TYPE_CHECKING:
    from gan_style.painting.canvas import Canvas
    from gan_style.painting.strips import Pixels
    from gan_style.stylizer import Stylizer


@dataclass(frozen=True, kw_only=True)
class Stylize(Output, Model, PaintConfig):
    """Paint photos in a style.

    A style is a code, a picture, a folder of pictures, or a name. One photo is painted into a
    file; several, or a folder, into a folder, where sub-folders keep their names. Transparency,
    color profile, EXIF, resolution and 16 bits a channel are kept if the kind of file can keep
    them.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style stylize photo.jpg --style woodblock -o painted.png",
        "gan-style stylize photo.jpg --style my_pictures -o like_mine.png --size 512",
        "gan-style stylize holiday_photos --style mine --model runs/mine -o painted",
        "gan-style stylize holiday_photos --style mosaic -o painted --format jpg --skip-existing",
        "gan-style stylize photo.jpg --style mosaic --mask sky.png --style woodcut -o two.png",
        "gan-style stylize - --style mosaic -o - < photo.heic > painted.png",
    )

    photos: tuple[str, ...] = option(positional=True, metavar="PHOTO")
    """Photos, or folders of photos; - is standard input."""
    style: tuple[str, ...] = option(metavar="STYLE")
    """A code, a picture, a folder of pictures, or a name; several, each where its --mask is."""
    mask: tuple[str, ...] = option((), metavar="MASK")
    """A gray picture, white where the style is seen and black where it is not, or a folder with one
    named like each photo. The first is of the first style; the last style may have none, and goes
    where the others leave something."""
    strength_map: str | None = option(None, metavar="MASK")
    """A gray picture, or a folder of them: how much of the strength goes where."""
    output: str = option(short="o", metavar="PATH")
    """A file that ends in .png, .jpg, .webp, .avif or .tiff, a folder, or - for standard output."""
    format: str | None = option(None, choices=FORMAT_NAMES)
    """Kind of file in a folder or on standard output; png if not given. `same` is the photo's own
    kind, or png where paintings cannot be written so."""
    quality: int | None = option(None, at_least=1, at_most=100, metavar="1..100")
    """Of jpg (95 if not given), webp (90; 100 loses nothing) and avif (80); png and tiff never
    lose anything."""
    keep_gps: bool = False
    """Keep the place where a photo was taken in the EXIF of its painting."""
    skip_existing: bool = False
    """Keep paintings that are there, and go on with the others."""

    def run(self) -> None:
        """Paint all that can be read; one that cannot is reported and skipped.

        Under torchrun each process paints its share, and those that are started again go on.
        """
        from gan_style.distributed import Ranks

        ranks = Ranks.of_environment()
        if self.force and self.skip_existing:
            raise ConfigError("--force and --skip-existing exclude each other; give one")
        places = self._mask_places()
        if STANDARD in self.photos and sys.stdin.isatty():
            raise ConfigError("PHOTO is -, but nothing is piped into standard input")
        stream = self._standard_output() if self.output == STANDARD else None
        with redirect_stdout(PrintableStream(sys.stderr)) if stream else nullcontext():
            whole = plan(self.photos, self.output, self.format)
            photos = self._to_paint(ranks.share(whole.photos), started_again=ranks.restarts > 0)
            self._refuse_what_cannot_work(photos)
            if whole.left_alone:
                count = whole.left_alone.total()
                what = f"{count} files that are no pictures ({endings(whole.left_alone)})"
                print(f"left alone: {what}")
            if photos:
                self._paint_all(photos, places, stream, ranks.device(self.device))

    def _mask_places(self) -> "_Places":
        if self.feather and not self.mask:
            raise ConfigError("--feather softens the borders of masks; give --mask, too")
        strengths = MaskPlace.at(self.strength_map) if self.strength_map else None
        return _Places(masks_of(self.style, self.mask), strengths)

    def _standard_output(self) -> IO[bytes]:
        if sys.stdout.isatty():
            raise ConfigError("--output is -, but standard output is the terminal; pipe it on")
        return sys.stdout.buffer

    def _to_paint(self, photos: list[Photo], *, started_again: bool) -> list[Photo]:
        """Those without a painting, which there has to be none of unless that is said."""
        if self.force and not started_again:
            return photos
        missing = [photo for photo in photos if not (photo.target and is_there(photo.target))]
        if len(missing) < len(photos):
            if not (self.skip_existing or started_again):
                there = next(photo.target for photo in photos if photo not in missing)
                hint = "--force replaces it, --skip-existing keeps it and goes on"
                raise ConfigError(f"{there} is there already; {hint}")
            print(f"there already: {len(photos) - len(missing)} of {len(photos)} paintings")
        return missing

    def _refuse_what_cannot_work(self, photos: list[Photo]) -> None:
        lossless = {photo.kind.name for photo in photos if photo.kind.quality is None}
        if self.quality is not None and photos and all(p.kind.name in lossless for p in photos):
            names = " and ".join(sorted(lossless))
            raise ConfigError(
                f"--quality is {self.quality}, but {names} files lose nothing and have none; "
                "choose jpg, webp or avif, or leave it out"
            )
        refuse_unwritable(photo.target for photo in photos if photo.target)
        refuse_full_disk(photos, self.size)

    def _paint_all(
        self, photos: list[Photo], places: "_Places", stream: IO[bytes] | None, device: str
    ) -> None:
        from tqdm import tqdm

        from gan_style.device import keep_freed_memory
        from gan_style.stylizer import Stylizer

        keep_freed_memory()
        stylizer = Stylizer.from_pretrained(self.model, device=device)
        work = _Work(self, _paint_with(stylizer, self, places), stream)
        painted = skipped = 0
        try:
            with closing(work.outcomes(photos)) as outcomes:
                bar = tqdm(outcomes, total=len(photos), unit=" photos", disable=len(photos) == 1)
                for photo, error in bar:
                    painted, skipped = painted + (not error), skipped + bool(error)
                    if error:
                        tqdm.write(f"skipped: {_naming(photo.name, error)}")
        except BaseException:
            if painted and not self.force:
                print("what is painted is kept; --skip-existing goes on with the rest")
            raise
        if not painted:
            raise PictureError("no photo could be painted")
        for what, count in work.lost.items():
            print(f"{what} ({count} of {painted})")
        if skipped:
            print(f"{skipped} of {len(photos)} photos were skipped")
        if stream is None:
            print(f"painted {painted} into {self.output}")


class _Places(NamedTuple):
    """Where the masks are: one for each style, None without, and the strength map."""

    masks: list[MaskPlace | None]
    strengths: MaskPlace | None


def _paint_with(
    stylizer: "Stylizer", options: Stylize, places: _Places
) -> Callable[[Photo, "Pixels"], "Pixels"]:
    """What paints a photo's pixels; the styles are read here, once."""
    from gan_style.painting.regions import Region

    styles = [stylizer.style(each) for each in options.style]
    for style in styles:
        stylizer.refuse_foreign(style)
    config = options.only(PaintConfig)

    def paint(photo: Photo, pixels: "Pixels") -> "Pixels":
        masks = [place.read(photo) if place else None for place in places.masks]
        regions = [Region(style, mask) for style, mask in zip(styles, masks, strict=True)]
        strengths = places.strengths.read(photo) if places.strengths else None
        return stylizer.paint(pixels, regions, config, strengths)

    return paint


def _naming(name: str, error: GanStyleError) -> str:
    """The error, with the name of the photo unless it has it already."""
    return str(error) if name in str(error) else f"{name}: {error}"


class _Work:
    """How photos are read, painted and written; `lost` counts what files could not keep."""

    def __init__(
        self,
        options: Stylize,
        paint: Callable[[Photo, "Pixels"], "Pixels"],
        stream: IO[bytes] | None,
    ) -> None:
        self.options = options
        self.paint = paint
        self.stream = stream
        self.lost: Counter[str] = Counter()

    def outcomes(
        self, photos: list[Photo]
    ) -> Generator[tuple[Photo, GanStyleError | None], None, None]:
        """Each photo, and None when its painting is written, or why it is skipped."""
        from gan_style.painting.pipeline import paint_all

        return paint_all(photos, self._read, self.paint, self._write)

    def _read(self, photo: Photo) -> "Canvas":
        from gan_style.data.images import picture_size
        from gan_style.painting.canvas import read_canvas
        from gan_style.painting.writing import refuse_size

        keep_gps = self.options.keep_gps
        if photo.source is None:
            return read_canvas(sys.stdin.buffer.read(), name=photo.name, keep_gps=keep_gps)
        size = painting_size(picture_size(photo.source), self.options.size)
        refuse_size(photo.kind, photo.name, *size)
        return read_canvas(photo.source, keep_gps=keep_gps)

    def _write(self, photo: Photo, canvas: "Canvas") -> None:
        from gan_style.painting.writing import encode_canvas, what_is_lost, write_canvas

        quality = self.options.quality if photo.kind.quality else None
        if photo.target is not None:
            write_canvas(canvas, photo.target, quality=quality)
        elif self.stream is not None:
            self.stream.write(encode_canvas(canvas, photo.kind, quality=quality))
            self.stream.flush()
        self.lost.update(what_is_lost(canvas, photo.kind))
