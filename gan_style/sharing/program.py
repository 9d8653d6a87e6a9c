"""A model as a program of `torch.export`, which needs nothing of gan_style where it runs."""

import warnings
from pathlib import Path

import torch

from gan_style.errors import ModelError
from gan_style.files import replacing
from gan_style.models.style_model import StyleModel
from gan_style.sharing.graphs import Painting

CHECKED_SIZES = ((96, 128), (112, 67))
"""Heights and widths at which the file is compared with the model."""
_TOLERANCE = 1e-3
_EXAMPLE = 160, 208


def export_program(model: StyleModel, path: Path) -> dict[tuple[int, int], float]:
    """Write `Painting` as an exported program that `torch.export.load` reads.

    It takes photos of every size from 33 x 33 to 8192 x 8192 px, on the CPU.

    Args:
        model: on the CPU.
        path: of the file, *.pt2.

    Returns:
        The largest difference of the file's paintings from the model's, for some sizes.

    Raises:
        ModelError: they differ by more than 0.001.
        OSError: the file cannot be written.
    """
    painting = Painting(model).eval()
    axes = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of weights that parts share; they are compared below
        example = _arguments(model, _EXAMPLE)
        program = torch.export.export(painting, example, dynamic_shapes=(axes, None, None))
        with replacing(path) as temporary:
            with temporary.open("wb") as file:
                torch.export.save(program, file)
            with temporary.open("rb") as file:
                loaded = torch.export.load(file).module()
            found = {}
            for sides in CHECKED_SIZES:
                given = _arguments(model, sides)
                found[sides] = float((loaded(*given) - painting(*given)).abs().max())
            if not max(found.values()) <= _TOLERANCE:
                raise ModelError(f"the exported program differs from the model: {found}")
    return found


def _arguments(
    model: StyleModel, sides: tuple[int, int]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    photo = torch.rand(1, 3, *sides, generator=rng)
    code = torch.randn(1, model.config.code_dim, generator=rng)
    return photo, code, torch.tensor([0.75])
