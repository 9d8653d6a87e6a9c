"""Paintings written as files, each with all that its kind can keep of the canvas."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gan_style.data.formats import FORMATS, Format, written_format
from gan_style.data.opening import reason
from gan_style.errors import ConfigError, PictureError
from gan_style.files import replacing
from gan_style.painting.canvas import Canvas
from gan_style.painting.lossless import png_bytes, tiff_bytes
from gan_style.painting.metadata import exif_for
from gan_style.painting.profiles import from_srgb
from gan_style.painting.strips import Pixels, full, strips, to_8_bits
from gan_style.painting.transparency import over_white

PNG, JPEG = FORMATS[0], FORMATS[1]
_FINE = 90
"""From this quality on, color is stored at the full size of the picture."""
_LOSSLESS = 100


def write_canvas(canvas: Canvas, path: str | Path, *, quality: int | None = None) -> None:
    """Write a file of the kind that `path` ends in, whole or not at all; missing folders are made.

    Alpha, profile, EXIF and resolution of the canvas go into the file, and 16 bits a channel into
    PNG and TIFF; `what_is_lost` tells what another kind cannot keep.

    Args:
        canvas: pixels in sRGB are brought into its profile.
        path: .png, .jpg, .webp, .avif or .tiff, in any of their spellings.
        quality: 1 to 100, for JPEG, WebP and AVIF; None for 95, 90 and 80. JPEG and AVIF store
            color at half the size below 90. 100 of WebP loses nothing, that of JPEG and AVIF next
            to nothing. PNG and TIFF never lose anything, and take none.

    Raises:
        PictureError: another ending, a picture too large for the kind, or a file that cannot be
            written.
        ConfigError: a quality outside 1 to 100, or for a kind that has none.
    """
    path = Path(path)
    kind = written_format(path)
    refuse_quality(kind, quality)
    refuse_size(kind, canvas.source, *canvas.pixels.shape[1::-1])
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            _encode(canvas, kind, quality, file)
    except Exception as error:  # encoders raise nearly anything
        raise PictureError(f"{path}: cannot be written: {reason(error, path)}") from error


def encode_canvas(canvas: Canvas, kind: Format = PNG, *, quality: int | None = None) -> bytes:
    """The file that `write_canvas` writes, in memory.

    Raises:
        PictureError: a picture too large for the kind.
        ConfigError: as `write_canvas`.
    """
    refuse_quality(kind, quality)
    refuse_size(kind, canvas.source, *canvas.pixels.shape[1::-1])
    file = io.BytesIO()
    _encode(canvas, kind, quality, file)
    return file.getvalue()


def refuse_quality(kind: Format, quality: int | None) -> None:
    """Raise ConfigError for a quality that a kind cannot be written with."""
    if quality is None:
        return
    if kind.quality is None:
        raise ConfigError(f"quality is {quality}, but {kind.name} loses nothing and has none")
    if not 1 <= quality <= 100:
        raise ConfigError(f"quality is {quality}; it must be 1 to 100")


def refuse_size(kind: Format, name: str, width: int, height: int) -> None:
    """Raise PictureError for a painting with more pixels a side than a kind can have."""
    if max(width, height) > kind.longest_side:
        raise PictureError(
            f"{name}: a painting of {width}x{height} px cannot be written as {kind.name}, which "
            f"ends at {kind.longest_side} px a side"
        )


def what_is_lost(canvas: Canvas, kind: Format) -> Iterator[str]:
    """Say in a few words what a kind of file cannot keep of a canvas; nothing if it keeps all."""
    if not kind.alpha and _is_transparent(canvas):
        yield f"{kind.name} keeps no transparency: laid over white"
    if not kind.deep and canvas.pixels.dtype == np.uint16:
        yield f"{kind.name} has 8 bits a channel: 16 were rounded"


def _is_transparent(canvas: Canvas) -> bool:
    return canvas.alpha is not None and int(canvas.alpha.min()) < full(canvas.alpha)


def _encode(canvas: Canvas, kind: Format, quality: int | None, file: Any) -> None:
    exif = exif_for(kind, canvas.exif, canvas.dpi)
    if kind.deep:
        write = png_bytes if kind is PNG else tiff_bytes
        file.write(write(_array(canvas), canvas.profile, exif, canvas.dpi))
        return
    options: dict[str, Any] = {"icc_profile": canvas.profile, "exif": exif, "dpi": canvas.dpi}
    quality = quality or kind.quality or _LOSSLESS
    if kind.name == "WEBP":
        options |= {"lossless": quality == _LOSSLESS, "exact": True}
    elif quality >= _FINE:
        options["subsampling"] = "4:4:4"
    given = {name: value for name, value in options.items() if value is not None}
    _image(canvas, kind).save(file, kind.name, quality=quality, **given)


def _array(canvas: Canvas) -> Pixels:
    """(H, W, 3 or 4) in the canvas's profile."""
    if canvas.profile is None and canvas.alpha is None:
        return canvas.pixels
    height, width = canvas.pixels.shape[:2]
    whole = np.empty((height, width, 3 if canvas.alpha is None else 4), canvas.pixels.dtype)
    for rows in strips(height, width):
        whole[rows, :, :3] = _in_profile(canvas, rows)
        if canvas.alpha is not None:
            whole[rows, :, 3] = canvas.alpha[rows]
    return whole


def _in_profile(canvas: Canvas, rows: slice) -> Pixels:
    band = canvas.pixels[rows]
    return band if canvas.profile is None else from_srgb(band, canvas.profile)


def _image(canvas: Canvas, kind: Format) -> Image.Image:
    """The canvas as a picture of Pillow's, with 8 bits, built band by band."""
    height, width = canvas.pixels.shape[:2]
    keeps_alpha = canvas.alpha is not None and kind.alpha
    image = Image.new("RGBA" if keeps_alpha else "RGB", (width, height))
    for rows in strips(height, width):
        band = to_8_bits(_in_profile(canvas, rows))
        if canvas.alpha is not None:
            alpha = to_8_bits(canvas.alpha[rows])
            band = np.dstack([band, alpha]) if keeps_alpha else over_white(band, alpha)
        image.paste(Image.fromarray(np.ascontiguousarray(band)), (0, rows.start))
    return image
