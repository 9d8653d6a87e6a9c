"""What benchmarks/speed.py times: gan_style as a user calls it, and MicroAST from a checkout.

MicroAST (Wang et al. 2023) is the fastest arbitrary-style network with published weights that we
know of. Nothing of it is in this repository: its own files define and fill the networks.
"""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from PIL import Image
from skimage import data
from timing import Work
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import Stylizer
from gan_style.data.images import center_crop, to_image, to_tensor
from gan_style.device import autocast, bfloat16_is_fast, choose_device, keep_freed_memory


class Painter(NamedTuple):
    """Paints one photo; the network is there to count what it does."""

    paint: Work
    network: nn.Module
    precision: str


def picture(of: Callable[[], Any], size: int) -> Image.Image:
    """A square photo of scikit-image."""
    return center_crop(Image.fromarray(of()), 1).resize((size, size), Image.Resampling.BICUBIC)


def gan_style(model: str, size: int, *, reads: bool) -> Painter:
    """`Stylizer.stylize` from a style code, or with `reads` from a style picture of that size."""
    stylizer = Stylizer.from_pretrained(model, device="cpu")
    photo, example = picture(data.astronaut, size), picture(data.coffee, size)
    style = example if reads else stylizer.encode(example)
    return Painter(lambda: stylizer.stylize(photo, style), stylizer.model, stylizer.precision)


def microast(checkout: Path, size: int, *, cured: bool) -> Painter:
    """MicroAST with photo and style picture of that size.

    Args:
        checkout: of github.com/EndyWon/MicroAST, with its published weights in models/.
        size: in pixels, square.
        cured: with what makes gan_style faster: channels last, bfloat16 where the CPU is fast at
            it, and memory that is not given back to the kernel.
    """
    if cured:
        keep_freed_memory()
    device = choose_device("cpu")
    precision = "bfloat16" if cured and bfloat16_is_fast(device) else "float32"
    layout = torch.channels_last if cured else torch.contiguous_format
    network = read_microast(checkout).to(memory_format=layout)
    photo, example = picture(data.astronaut, size), picture(data.coffee, size)

    def paint() -> Image.Image:
        content, style = (
            to_tensor(each)[None].contiguous(memory_format=layout) for each in (photo, example)
        )
        with torch.no_grad(), autocast(device, precision):
            painted = network(content, style)
        return to_image(painted[0].float().clamp(0, 1))

    return Painter(paint, network, precision)


def read_microast(checkout: Path) -> nn.Module:
    """Its four networks with their published weights, put together as in its own test program."""
    with first_on_path(checkout):
        theirs = importlib.import_module("net_microAST")
    parts: dict[str, nn.Module] = {
        "content_encoder": theirs.Encoder(),
        "style_encoder": theirs.Encoder(),
        "modulator": theirs.Modulator(),
        "decoder": theirs.Decoder(),
    }
    for name, part in parts.items():
        file = checkout / "models" / f"{name}_iter_160000.pth.tar"
        part.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    network: nn.Module = theirs.TestNet(*parts.values())
    return network.eval()


@contextmanager
def first_on_path(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
