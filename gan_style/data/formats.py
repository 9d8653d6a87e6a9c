"""Which files are pictures: one table of kinds and endings, and how a file is opened."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError, features

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

MAX_PIXELS = 178_956_970
"""Larger pictures are refused: a small file can hold a picture that fills the memory."""

_AVIF_BRANDS = (b"avif", b"avis")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def written_format(path: Path) -> Format:
    """The kind of file that a painting becomes by its ending.

    Raises:
        PictureError: none that can be written; the message lists those that can.
    """
    suffix = path.suffix.lower()
    for each in FORMATS:
        if each.written and suffix in each.suffixes:
            if each.name == "AVIF" and not features.check("avif"):
                raise PictureError(f"{path}: {_NO_AVIF}")
            return each
    *most, last = (each.suffixes[0] for each in FORMATS if each.written)
    raise PictureError(f"{path}: pictures are written as {', '.join(most)} or {last}")


@contextmanager
def opened(source: Path | bytes, name: str | None = None) -> Iterator[Image.Image]:
    """Open a file, or what was read of one, without decoding it yet.

    Args:
        source: a path or a file's bytes.
        name: what messages call it; a path's own if not given.

    Raises:
        PictureError: it is missing, unreadable, empty, broken, no picture or too large, or
            anything is raised while the block works on it: decoders raise nearly anything on
            broken files.
    """
    name = name or (str(source) if isinstance(source, Path) else "a picture")
    try:
        if isinstance(source, Path):
            _refuse_irregular(source)
        elif not source:
            raise ValueError("nothing there")
        with _stream(source) as file:
            names = _readable(file.read(64))
            file.seek(0)
            with Image.open(file, formats=names) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise Image.DecompressionBombError
                yield image
    except PictureError:
        raise
    except Exception as error:
        raise PictureError(f"{name}: {reason(error, source)}") from error


def _stream(source: Path | bytes) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _refuse_irregular(path: Path) -> None:
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        os.listdir(path)  # raises if that is what is wrong with it
        raise ValueError("a folder, not a file")
    if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
        raise ValueError("not a regular file")
    if not path.stat().st_size:
        raise ValueError("the file is empty")


_NO_AVIF = "AVIF needs Pillow 11.3 or newer with AVIF in it: pip install -U pillow"
_NO_HEIC = "HEIC needs pillow-heif: pip install 'gan-style[heic]'"


def _readable(head: bytes) -> list[str]:
    """Pillow's names of what may be opened; the plugin of HEIC is loaded if `head` asks for it."""
    brands = head[8:64] if head[4:8] == b"ftyp" else b""
    if brands and any(brand in brands for brand in _AVIF_BRANDS):
        if not features.check("avif"):
            raise ValueError(_NO_AVIF)
    elif brands and any(brand in brands for brand in _HEIF_BRANDS):
        try:
            from pillow_heif import register_heif_opener
        except ImportError as error:
            raise ValueError(_NO_HEIC) from error
        register_heif_opener()
    Image.init()
    return [each.name for each in FORMATS if each.name in Image.OPEN]


def reason(error: Exception, source: Path | bytes) -> str:
    """Why a file cannot be read or written, in a few words and one line."""
    if isinstance(error, FileNotFoundError) and isinstance(source, Path):
        return "a link to a missing file" if source.is_symlink() else "no such file"
    if isinstance(error, UnidentifiedImageError):
        return f"not a picture that can be read ({', '.join(each.name for each in FORMATS)})"
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {MAX_PIXELS} pixels"
    if isinstance(error, MemoryError):
        return "too large for the memory"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return (str(error) or type(error).__name__).splitlines()[0]
