"""The generator: content picture and style code -> stylized picture.

Shapes: B pictures, H rows, W columns, d numbers in a style code; pictures are RGB in [0, 1].
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_style.errors import ModelError
from gan_style.models.layers import (
    Convolution,
    GlobalStatistics,
    ModulatedConvolution,
    ModulatedResidual,
    of_size,
)
from gan_style.models.resizing import doubled, reduced

STRIDE = 16
"""Sides are padded to a multiple of this inside; positions of tiles must be multiples of it."""
REDUCTION = 8
"""The deepest maps are so many times smaller than the enlarged picture."""
_OLD_BUFFER = "fineness"
"""Older files keep the supersampling as a tensor of this name among the generator's weights."""


@dataclass(frozen=True)
class GeneratorSize:
    """Channels at one half, quarter, eighth of the size and at full size; blocks at each."""

    half: int
    quarter: int
    eighth: int
    full: int
    quarter_blocks: int
    eighth_blocks: int


SIZES = {
    "small": GeneratorSize(48, 96, 160, 16, 2, 3),
    "large": GeneratorSize(96, 192, 384, 32, 3, 6),
}


class Generator(nn.Module):
    """Fully convolutional generator; the code modulates every block.

    A small U-Net: half, quarter and eighth of the size and back, with the quarter-size maps added
    on the way up. Most parameters sit at the eighth, where they cost little and have a large
    receptive field; the blocks at the quarter keep the place of things. All of it happens on an
    enlarged picture, and its painting is reduced in the end (supersampling, as renderers do
    against aliasing): strokes are drawn that a quarter of the picture's own size cannot hold.

    Args:
        code_dim: d, numbers in a style code.
        size: "small" or "large".
        supersampling: how many times as large pictures are painted inside, a multiple of 0.5 from
            1 on; the work grows with its square.

    Raises:
        ModelError: an unknown size, or a supersampling that does not divide evenly.

    Shape:
        - content: (B, 3, H, W) in [0, 1], H and W at least 32, odd sizes too
        - code: (B, d)
        - returns: (B, 3, H, W) in [0, 1]
    """

    def __init__(self, code_dim: int, size: str = "small", supersampling: float = 1.5) -> None:
        super().__init__()
        n = of_size(SIZES, size)
        check_supersampling(supersampling)
        self.supersampling = supersampling
        self.down_half = ModulatedConvolution(3, n.half, code_dim, size=7, stride=2)
        self.down_quarter = ModulatedConvolution(n.half, n.quarter, code_dim, stride=2)
        self.before = _blocks(n.quarter_blocks, n.quarter, code_dim)
        self.down_eighth = ModulatedConvolution(n.quarter, n.eighth, code_dim, stride=2)
        self.middle = _blocks(n.eighth_blocks, n.eighth, code_dim)
        self.up_quarter = Convolution(n.eighth, n.quarter)
        self.after = _blocks(n.quarter_blocks, n.quarter, code_dim)
        self.up_half = ModulatedConvolution(n.quarter, 2 * n.full, code_dim, enlarge=True)
        self.up_full = ModulatedConvolution(2 * n.full, n.full, code_dim, enlarge=True)
        self.to_picture = Convolution(n.full, 3)
        with torch.no_grad():  # begin near mid-gray: a large first output saturates the sigmoid
            self.to_picture.weight.mul_(0.2)

    def forward(self, content: Tensor, code: Tensor) -> Tensor:
        height, width = content.shape[2:]
        # Whole blocks: from these an export for all sizes can tell that maps fit together.
        blocks = [(side + STRIDE - 1) // STRIDE for side in (height, width)]
        rows, columns = (STRIDE * each for each in blocks)
        padded = F.pad(content, (0, columns - width, 0, rows - height), mode="replicate")
        larger = [int(STRIDE * self.supersampling) * each for each in blocks]
        x = F.interpolate(padded, larger, mode="bicubic").clamp(0, 1)  # (B, 3, h, w)
        x = (x * 2 - 1).to(memory_format=torch.channels_last)
        x = self.down_quarter(self.down_half(x, code), code)  # (B, quarter, h/4, w/4)
        for block in self.before:
            x = block(x, code)
        y = self.down_eighth(x, code)  # (B, eighth, h/8, w/8)
        for block in self.middle:
            y = block(y, code)
        y = doubled(self.up_quarter(y))
        x = x + y  # (B, quarter, h/4, w/4)
        for block in self.after:
            x = block(x, code)
        x = self.up_full(self.up_half(x, code), code)  # (B, full, h, w)
        large = torch.sigmoid(self.to_picture(x).float())
        picture = reduced(large, (rows, columns)).clamp(0, 1)
        return _cropped(picture, height, width)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *arguments: Any
    ) -> None:
        """Take older states, too, which have the supersampling among the weights.

        Raises:
            RuntimeError: it is another than this generator's, and strokes would get another size.
        """
        found = state_dict.pop(prefix + _OLD_BUFFER, None)
        if found is not None and float(found) != self.supersampling:
            raise RuntimeError(
                f"the weights are of a generator with supersampling {float(found):g}, this one "
                f"has {self.supersampling:g}"
            )
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    @contextmanager
    def statistics_of(self, content: Tensor, code: Tensor) -> Iterator[None]:
        """Within this context every call uses the global statistics of this picture and code.

        Tiles of a large picture then match, and match the whole, whatever is in each of them.
        """
        with self.with_statistics(self.measured(content, code)):
            yield

    @torch.no_grad()
    def measured(self, content: Tensor, code: Tensor) -> list[Tensor]:
        """The global statistics of a picture and code, for `with_statistics`.

        Returns:
            (2, B, C, 1, 1) float32 for each normalization: means and inverse deviations.
        """
        modules = self._normalizations()
        try:
            for module in modules:
                module.keep = True
            self(content, code)
            return [torch.stack(module.kept) for module in modules if module.kept]
        finally:
            for module in modules:
                module.keep, module.kept = False, None

    @contextmanager
    def with_statistics(self, statistics: Sequence[Tensor]) -> Iterator[None]:
        """Within this context every call uses global statistics that `measured` returned."""
        modules = self._normalizations()
        try:
            for module, kept in zip(modules, statistics, strict=True):
                module.reuse, module.kept = True, (kept[0], kept[1])
            yield
        finally:
            for module in modules:
                module.reuse, module.kept = False, None

    def _normalizations(self) -> list[GlobalStatistics]:
        return [module for module in self.modules() if isinstance(module, GlobalStatistics)]


