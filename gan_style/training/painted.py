"""The painting of a batch in training: codes of its sets, and its photos painted in them.

Shapes: B photos, S sets of K pictures, C px sides, d numbers in a style code.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from gan_style.models.style_model import StyleModel
from gan_style.sizes import MINIMUM_SIDE


@dataclass(frozen=True)
class Painted:
    """The codes of a batch's S sets of pictures, and the paintings of its B photos."""

    codes: Tensor  # (S, d) of the sets
    code: Tensor  # (B, d) of each photo's set
    stylized: Tensor  # (B, 3, C, C)
    noisy: Tensor  # (n,) int64, places of the paintings of photos with noise in them


class PaintingPass(nn.Module):
    """The forward pass of encoder and generator in training.

    As the model itself paints, but the painting by which the code is corrected is smaller: it is
    made of a reduced copy in use, too (`painting.painter`), and at full size it would take a fifth
    of the time of a step.

    Shape:
        - content: (B, 3, C, C) in [0, 1]; style: (S, K, 3, C, C) in [0, 1]
        - returns: codes (S, d), and paintings (B, 3, C, C)
    """

    def __init__(self, model: StyleModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, content: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        codes = self.model.encode(style, measure=True)
        return codes, self.paint(content, codes.repeat_interleave(style.shape[1], dim=0))

    def paint(self, content: Tensor, code: Tensor) -> Tensor:
        """Paint (B, 3, C, C) photos in (B, d) codes."""
        sides = [max(MINIMUM_SIDE, side // 2) for side in content.shape[2:]]
        small = F.interpolate(content, sides, mode="area")
        stylized: Tensor = self.model.generator(content, self.model.corrected(small, code))
        return stylized
