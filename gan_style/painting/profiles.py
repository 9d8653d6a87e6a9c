"""Color profiles: a picture is brought into sRGB for painting, and its painting back.

Working spaces such as Display P3 and Adobe RGB lead both ways. From others (CMYK, gray, Lab, a
scanner's) there is a way in only: their paintings are written in sRGB, with sRGB's own profile.
"""

import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import imagecodecs
import numpy as np
from PIL import Image, ImageCms

from gan_style.painting.strips import Pixels

_SPACES = {"CMYK": "CMYK", "L": "GRAY", "LAB": "Lab"}
_DATE = bytes.fromhex("07d0 0001 0001 0000 0000 0000")  # 2000-01-01: one profile every day
_DATE_AT = slice(24, 36)


@dataclass(frozen=True)
class FileProfile:
    """What a file's profile asks for.

    Attributes:
        kept: the profile that its painting is written in and with; None: in sRGB, with none.
        from_rgb: of RGB pixels, the profile that they are in; None for sRGB.
        from_gray: of gray pixels, the profile that they are in.
        other: of pictures that are not RGB, what converts one of them to RGB in sRGB.
    """

    kept: bytes | None = None
    from_rgb: bytes | None = None
    from_gray: bytes | None = None
    other: Callable[[Image.Image], Image.Image] | None = None


def read_profile(data: bytes | None, mode: str) -> FileProfile:
    """Look at the profile that a file carries; a broken or unfitting one is left out of account.

    Args:
        data: the profile.
        mode: Pillow's mode of the picture, without alpha and palette: RGB, L, CMYK or LAB.
    """
    if not data:
        return FileProfile()
    with suppress(Exception):  # a broken profile does not spoil a picture
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        space = profile.profile.xcolor_space.strip()
        if space == "RGB" and mode in ("RGB", "L"):
            if "sRGB" in ImageCms.getProfileDescription(profile):
                return FileProfile(kept=data)
            return FileProfile(kept=data if _leads_back(data) else srgb_profile(), from_rgb=data)
        if space == _SPACES.get(mode):
            srgb = ImageCms.createProfile("sRGB")
            transform = ImageCms.buildTransform(profile, srgb, mode, "RGB")
            gray = data if space == "GRAY" else None
            return FileProfile(srgb_profile(), from_gray=gray, other=transform.apply)
    return FileProfile()


def _leads_back(profile: bytes) -> bool:
    """Whether RGB can be brought into the profile; raises if not even out of it."""
    probe = np.full((1, 1, 3), 128, np.uint8)
    to_srgb(probe, profile)
    try:
        from_srgb(probe, profile)
    except Exception:  # a scanner's profile
        return False
    return True


def to_srgb(pixels: Pixels, profile: bytes) -> Pixels:
    """RGB of a profile, (H, W, 3) of 8 or 16 bits, in sRGB; colors beyond it are brought inside."""
    return _transformed(pixels, profile, srgb_profile())


def gray_to_srgb(values: Pixels, profile: bytes) -> Pixels:
    """Gray of a profile, (H, W) of 8 or 16 bits, as RGB in sRGB, (H, W, 3)."""
    return _transformed(values, profile, srgb_profile(), "gray")


def from_srgb(pixels: Pixels, profile: bytes) -> Pixels:
    """sRGB, (H, W, 3) of 8 or 16 bits, in an RGB profile."""
    return _transformed(pixels, srgb_profile(), profile)


def _transformed(pixels: Pixels, source: bytes, target: bytes, space: str = "rgb") -> Pixels:
    converted: Pixels = imagecodecs.cms_transform(
        np.ascontiguousarray(pixels), source, target, colorspace=space, outcolorspace="rgb"
    )
    return converted


@cache
def srgb_profile() -> bytes:
    """The profile of sRGB, the same bytes every time."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[_DATE_AT] = _DATE
    return bytes(data)