def _cropped(picture: Tensor, height: int, width: int) -> Tensor:
    """The first so many rows and columns, contiguous: losses on pixels are slow otherwise."""
    if torch.compiler.is_compiling():
        # A slice is contiguous where nothing is cut off; an export would be for such sizes only, or
        # for all others.
        rows, columns = (torch.arange(n, device=picture.device) for n in (height, width))
        return picture.index_select(2, rows).index_select(3, columns)
    return picture[:, :, :height, :width].contiguous()


def lattice_period(supersampling: float) -> float:
    """Pixels of a painting from one position of the quarter-size maps to the next.

    A lattice of dots of this period is what their enlarging can leave (Odena et al. 2016).
    """
    return 4 / supersampling


def check_supersampling(supersampling: float) -> None:
    """Refuse what would not leave whole maps of the padded picture.

    Raises:
        ModelError: not a multiple of 0.5 from 1 on.
    """
    if not 1 <= supersampling < math.inf or STRIDE * supersampling % REDUCTION:
        step = REDUCTION / STRIDE
        raise ModelError(
            f"model.supersampling is {supersampling}; allowed: multiples of {step} from 1 on"
        )


def _blocks(count: int, channels: int, code_dim: int) -> nn.ModuleList:
    return nn.ModuleList(ModulatedResidual(channels, code_dim) for _ in range(count))
