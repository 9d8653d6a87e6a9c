"""Encoder and generator together: what is averaged, saved and used."""

import hashlib
import reprlib
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from gan_style.errors import ModelError
from gan_style.models.encoder import StyleEncoder
from gan_style.models.generator import Generator, check_supersampling

Size = Literal["small", "large"]

MODEL_FILE = "model.safetensors"
"""Name of the exported model in a run folder."""
_FEEDBACK = 0.5
_LARGEST_CODE, _MOST_SUPERSAMPLING = 4096, 4  # a model that is described as larger is refused
OLD_SUPERSAMPLING = "generator.fineness"
"""Files of earlier versions keep the supersampling as a tensor of this name."""


@dataclass(frozen=True)
class StyleModelConfig:
    """What has to be known of a model, beside its weights, to build it; stored along with them.

    code_dim: d, numbers in a style code. size: of all networks. supersampling: how many times as
    large the generator paints inside.

    Raises:
        ModelError: a value that no model can have.
    """

    code_dim: int = 256
    size: Size = "small"
    supersampling: float = 1.5

    def __post_init__(self) -> None:
        if not _is_number(self.code_dim, int) or not 1 <= self.code_dim <= _LARGEST_CODE:
            found = reprlib.repr(self.code_dim)
            raise ModelError(f"model.code_dim is {found}; allowed: 1 to {_LARGEST_CODE}")
        if self.size not in get_args(Size):
            allowed = ", ".join(get_args(Size))
            raise ModelError(f"model.size is {reprlib.repr(self.size)}; allowed: {allowed}")
        found = reprlib.repr(self.supersampling)
        if not _is_number(self.supersampling, int, float):
            raise ModelError(f"model.supersampling is {found}; allowed: numbers")
        if self.supersampling > _MOST_SUPERSAMPLING:
            raise ModelError(f"model.supersampling is {found}; allowed: 1 to {_MOST_SUPERSAMPLING}")
        check_supersampling(self.supersampling)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "StyleModelConfig":
        """The configuration that `to_dict` described.

        Raises:
            ModelError: a value is missing, unknown or wrong; the message names it.
        """
        names = [field.name for field in fields(cls)]
        if unknown := sorted(values.keys() - set(names)):
            raise ModelError(f"unknown: {', '.join(unknown)[:200]}; allowed: {', '.join(names)}")
        if missing := [name for name in names if name not in values]:
            raise ModelError(f"{', '.join(missing)} is missing")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The values by their names, as JSON can hold them."""
        return asdict(self)

    def __str__(self) -> str:
        return " ".join(f"model.{name}={value}" for name, value in self.to_dict().items())


def _is_number(value: object, *kinds: type) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


class StyleModel(nn.Module):
    """Encodes styles and paints in them, correcting the code once by what a first painting missed.

    How far a painting gets depends on the photo, too: a code that makes a pale print of one leaves
    another dark. So a first painting is encoded as if it were a style, and the code is moved by
    the difference, before the painting that counts. Carreira et al. (2016, eqs. 1 and 2) feed
    errors back for poses, Alaluf et al. (2021, section 3) for StyleGAN's codes; here the error is
    the difference of two codes, and the correction one linear map of it.

    Raises:
        ModelError: a configuration that no model can have.
    """

    def __init__(self, config: StyleModelConfig) -> None:
        super().__init__()
        self.config = config
        code_dim = config.code_dim
        self.encoder = StyleEncoder(code_dim, config.size)
        self.generator = Generator(code_dim, config.size, config.supersampling)
        self.feedback = nn.Linear(code_dim, code_dim, bias=False)
        with torch.no_grad():  # half of what is missed: more would be learned, not assumed
            self.feedback.weight.copy_(_FEEDBACK * torch.eye(code_dim))
        self.to(memory_format=torch.channels_last)

    def encode(self, pictures: Tensor, *, measure: bool = False) -> Tensor:
        """(B, K, 3, H, W) example pictures of B styles -> (B, d) codes; see `StyleEncoder`."""
        code: Tensor = self.encoder(pictures, measure=measure)
        return code

    def forward(self, content: Tensor, code: Tensor) -> Tensor:
        """(B, 3, H, W) content and (B, d) codes -> (B, 3, H, W) stylized pictures."""
        picture: Tensor = self.generator(content, self.corrected(content, code))
        return picture

    def corrected(
        self,
        content: Tensor,
        code: Tensor,
        first: AbstractContextManager[Any] | None = None,
    ) -> Tensor:
        """The code from which the generator's painting of this content has the given code: (B, d).

        The first painting is made within the context `first`, if there is one; it is read without.

        No gradient goes through the first painting: it would nearly double the cost of training,
        and as the painting follows the code, what is missed changes little with it.
        """
        with torch.no_grad():
            with first or nullcontext():
                painted = self.generator(content, code)
            missed = code - self.encode(painted[:, None])
        moved: Tensor = code + self.feedback(missed)
        return moved


def model_id(model: StyleModel) -> str:
    """16 hexadecimal digits of the SHA-256 of the weights in float16: names the model in styles.

    float16, so that a model and its exported half-precision copy have one name.
    """
    # Supersampling was a tensor of this name once. It is hashed as if it still were: the codes
    # that people have name their model by this hash.
    supersampling = torch.tensor(float(model.config.supersampling))
    named = model.state_dict() | {OLD_SUPERSAMPLING: supersampling}
    digest = hashlib.sha256()
    for name, values in sorted(named.items()):
        digest.update(name.encode())
        digest.update(values.detach().cpu().half().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
