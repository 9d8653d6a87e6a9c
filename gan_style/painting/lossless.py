"""PNG and TIFF, of 8 and 16 bits a channel, with everything a canvas carries in them."""

import io
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import imagecodecs
import tifffile
from PIL import ExifTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from gan_style.painting.metadata import as_read, loaded, without_head
from gan_style.painting.strips import Pixels

_AFTER_HEADER = 33
"""Where the first chunk of a PNG ends, and others may begin."""
_INCHES_A_METER = 1 / 0.0254
_METERS = 1
_LONG, _UNDEFINED = 4, 7


def png_bytes(
    pixels: Pixels,
    profile: bytes | None = None,
    exif: bytes | None = None,
    dpi: tuple[float, float] | None = None,
) -> bytes:
    """Encode a PNG.

    Args:
        pixels: (H, W, 3), or (H, W, 4) with alpha; uint8 or uint16.
        profile: ICC profile to embed.
        exif: block to embed, as a JPEG has it.
        dpi: pixels an inch, across and down.
    """
    plain = bytes(imagecodecs.png_encode(pixels))
    chunks = []
    if profile:
        chunks.append(_chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile)))
    if dpi:
        across, down = (round(number * _INCHES_A_METER) for number in dpi)
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", across, down, _METERS)))
    if exif:
        chunks.append(_chunk(b"eXIf", without_head(exif)))
    return b"".join([plain[:_AFTER_HEADER], *chunks, plain[_AFTER_HEADER:]])


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def tiff_bytes(
    pixels: Pixels,
    profile: bytes | None = None,
    exif: bytes | None = None,
    dpi: tuple[float, float] | None = None,
) -> bytes:
    """Encode a TIFF, deflated; arguments are `png_bytes`'s."""
    base, parts = loaded(exif)
    tags = [*_texts(base), *((tag - 1, "I", 1, 0, True) for tag in parts)]
    if profile:
        tags.append((ExifTags.Base.InterColorProfile, _UNDEFINED, len(profile), profile, True))
    file = io.BytesIO()
    with tifffile.TiffWriter(file, byteorder="<") as writer:
        writer.write(
            pixels,
            photometric="rgb",
            extrasamples=["unassalpha"] if pixels.shape[2] == 4 else None,
            compression="zlib",
            predictor=True,
            rowsperstrip=max(1, 2**18 // pixels.shape[1]),
            resolution=dpi,
            resolutionunit="INCH" if dpi else None,
            metadata=None,
            software=False,
            extratags=tags,
        )
    for tag, part in parts.items():
        _append(file, tag, part)
    return file.getvalue()


def _texts(base: Mapping[int, Any]) -> list[tuple[int, str | int, int, bytes | int, bool]]:
    """Title, artist, camera and so on: the texts of the first directory."""
    return [
        (tag, "s", 0, value.encode("latin-1"), True)
        for tag, value in base.items()
        if isinstance(value, str)
    ]


def _append(file: io.BytesIO, tag: int, part: Mapping[int, Any]) -> None:
    """Put a directory at the end of a TIFF, and where it lies into the entry kept free for it.

    tifffile writes no pointers to directories: the entry has the number before the tag's, which
    nobody uses in the first directory, so that it stands where the tag belongs.
    """
    directory = ImageFileDirectory_v2(group=tag)
    for key, value in part.items():
        directory[key] = as_read(value, key, tag)
    end = file.seek(0, io.SEEK_END)
    end += file.write(bytes(end % 2))  # directories begin at even places
    file.write(directory.tobytes(end))
    file.seek(0)
    with tifffile.TiffFile(file) as whole:
        place = whole.pages.first.tags[tag - 1].offset
    file.seek(place)
    file.write(struct.pack("<HHII", tag, _LONG, 1, end))
