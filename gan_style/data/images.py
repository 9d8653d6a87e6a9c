"""Picture files, PIL pictures and tensors; ranges and color modes are converted only here.

Elsewhere a picture is a float32 tensor (3, H, W), RGB in [0, 1].
"""

import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
import torch
from PIL import ExifTags, Image, ImageCms
from torch import Tensor

from gan_style.data.formats import SUFFIXES
from gan_style.data.opening import opened, reason
from gan_style.errors import PictureError
from gan_style.files import find_files, replacing
from gan_style.memory import refuse_too_large
from gan_style.sizes import with_short_side

Item = TypeVar("Item")
Picture: TypeAlias = Image.Image | str | Path
"""A picture in memory, or the path of its file."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_picture(picture: Picture, short_side: int | None = None) -> Image.Image:
    """A picture of any mode, or the file at a path, as `read_picture` returns it.

    Args:
        picture: A PIL picture, which is not changed, or a path.
        short_side: As in `read_picture`; a picture in memory keeps its size.

    Raises:
        PictureError: As `read_picture`.
    """
    if isinstance(picture, Image.Image):
        return to_rgb(picture)
    return read_picture(picture, short_side)


def read_picture(path: str | Path, short_side: int | None = None) -> Image.Image:
    """Read a file's first picture as RGB, upright, in sRGB, over white where it is transparent.

    Args:
        path: A file of one of `formats.FORMATS`, whatever its name ends in.
        short_side: A hint for decoding, in pixels: a JPEG of at least four times this size is
            decoded at a smaller scale, which is faster, but never below twice this.

    Raises:
        PictureError: The file is missing, unreadable, empty, broken, no picture or too large.
    """
    with opened(Path(path)) as image:
        if short_side is not None:
            image.draft(None, (2 * short_side, 2 * short_side))
        image.load()
        return to_rgb(image)


def to_rgb(image: Image.Image) -> Image.Image:
    """A picture of any mode as RGB, upright, in sRGB, over white where it is transparent."""
    rgb = _in_srgb(_opaque(_upright(image)), image.info.get("icc_profile")).convert("RGB")
    rgb.info.clear()  # orientation, profile and transparency are used up
    return rgb


def picture_size(path: str | Path) -> tuple[int, int]:
    """Return (width, height) in pixels as stored, before orientation, without decoding.

    Raises:
        PictureError: As `read_picture`, except that a truncated file can pass.
    """
    with opened(Path(path)) as image:
        return image.size


def refuse_too_large_picture(
    picture: Picture,
    short_side: int | None,
    bytes_per_pixel: float,
    overhead: float,
    device: torch.device,
) -> None:
    """Raise unless work on a picture fits into memory, by its size alone: nothing is decoded.

    Args:
        picture: in memory or a path.
        short_side: pixels to which it is going to be brought; None for its own size.
        bytes_per_pixel: memory that grows with the picture.
        overhead: bytes that do not.
        device: whose memory is meant.

    Raises:
        PictureError: the file cannot be read.
        TooLargeError: it does not fit; the message names the file and a short side that would.
    """
    if isinstance(picture, Image.Image):
        what, size = "a picture", picture.size
    else:
        what, size = f"{picture}: a picture", picture_size(picture)
    size = with_short_side(size, short_side) if short_side else size
    refuse_too_large(what, size, bytes_per_pixel, overhead, device)


def _upright(image: Image.Image) -> Image.Image:
    turn = None
    with suppress(Exception):  # broken metadata do not spoil a picture
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return deep_gray(image)
    if not image.has_transparency_data:
        return image.convert("RGB") if image.mode == "P" else image
    layers = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert("RGB")


def deep_gray(image: Image.Image) -> Image.Image:
    """Gray of 16 or 32 bits or of floats as L; white is 1, 255, 65535 or the brightest there."""
    values = np.array(image, dtype=np.float32)
    values[~np.isfinite(values)] = 0
    top = max(float(values.max()), 0.0)
    white = next((w for w in ((1, 255, 65535) if image.mode == "F" else (65535,)) if top <= w), top)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        values[values == transparent] = white
    tags = getattr(image, "tag_v2", {})
    if tags.get(ExifTags.Base.PhotometricInterpretation) == 0:  # white is zero
        values = white - values
    return Image.fromarray((values.clip(0, white) * (255 / white)).round().astype(np.uint8))


def _in_srgb(image: Image.Image, data: bytes | None) -> Image.Image:
    if not data:
        return image
    with suppress(Exception):  # nor does a broken color profile
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        space = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY"}.get(image.mode)
        known = "sRGB" in ImageCms.getProfileDescription(profile)
        if space == profile.profile.xcolor_space.strip() and not known:
            srgb = ImageCms.createProfile("sRGB")
            return ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB") or image
    return image


def to_bytes(image: Image.Image) -> Tensor:
    """Convert to (3, H, W) uint8 in [0, 255]; channels lie together in memory."""
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)


def from_bytes(pictures: Tensor) -> Tensor:
    """Convert uint8 in [0, 255] of any shape to float32 in [0, 1]."""
    return pictures.float() / 255


def to_tensor(image: Image.Image) -> Tensor:
    """Convert to (3, H, W) float32 in [0, 1]."""
    return from_bytes(to_bytes(image)).contiguous()


def to_image(picture: Tensor) -> Image.Image:
    """Convert (3, H, W), any float type, to RGB; clamped to [0, 1], not-a-number becomes 0."""
    if picture.ndim != 3 or picture.shape[0] != 3:
        raise ValueError(f"the picture's shape is {tuple(picture.shape)}; it must be (3, H, W)")
    scaled = picture.detach().cpu().float().nan_to_num().clamp(0, 1) * 255
    return Image.fromarray(scaled.round().byte().permute(1, 2, 0).contiguous().numpy())


def resize_short_side(image: Image.Image, size: int) -> Image.Image:
    """Scale so that the shorter side has `size` pixels, at least 1; proportions are kept."""
    sides = with_short_side(image.size, size)
    same = sides == image.size
    return image if same else image.resize(sides, Image.Resampling.LANCZOS, None, 3.0)


def reduce_short_side(image: Image.Image, size: int) -> Image.Image:
    """As `resize_short_side`, but smaller pictures stay as they are."""
    return resize_short_side(image, min(size, *image.size))


def center_box(width: int, height: int, longest: float = 1.0) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what `center_crop` keeps of a picture of this size."""
    limit = int(min(width, height) * longest)
    left, top = max(0, width - limit) // 2, max(0, height - limit) // 2
    return left, top, left + min(width, limit), top + min(height, limit)


