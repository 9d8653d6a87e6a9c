"""The reflection padding of blocks.py against PyTorch's own; run by step.py.

In the generator, and its backward pass alone beside a convolution on the same maps. float32 is
there because autocast on the CPU pads in float32. Whether the gradient comes with the channels
last (as convolutions give it here) or first decides the outcome, so both are shown.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
from timing import Work, interleaved, table
from torch import Tensor
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import blocks
from gan_style.blocks import _ReflectionPad
from gan_style.trainer import Trainer


def compare_padding(repeats: int) -> str:
    """A table of PyTorch's and our backward pass of reflection padding, and a convolution's."""
    columns = {}
    for kind, channels, side in (
        (torch.bfloat16, 96, 32),
        (torch.float32, 96, 32),
        (torch.float32, 32, 128),
    ):
        heading = f"{kind}".removeprefix("torch.") + f" 8 x {channels} x {side} x {side}"
        columns[heading] = interleaved(_padding_parts(kind, channels, side), repeats, warmup=5)
    names = next(iter(columns.values()))
    rows = [[name, *(f"{1e3 * t[name]:.2f} ms" for t in columns.values())] for name in names]
    return table(("alone", *columns), rows)


def _padding_parts(kind: torch.dtype, channels: int, side: int) -> dict[str, Work]:
    last = torch.channels_last
    shape = (8, channels, side, side)
    maps = torch.randn(shape, dtype=kind).contiguous(memory_format=last).requires_grad_()
    weight = torch.randn(channels, channels, 3, 3, dtype=kind).contiguous(memory_format=last)
    weight.requires_grad_()
    ours: Tensor = _ReflectionPad.apply(maps, 1)
    theirs = PyTorchPad.apply(maps, 1)
    gradient = torch.randn_like(theirs)  # channels last, as a convolution's backward gives it
    first = gradient.contiguous()
    convolved = F.conv2d(maps, weight, padding=1)
    return {
        "PyTorch's padding, backward": _backward(theirs, gradient, maps),
        "our padding, backward": _backward(ours, gradient, maps),
        "PyTorch's, gradient channels first": _backward(theirs, first, maps),
        "ours, gradient channels first": _backward(ours, first, maps),
        "3 x 3 convolution, forward": partial(F.conv2d, maps, weight, padding=1),
        "3 x 3 convolution, backward": _backward(
            convolved, torch.randn_like(convolved), maps, weight
        ),
    }


def _backward(output: Tensor, gradient: Tensor, *inputs: Tensor) -> Work:
    return lambda: torch.autograd.grad(output, inputs, gradient, retain_graph=True)


class PyTorchPad:
    """Stands in for our padding."""

    @staticmethod
    def apply(maps: Tensor, width: int) -> Tensor:
        return F.pad(maps, (width,) * 4, mode="reflect")


def compare_generators(worker: Trainer, content: Tensor, repeats: int) -> str:
    """A table of the generator's forward and backward pass with our padding and PyTorch's."""
    generator = worker.model.generator
    code = torch.zeros(len(content), worker.config.model.code)
    fast = worker.precision == "bfloat16"

    def paint(padding: type[Any]) -> None:
        setattr(blocks, _ReflectionPad.__name__, padding)
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            picture = generator(content, code)
        torch.autograd.backward(picture, torch.ones_like(picture))
        generator.zero_grad()

    choices: dict[str, type[Any]] = {"PyTorch's padding": PyTorchPad, "ours": _ReflectionPad}
    works: dict[str, Work] = {name: partial(paint, kind) for name, kind in choices.items()}
    seconds = interleaved(works, repeats)
    rows = [[name, f"{1e3 * value:.0f} ms"] for name, value in seconds.items()]
    return table(("generator, forward + backward, with", "median"), rows)
