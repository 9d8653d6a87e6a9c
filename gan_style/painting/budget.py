"""How much of a painting fits into memory at a time, and which photos do not fit at all.

A painting is made in tiles, so that only the pixels of the photo and of the painting grow with
their size, and the smallest tile is always needed.
"""

from collections.abc import Callable

import torch

from gan_style.data.images import Picture, refuse_too_large_picture
from gan_style.errors import TooLargeError
from gan_style.memory import free_memory, is_of_memory
from gan_style.painting.strips import Pixels
from gan_style.painting.tiles import smallest_pixels

_BYTES = {"bfloat16": 640, "float32": 1030}  # a pixel painted, by benchmarks/painting.py --memory
_CUDA_BYTES = 1150  # a pixel, as measured on an H200 in bfloat16
_PROCESS = 0.75e9  # bytes that a process takes at rest, and for a strip of the painting
_USUAL = 2e9  # bytes that a process may take on a CPU if nothing is said
_LEAST_USUAL = 0.5e9  # of these for the networks' maps, however large the photo is
_COPIES = 3  # of the pixels that are held at a time: the photo, what it is scaled to, the painting
_FLOATS = 110  # bytes of a pixel in what is painted, reduced and enlarged as floats
_HELD = 4 * _COPIES  # bytes a pixel that these take: PIL keeps four
_SHARE = 0.9  # of the memory that is free; the rest is for what cannot be foreseen


def pixels_at_once(
    sides: tuple[int, int],
    pixel: int,
    working: int,
    memory: float | None,
    device: torch.device,
    precision: str,
) -> int:
    """The most pixels that may be painted at a time.

    Args:
        sides: rows and columns of the painting.
        pixel: bytes of each of its pixels.
        working: pixels of the largest painting by the model, which may be smaller.
        memory: GB that painting may take, of the process or on the accelerator; None: see
            `PaintConfig.memory`.
        device: where it is painted.
        precision: "bfloat16" or "float32".

    Raises:
        TooLargeError: not even the smallest tile fits; it names a size that would.
    """
    cuda = device.type == "cuda"
    held = 0 if cuda else _COPIES * pixel * sides[0] * sides[1] + _FLOATS * working
    at_rest = 0 if cuda else _PROCESS
    per_pixel = _CUDA_BYTES if cuda else _BYTES[precision]
    smallest = per_pixel * smallest_pixels()
    if memory is not None:
        whole, said = memory * 1e9 - at_rest, f"{memory:g} GB are allowed"
    else:
        free = free_memory(device)
        usual = float("inf") if cuda else _USUAL - at_rest
        whole = max(usual, held + _LEAST_USUAL)
        whole = whole if free is None else min(whole, _SHARE * free)
        said = "" if free is None else f"{free / 1e9:.1f} GB are free on {device.type}"
    if whole - held < smallest:
        needed = (at_rest if memory is not None else 0) + held + smallest
        share = max(0.0, whole - smallest) / held if held else 0.0
        fitting = int(min(sides) * share**0.5)
        advice = f"; size {fitting} (the short side) fits" if fitting else ""
        raise TooLargeError(
            f"a painting of {sides[1]}x{sides[0]} px needs {needed / 1e9:.2f} GB of memory, and "
            f"{said}{advice}"
        )
    return int(min((whole - held) / per_pixel, 2**40))


def refuse_too_large_painting(picture: Picture, size: int | None) -> None:
    """Raise unless photo and painting fit into memory, by their sizes alone: nothing is decoded.

    Args:
        picture: in memory or a path.
        size: short side in pixels of the painting; None for the picture's own.

    Raises:
        PictureError: the file cannot be read.
        TooLargeError: they do not fit; the message names a size that would.
    """
    cpu = torch.device("cpu")  # pixels are kept there
    for short_side in {None, size}:
        refuse_too_large_picture(
            picture, short_side, _HELD, _BYTES["bfloat16"] * smallest_pixels(), cpu
        )


def in_tiles_that_fit(work: Callable[[int], Pixels], pixels: int, what: str) -> Pixels:
    """Do work on at most so many pixels at a time, and on half as many whenever memory runs out.

    Args:
        work: takes the number of pixels.
        pixels: to begin with.
        what: the error calls the picture so.

    Raises:
        TooLargeError: memory ran out with the smallest tiles, too.
    """
    while True:
        try:
            return work(pixels)
        except (MemoryError, RuntimeError) as error:
            if not is_of_memory(error):
                raise
            if pixels <= smallest_pixels():
                raise TooLargeError(f"{what}: memory ran out while it was painted") from error
        pixels = max(smallest_pixels(), pixels // 2)  # others may have taken what was free
