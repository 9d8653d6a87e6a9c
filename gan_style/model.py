"""Encoder and generator together: what is averaged, saved and used."""

import hashlib

import torch
from torch import Tensor, nn

from gan_style.encoder import StyleEncoder
from gan_style.generator import Generator

MODEL_FILE = "model.safetensors"
"""Name of the exported model in a run folder."""


class StyleModel(nn.Module):
    """Reads styles and paints in them.

    Args:
        code: numbers in a style code.
        size: "small" or "large".
    """

    def __init__(self, code: int = 128, size: str = "small") -> None:
        super().__init__()
        self.code = code
        self.size = size
        self.encoder = StyleEncoder(code, size)
        self.generator = Generator(code, size)
        self.to(memory_format=torch.channels_last)

    def encode(self, pictures: Tensor, *, measure: bool = False) -> Tensor:
        """(B, K, 3, H, W) example pictures of B styles -> (B, d) codes; see `StyleEncoder`."""
        code: Tensor = self.encoder(pictures, measure=measure)
        return code

    def forward(self, content: Tensor, code: Tensor) -> Tensor:
        """(B, 3, H, W) content and (B, d) codes -> (B, 3, H, W) stylised pictures."""
        picture: Tensor = self.generator(content, code)
        return picture


def model_id(model: StyleModel) -> str:
    """16 hexadecimal digits of the SHA-256 of the weights in float16: names the model in styles.

    float16, so that a model and its exported half-precision copy bear one name.
    """
    digest = hashlib.sha256()
    for name, values in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(values.detach().cpu().half().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
