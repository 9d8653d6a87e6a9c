"""Which files are pictures: one table of kinds and endings."""

from dataclasses import dataclass
from pathlib import Path

from gan_style.errors import PictureError


@dataclass(frozen=True)
class Format:
    """A kind of picture file.

    Attributes:
        name: what Pillow calls it.
        suffixes: endings in lower case, the usual one first.
        written: whether paintings can be written so.
        quality: for paintings if nobody says otherwise; None where nothing is lost.
        alpha: whether it keeps transparency.
        deep: whether it keeps 16 bits a channel.
        longest_side: pixels; a larger picture cannot be written so.
        bytes_per_pixel: that a painting of 8 bits takes, about.
    """

    name: str
    suffixes: tuple[str, ...]
    written: bool = False
    quality: int | None = None
    alpha: bool = True
    deep: bool = False
    longest_side: int = 2**31 - 1
    bytes_per_pixel: float = 0.0


FORMATS = (
    Format("PNG", (".png",), written=True, deep=True, bytes_per_pixel=2.2),
    Format(
        "JPEG",
        (".jpg", ".jpeg", ".jfif"),
        written=True,
        quality=95,
        alpha=False,
        longest_side=65_500,
        bytes_per_pixel=0.8,
    ),
    Format("WEBP", (".webp",), written=True, quality=90, longest_side=16_383, bytes_per_pixel=0.4),
    Format("AVIF", (".avif",), written=True, quality=80, longest_side=65_536, bytes_per_pixel=0.35),
    Format("TIFF", (".tiff", ".tif"), written=True, deep=True, bytes_per_pixel=2.4),
    Format("BMP", (".bmp",)),
    Format("GIF", (".gif",)),
    Format("HEIF", (".heic", ".heif", ".hif")),
)
"""All that are read, those that are written first."""

SUFFIXES = frozenset(suffix for each in FORMATS for suffix in each.suffixes)
"""Endings, in lower case, by which picture files are found in a folder."""

NO_AVIF = "AVIF needs Pillow 11.3 or newer with AVIF in it: pip install -U pillow"


def written_format(path: Path) -> Format:
    """The kind of file that a painting becomes by its ending.

    Raises:
        PictureError: none that can be written; the message lists those that can.
    """
    from PIL import features  # here, so that the command line's help needs no library

    suffix = path.suffix.lower()
    for each in FORMATS:
        if each.written and suffix in each.suffixes:
            if each.name == "AVIF" and not features.check("avif"):
                raise PictureError(f"{path}: {NO_AVIF}")
            return each
    *most, last = (each.suffixes[0] for each in FORMATS if each.written)
    raise PictureError(f"{path}: pictures are written as {', '.join(most)} or {last}")
