"""EXIF and resolution: what of a photo's own description stays true of its painting."""

import math
from contextlib import suppress
from typing import Any, TypeAlias

from PIL import ExifTags, Image, TiffTags

from gan_style.data.formats import Format

_Base = ExifTags.Base
_KEPT = {  # of the first directory: who, what and when; the rest describes how pixels are stored
    *(_Base.DocumentName, _Base.ImageDescription, _Base.Make, _Base.Model, _Base.Software),
    *(_Base.DateTime, _Base.Artist, _Base.HostComputer, _Base.Rating, _Base.RatingPercent),
    *(_Base.Copyright, _Base.XPTitle, _Base.XPComment, _Base.XPAuthor),
    *(_Base.XPKeywords, _Base.XPSubject),
}
_RESOLUTION = (_Base.XResolution, _Base.YResolution, _Base.ResolutionUnit)
_STALE = {  # of the photo's directory: sizes, places in the picture, colors, and what has offsets
    *(_Base.ExifImageWidth, _Base.ExifImageHeight, _Base.ComponentsConfiguration),
    *(_Base.CompressedBitsPerPixel, _Base.ColorSpace, _Base.ExifInteroperabilityOffset),
    *(_Base.SubjectLocation, _Base.MakerNote),
    0x9214,  # SubjectArea
}
_INCH, _CENTIMETER = 2, 3
_HEAD = b"Exif\0\0"

Directory: TypeAlias = dict[int, Any]
"""Values by their tags."""
Parts: TypeAlias = dict[int, Directory]
"""Directories by the tags of the first one that lead to them."""


def read_exif(image: Image.Image, *, keep_gps: bool) -> bytes | None:
    """What of a picture's EXIF holds for its upright painting.

    Kept are camera, lens, exposure, dates, title, artist and copyright. Dropped are orientation
    (set to 1), thumbnail, sizes, a maker's notes and, unless `keep_gps`, the place.

    Returns:
        The block as a JPEG has it, from `Exif` on; None if there is none or it cannot be read.
    """
    with suppress(Exception):  # broken metadata do not spoil a picture
        found = image.getexif()
        kept = {tag: value for tag, value in found.items() if tag in _KEPT}
        details = found.get_ifd(ExifTags.IFD.Exif).items()
        parts: Parts = {ExifTags.IFD.Exif: {tag: v for tag, v in details if tag not in _STALE}}
        if keep_gps:
            parts[ExifTags.IFD.GPSInfo] = dict(found.get_ifd(ExifTags.IFD.GPSInfo))
        if kept or any(parts.values()):
            kept |= {tag: found[tag] for tag in _RESOLUTION if tag in found}
            return _packed({**kept, _Base.Orientation: 1}, parts)
    return None


def _packed(base: Directory, parts: Parts) -> bytes:
    exif = Image.Exif()
    for tag, value in base.items():
        exif[tag] = as_read(value, tag)
    for tag, part in parts.items():
        if part:
            exif[tag] = {key: as_read(value, key, tag) for key, value in part.items()}
    return exif.tobytes()


def as_read(value: Any, tag: int, group: int | None = None) -> Any:
    """A text as its bytes in the file, most often UTF-8; Pillow would write them as ASCII."""
    is_text = isinstance(value, str) and TiffTags.lookup(tag, group).type == TiffTags.ASCII
    return value.encode("latin-1") if is_text else value


def read_dpi(image: Image.Image) -> tuple[float, float] | None:
    """Pixels an inch, across and down; None if the file does not say."""
    with suppress(Exception):
        found = image.info.get("dpi") or _resolution(image.getexif())
        across, down = (float(number) for number in found)
        if all(math.isfinite(number) and number > 1 for number in (across, down)):  # 1: none
            return across, down
    return None


def _resolution(exif: Image.Exif) -> tuple[float, float]:
    scale = {_INCH: 1.0, _CENTIMETER: 2.54}[exif.get(_Base.ResolutionUnit, _INCH)]
    return exif[_Base.XResolution] * scale, exif[_Base.YResolution] * scale


def exif_for(kind: Format, exif: bytes | None, dpi: tuple[float, float] | None) -> bytes | None:
    """The block to write: the resolution is in it, too, and where a file has no other place."""
    if exif is None and (dpi is None or kind.name not in ("WEBP", "AVIF")):
        return None
    base, parts = loaded(exif)
    if dpi is not None:
        base |= {_Base.XResolution: dpi[0], _Base.YResolution: dpi[1], _Base.ResolutionUnit: _INCH}
    if kind.name == "AVIF":  # orientation is no matter of EXIF there
        base.pop(_Base.Orientation, None)
    return _packed(base, parts)


def loaded(exif: bytes | None) -> tuple[Directory, Parts]:
    """The first directory of a block, and those of the photo and the place if they are there."""
    block = Image.Exif()
    if exif:
        block.load(exif)
    pointers = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
    parts: Parts = {tag: dict(block.get_ifd(tag)) for tag in pointers if tag in block}
    return {tag: value for tag, value in block.items() if tag not in pointers}, parts


def without_head(exif: bytes) -> bytes:
    """The block as PNG has it: without the word before it."""
    return exif.removeprefix(_HEAD)
