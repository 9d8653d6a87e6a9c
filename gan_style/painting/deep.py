"""Pictures of 16 bits a channel, PNG and TIFF, which Pillow reads with 8."""

import io
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import ExifTags, Image

from gan_style.painting.strips import Pixels, full

_PREMULTIPLIED = 1
_ALPHA = (_PREMULTIPLIED, 2)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2


def read_deep(image: Image.Image, source: Path | bytes) -> tuple[Pixels, Pixels | None] | None:
    """Decode a picture of 16 bits a channel, as it is stored.

    Args:
        image: what Pillow found in its header; its pixels are not touched.
        source: its file.

    Returns:
        Color (H, W, 3) or (H, W) for gray, and alpha (H, W) or None, uint16; None for a picture
        of another kind, which is Pillow's to decode.
    """
    if image.format == "PNG" and _is_deep_png(image):
        return _read_png(image, source)
    if image.format == "TIFF" and _is_deep_tiff(image):
        return _read_tiff(source)
    return None


def _is_deep_png(image: Image.Image) -> bool:
    return any(str(part[3]).endswith(";16B") for part in getattr(image, "tile", ()))


def _read_png(image: Image.Image, source: Path | bytes) -> tuple[Pixels, Pixels | None]:
    data = source if isinstance(source, bytes) else source.read_bytes()
    values: Pixels = imagecodecs.png_decode(data)
    channels = values.shape[2] if values.ndim == 3 else 1
    color, alpha = _parted(values, 1 if channels < 3 else 3, channels in (2, 4))
    key = image.info.get("transparency")
    if alpha is None and key is not None:
        matches = color == np.array(key, np.uint16)
        hidden = matches.all(-1) if color.ndim == 3 else matches
        alpha = np.where(hidden, 0, full(color)).astype(np.uint16)
    return color, alpha


def _is_deep_tiff(image: Image.Image) -> bool:
    tags = getattr(image, "tag_v2", {})
    return (
        set(tags.get(ExifTags.Base.BitsPerSample, ())) == {16}
        and set(tags.get(ExifTags.Base.SampleFormat, (1,))) == {1}
        and tags.get(ExifTags.Base.PhotometricInterpretation)
        in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
    )


def _read_tiff(source: Path | bytes) -> tuple[Pixels, Pixels | None]:
    with tifffile.TiffFile(io.BytesIO(source) if isinstance(source, bytes) else source) as file:
        page = file.pages.first
        values: Pixels = page.asarray()
        separate = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE
        if separate and values.ndim == 3:
            values = np.moveaxis(values, 0, -1)
        kind = page.extrasamples[0] if page.extrasamples else None
        color, alpha = _parted(values, 3 if page.photometric == _RGB else 1, kind in _ALPHA)
        if page.photometric == _WHITE_IS_ZERO:
            color = full(color) - color
        if alpha is not None and kind == _PREMULTIPLIED:
            color = _unmultiplied(color, alpha)
    return color, alpha


def _parted(values: Pixels, colors: int, has_alpha: bool) -> tuple[Pixels, Pixels | None]:
    """Color, of so many channels, and the next channel if it is alpha."""
    if values.ndim == 2:
        return values, None
    color = values[..., 0] if colors == 1 else values[..., :colors]
    return color, values[..., colors] if has_alpha else None


def _unmultiplied(color: Pixels, alpha: Pixels) -> Pixels:
    whole = full(alpha)
    divisor = np.maximum(alpha, 1)[..., None] if color.ndim == 3 else np.maximum(alpha, 1)
    return np.minimum(color.astype(np.uint64) * whole // divisor, whole).astype(color.dtype)
