"""Encoder and generator together: what is averaged, saved and used."""

import hashlib

import torch
from torch import Tensor, nn

from gan_style.models.encoder import StyleEncoder
from gan_style.models.generator import Generator

MODEL_FILE = "model.safetensors"
"""Name of the exported model in a run folder."""
_FEEDBACK = 0.5


class StyleModel(nn.Module):
    """Reads styles and paints in them, looking once at what it has painted.

    How far a painting gets depends on the photo, too: a code that makes a pale print of one leaves
    another dark. So a first painting is read by the encoder as if it were a style, and the code is
    moved by what it missed, before the painting that counts. Carreira et al. (2016, eqs. 1 and 2)
    feed errors back for poses, Alaluf et al. (2021, section 3) for StyleGAN's codes; here the error
    is the difference of two codes, and the answer to it one linear map.

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
        self.feedback = nn.Linear(code, code, bias=False)
        with torch.no_grad():  # half of what is missed: more would be learned, not assumed
            self.feedback.weight.copy_(_FEEDBACK * torch.eye(code))
        self.to(memory_format=torch.channels_last)

    def encode(self, pictures: Tensor, *, measure: bool = False) -> Tensor:
        """(B, K, 3, H, W) example pictures of B styles -> (B, d) codes; see `StyleEncoder`."""
        code: Tensor = self.encoder(pictures, measure=measure)
        return code

    def forward(self, content: Tensor, code: Tensor) -> Tensor:
        """(B, 3, H, W) content and (B, d) codes -> (B, 3, H, W) stylized pictures."""
        picture: Tensor = self.generator(content, self.corrected(content, code))
        return picture

    def corrected(self, content: Tensor, code: Tensor) -> Tensor:
        """What to tell the generator for a painting of this content to have this code: (B, d).

        No gradient goes through the first painting: it would nearly double the cost of training,
        and as the painting follows the code, what is missed changes little with it.
        """
        with torch.no_grad():
            missed = code - self.encode(self.generator(content, code)[:, None])
        moved: Tensor = code + self.feedback(missed)
        return moved


def model_id(model: StyleModel) -> str:
    """16 hexadecimal digits of the SHA-256 of the weights in float16: names the model in styles.

    float16, so that a model and its exported half-precision copy bear one name.
    """
    digest = hashlib.sha256()
    for name, values in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(values.detach().cpu().half().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
