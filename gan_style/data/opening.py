"""Picture files opened, and what is said of those that cannot be."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError, features

from gan_style.data.formats import FORMATS, NO_AVIF
from gan_style.errors import GanStyleError, PictureError
from gan_style.files import require_regular

MAX_PIXELS = 178_956_970
"""Larger pictures are refused: a small file can hold a picture that fills the memory."""

_AVIF_BRANDS = (b"avif", b"avis")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_NO_HEIC = "HEIC needs pillow-heif: pip install 'gan-style[heic]'"


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
            if not require_regular(source):
                raise ValueError("the file is empty")
        elif not source:
            raise ValueError("nothing there")
        with _stream(source) as file:
            names = _readable(file.read(64))
            file.seek(0)
            with Image.open(file, formats=names) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise Image.DecompressionBombError
                yield image
    except GanStyleError:
        raise
    except Exception as error:
        raise PictureError(f"{name}: {reason(error, source)}") from error


def _stream(source: Path | bytes) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _readable(head: bytes) -> list[str]:
    """Pillow's names of what may be opened; the plugin of HEIC is loaded if `head` asks for it."""
    brands = head[8:64] if head[4:8] == b"ftyp" else b""
    if brands and any(brand in brands for brand in _AVIF_BRANDS):
        if not features.check("avif"):
            raise ValueError(NO_AVIF)
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
