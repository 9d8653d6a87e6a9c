"""Trained models: where their files are, and what is in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from gan_style.checkpoint import load_checkpoint, newest_checkpoint, save_checkpoint
from gan_style.model import MODEL_FILE

BASE = "base"
"""The name of the model that comes with the package."""
_SHIPPED = Path(__file__).parent / "weights" / "base.safetensors"
_CRITIC = ".discriminator.safetensors"  # beside a model that may be trained on
_PARTS = ("discriminator", "head")


class ModelError(ValueError):
    """A model that cannot be found or loaded, or a code that is not its own."""


@dataclass(frozen=True)
class Pretrained:
    """What a model's files hold.

    path: of the model. code, size: as StyleModel takes them. model: state of the averaged
    networks. critic: states of "discriminator" and "head", which training goes on from; empty if
    there are none. codes: "mean" (d,) and "factor" (d, d) of the codes that it was trained on;
    empty if nobody has counted them.
    """

    path: Path
    code: int
    size: str
    model: dict[str, Tensor]
    critic: dict[str, dict[str, Tensor]]
    codes: dict[str, Tensor]


def read_model(place: str | Path) -> Pretrained:
    """Read a model.

    Args:
        place: "base", a run folder, a checkpoint or an exported model (model.safetensors).

    Raises:
        ModelError: nothing there, or not a model.
        CheckpointError: a file that is damaged or of another kind.
    """
    file = find_model(place)
    tensors, facts = load_checkpoint(file)
    try:
        exported = facts["kind"] == "model"
        code, size = int(facts["model"]["code"]), str(facts["model"]["size"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{file} is not a gan_style model: {error!r}") from error
    critic = {} if not exported else _critic_beside(file)
    found = tensors if not exported else critic
    model = {
        f"{part}.{name}": values
        for part in ("encoder", "generator")
        for name, values in _part(tensors, part).items()
    }
    return Pretrained(
        path=file,
        code=code,
        size=size,
        model=model if exported else _part(tensors, "average"),
        critic={part: state for part in _PARTS if (state := _part(found, part))},
        codes=_part(tensors, "codes"),
    )


def write_model(
    path: Path,
    model: Mapping[str, Tensor],
    described: Mapping[str, Any],
    codes: Mapping[str, Tensor] | None = None,
    critic: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> None:
    """Write what `read_model` reads, in half precision; the critic into a file beside it.

    Args:
        path: of the model.
        model: state of the averaged networks.
        described: "code" and "size" of the model.
        codes: as in Pretrained.
        critic: as in Pretrained.
    """
    half = {name: values.cpu().half() for name, values in model.items()}
    half |= {f"codes.{name}": values.cpu().half() for name, values in (codes or {}).items()}
    save_checkpoint(path, half, {"kind": "model", "model": dict(described)})
    if critic:
        parts = {f"{p}.{k}": v.cpu().half() for p, s in critic.items() for k, v in s.items()}
        beside = path.with_name(path.stem + _CRITIC)
        save_checkpoint(beside, parts, {"kind": "discriminator", "model": dict(described)})


def find_model(place: str | Path) -> Path:
    """The file of a model: see `read_model`.

    Raises:
        ModelError: nothing there.
    """
    path = _SHIPPED if place == BASE else Path(place)
    if path.is_file():
        return path
    if not path.exists():
        raise ModelError(
            f"model {place} does not exist; give a run folder, a model file or {BASE!r}"
        )
    for file in (path / MODEL_FILE, path / "checkpoints" / "best.safetensors"):
        if file.is_file():
            return file
    newest = newest_checkpoint(path / "checkpoints") if (path / "checkpoints").is_dir() else None
    if newest is None:
        raise ModelError(f"no model in {path}: expected {MODEL_FILE} or checkpoints/ of a run")
    return newest


def _critic_beside(file: Path) -> dict[str, Tensor]:
    beside = file.with_name(file.stem + _CRITIC)
    return load_checkpoint(beside)[0] if beside.is_file() else {}


def _part(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """The tensors called PART.NAME, by their NAME, in full precision."""
    return {
        name.removeprefix(f"{part}."): values.float() if values.is_floating_point() else values
        for name, values in tensors.items()
        if name.startswith(f"{part}.")
    }
