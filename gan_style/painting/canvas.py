"""A picture file taken apart for painting: pixels, alpha, profile, EXIF, resolution."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image

from gan_style.data.images import deep_gray
from gan_style.data.opening import opened
from gan_style.errors import TooLargeError
from gan_style.memory import free_memory
from gan_style.painting.deep import read_deep
from gan_style.painting.metadata import read_dpi, read_exif
from gan_style.painting.profiles import FileProfile, gray_to_srgb, read_profile, to_srgb
from gan_style.painting.resizing import resized
from gan_style.painting.strips import Pixels, strips
from gan_style.painting.transparency import fill_hidden

_UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored.swapaxes(0, 1)[:, ::-1],
    7: lambda stored: stored.swapaxes(0, 1)[::-1, ::-1],
    8: lambda stored: stored.swapaxes(0, 1)[::-1],
}
"""How stored pixels are seen upright, by EXIF's orientation; views, nothing is copied."""


_BYTES = 10
"""Memory that reading a pixel takes, as measured: 3 for itself, 4 for Pillow's copy, and alpha."""


@dataclass(frozen=True, eq=False)
class Canvas:
    """A picture to paint on, and what its painting is to take over from the file.

    Attributes:
        pixels: (H, W, 3), RGB in sRGB, upright; uint16 of a file of 16 bits a channel, else
            uint8. Where the picture is transparent they continue what is seen beside it.
        alpha: (H, W) of the same kind, 0 where nothing is seen; None if the file has none.
        profile: ICC profile in which the painting is written; None for sRGB with no profile.
        exif: as a JPEG has it, with nothing in it that is not true of the upright pixels.
        dpi: pixels an inch, across and down; None if the file does not say.
        source: where it came from, for messages.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    profile: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    source: str = "a picture"

    def painted(self, pixels: Pixels) -> "Canvas":
        """The same around other pixels: (H, W, 3), uint8 or uint16; alpha takes their size.

        Raises:
            ValueError: they are of another kind or shape.
        """
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != self.pixels.dtype:
            raise ValueError(
                f"the painting is {pixels.dtype} of shape {pixels.shape}; "
                f"it must be {self.pixels.dtype} of shape (H, W, 3)"
            )
        alpha = None if self.alpha is None else resized(self.alpha, pixels.shape[:2])
        return replace(self, pixels=pixels, alpha=alpha)


def read_canvas(
    source: Image.Image | str | Path | bytes, *, name: str | None = None, keep_gps: bool = False
) -> Canvas:
    """Take a picture apart: a file, what was read of one, or a picture in memory.

    Files may be of any kind in `gan_style.data.formats.FORMATS`; of several frames or pages the
    first is read. 16 bits a channel are kept of PNG and TIFF (RGB and gray); a file of 16-bit
    CMYK, of floats or of 10-bit HEIC or AVIF is read with 8.

    Args:
        source: a path, a file's bytes, or a PIL picture of any mode, which is not changed.
        name: what messages call it; the path if not given.
        keep_gps: keep the place in the EXIF; left out otherwise, as paintings are shown around.

    Raises:
        PictureError: it is missing, unreadable, empty, broken, no picture or too large.
        TooLargeError: reading it would take more memory than is free; nothing is decoded.
    """
    if isinstance(source, Image.Image):
        return _taken_apart(source, None, name or "a picture", keep_gps)
    file = source if isinstance(source, bytes) else Path(source)
    name = name or ("a picture" if isinstance(file, bytes) else str(file))
    with opened(file, name) as image:
        _refuse_too_large(image, name)
        return _taken_apart(image, file, name, keep_gps)


def _refuse_too_large(image: Image.Image, name: str) -> None:
    free, needed = free_memory(torch.device("cpu")), _BYTES * image.width * image.height
    if free is not None and needed > free:
        raise TooLargeError(
            f"{name}: reading a picture of {image.width}x{image.height} px takes about "
            f"{needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free"
        )


def _taken_apart(
    image: Image.Image, file: Path | bytes | None, name: str, keep_gps: bool
) -> Canvas:
    deep = read_deep(image, file) if file is not None else None
    orientation = _orientation(image)
    exif, dpi = read_exif(image, keep_gps=keep_gps), read_dpi(image)
    if deep is None:
        pixels, alpha, profile = _decoded(image, orientation)
    else:
        pixels, alpha, profile = _from_deep(*deep, image.info.get("icc_profile"), orientation)
    if profile.from_rgb:
        for rows in strips(*pixels.shape[:2]):
            pixels[rows] = to_srgb(pixels[rows], profile.from_rgb)
    if alpha is not None:
        fill_hidden(pixels, alpha)
    if orientation in (5, 6, 7, 8) and dpi:
        dpi = dpi[::-1]
    return Canvas(pixels, alpha, profile.kept, exif, dpi, name)


def _orientation(image: Image.Image) -> int:
    with suppress(Exception):  # broken metadata do not spoil a picture
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    return 1


def _upright(stored: Pixels, orientation: int) -> Pixels:
    turned = _UPRIGHT.get(orientation)
    return stored if turned is None else turned(stored)


def _from_deep(
    color: Pixels, alpha: Pixels | None, icc: bytes | None, orientation: int
) -> tuple[Pixels, Pixels | None, FileProfile]:
    profile = read_profile(icc, "L" if color.ndim == 2 else "RGB")
    if profile.from_gray:
        color = gray_to_srgb(color, profile.from_gray)
    elif color.ndim == 2:
        color = np.repeat(color[..., None], 3, axis=2)
    pixels = np.array(_upright(color, orientation), order="C")
    if alpha is not None:
        alpha = np.array(_upright(alpha, orientation), order="C")
    return pixels, alpha, profile


def _decoded(image: Image.Image, orientation: int) -> tuple[Pixels, Pixels | None, FileProfile]:
    """What Pillow decodes, band by band: its picture and the pixels are all that is in memory."""
    image.load()
    icc = image.info.get("icc_profile")
    if image.has_transparency_data and image.mode not in ("RGBA", "LA"):
        image = image.convert("RGBA")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = deep_gray(image)
    profile = read_profile(icc, _color_mode(image.mode))
    width, height = image.size
    upright = (height, width) if orientation < 5 else (width, height)
    pixels = np.empty((*upright, 3), np.uint8)
    alpha = np.empty(upright, np.uint8) if image.mode in ("RGBA", "LA") else None
    stored = _stored(pixels, orientation)
    for rows in strips(height, width):
        band = image.crop((0, rows.start, width, rows.stop))
        stored[rows] = np.asarray(_rgb(band, profile))
        if alpha is not None:
            _stored(alpha, orientation)[rows] = np.asarray(band.getchannel("A"))
    return pixels, alpha, profile


def _stored(upright: Pixels, orientation: int) -> Pixels:
    """The view of upright pixels in which they are as stored: a turn back, or the same again."""
    return _upright(upright, {6: 8, 8: 6}.get(orientation, orientation))


def _color_mode(mode: str) -> str:
    modes = {"LA": "L", "1": "L", "CMYK": "CMYK", "L": "L", "LAB": "LAB"}
    return modes.get(mode, "RGB")


def _rgb(band: Image.Image, profile: FileProfile) -> Image.Image:
    if band.mode in ("LA", "1"):
        band = band.getchannel("L") if band.mode == "LA" else band.convert("L")
    return profile.other(band) if profile.other else band.convert("RGB")