def center_crop(image: Image.Image, longest: float = 1.0) -> Image.Image:
    """Cut out the middle whose longer side is at most `longest` (>= 1) times the shorter one."""
    return image.crop(center_box(*image.size, longest))


def evenly(items: Sequence[Item], number: int, *, to_last: bool = False) -> list[Item]:
    """Choose `number` of the items, or all if there are fewer, at even distances from the first on.

    With `to_last` the last item is among them if two or more are chosen; without it the choice
    stops one distance short of the end.
    """
    count = len(items)
    if number >= count:
        return list(items)
    if to_last and number > 1:
        return [items[round(i * (count - 1) / (number - 1))] for i in range(number)]
    return [items[i * count // number] for i in range(number)]


def find_pictures(folder: str | Path) -> list[Path]:
    """List the picture files under `folder`, by `SUFFIXES`, sorted; nothing hidden.

    Links to folders are followed. A folder that cannot be opened is listed too, so that reading
    it raises the reason.

    Raises:
        DataError: `folder` is missing or not a folder.
    """
    return [path for path in find_files(folder) if path.suffix.lower() in SUFFIXES or path.is_dir()]


def some_pictures(folder: str | Path) -> list[Path]:
    """As `find_pictures`, where at least one has to be found.

    Raises:
        PictureError: there is none.
        DataError: `folder` is missing or not a folder.
    """
    found = find_pictures(folder)
    if not found:
        raise PictureError(f"no pictures in folder {folder}")
    return found


def group_pictures(folder: str | Path) -> dict[str, list[Path]]:
    """List pictures by the sub-folder they lie in, at any depth; loose ones under `folder`'s name.

    The errors are `find_pictures`'s.
    """
    folder = Path(folder)
    groups: dict[str, list[Path]] = {}
    for path in find_pictures(folder):
        parts = path.relative_to(folder).parts
        name = parts[0] if len(parts) > 1 else folder.resolve().name
        groups.setdefault(name, []).append(path)
    return groups


def save_picture(image: Image.Image, path: str | Path) -> None:
    """Write a PNG or JPEG, by the suffix, whole or not at all; missing folders are made.

    Raises:
        PictureError: The suffix is another, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".png", ".jpg", ".jpeg"):
        raise PictureError(f"{path}: pictures are written as .png, .jpg or .jpeg")
    kind = "PNG" if suffix == ".png" else "JPEG"
    try:
        with replacing(path) as temporary:
            image.convert("RGB").save(temporary, kind, quality=95, subsampling=0)
    except OSError as error:
        raise PictureError(f"{path}: cannot be written: {reason(error, path)}") from error
