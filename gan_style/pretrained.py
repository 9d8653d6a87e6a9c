"""Trained models: where their files are, and what is in them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gan_style.checkpoint import load_checkpoint, newest_checkpoint, save_checkpoint
from gan_style.errors import ModelError, StyleError
from gan_style.models.style_model import MODEL_FILE
from gan_style.style_code import SUFFIX, StyleCode

BASE = "base"
"""The name of the model that comes with the package."""
SHIPPED = Path(__file__).parent / "weights"
"""Folder of the shipped model, its SHA256SUMS, and styles/, its named style codes."""
_CODES = "codes"  # the tensor's name
_DISCRIMINATOR = ".discriminator.safetensors"  # beside a model that may be trained on


@dataclass(frozen=True)
class Pretrained:
    """What a model's files hold.

    path: of the model. code, size: as StyleModel takes them. model: state of the averaged
    networks. discriminator: state of the discriminator, which training goes on from; empty if there is
    none. codes: (n, d) of the pictures that it was trained on; (0, d) if it keeps none.
    """

    path: Path
    code: int
    size: str
    model: dict[str, Tensor]
    discriminator: dict[str, Tensor]
    codes: Tensor


def read_model(place: str | Path) -> Pretrained:
    """Read a model.

    Args:
        place: "base", a run folder, a checkpoint or an exported model (model.safetensors).

    Raises:
        ModelError: nothing there, not a model, or the shipped one is not as it was shipped.
        CheckpointError: a file that is damaged or of another kind.
    """
    file = find_model(place)
    if place == BASE:
        check_sums(SHIPPED)
    tensors, facts = load_checkpoint(file)
    try:
        exported = facts["kind"] == "model"
        code, size = int(facts["model"]["code"]), str(facts["model"]["size"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{file} is not a gan_style model: {error!r}") from error
    model = {
        f"{part}.{name}": values
        for part in ("encoder", "generator", "feedback")
        for name, values in _part(tensors, part).items()
    }
    return Pretrained(
        path=file,
        code=code,
        size=size,
        model=model if exported else _part(tensors, "average"),
        discriminator=_part(_discriminator_beside(file) if exported else tensors, "discriminator"),
        codes=tensors.get(_CODES, torch.empty(0, code)).float(),
    )


def write_model(
    path: Path,
    model: Mapping[str, Tensor],
    described: Mapping[str, Any],
    codes: Tensor | None = None,
    discriminator: Mapping[str, Tensor] | None = None,
) -> None:
    """Write what `read_model` reads, in half precision; the discriminator into a file beside it.

    Vectors keep their precision: they are small, and the encoder's scales need it.

    Args:
        path: of the model.
        model: state of the averaged networks.
        described: "code" and "size" of the model.
        codes: as in Pretrained.
        discriminator: as in Pretrained.
    """
    kept = _halved(model if codes is None else {**model, _CODES: codes})
    save_checkpoint(path, kept, {"kind": "model", "model": dict(described)})
    if discriminator:
        parts = _halved({f"discriminator.{name}": values for name, values in discriminator.items()})
        beside = path.with_name(path.stem + _DISCRIMINATOR)
        save_checkpoint(beside, parts, {"kind": "discriminator", "model": dict(described)})


def named_styles() -> dict[str, Path]:
    """The shipped style codes of the base model, by name."""
    files = sorted((SHIPPED / "styles").glob(f"*{SUFFIX}"))
    return {file.name.removesuffix(SUFFIX): file for file in files}


def code_at(place: Path) -> StyleCode | None:
    """The code in a file or of a name; None for pictures, which a model has to read.

    Raises:
        StyleError: nothing of that name, or a file that is no code.
    """
    if place.name.endswith(".safetensors"):
        return StyleCode.load(place)
    if place.exists():
        return None
    names = named_styles()
    if str(place) not in names:
        raise StyleError(
            f"style {place} does not exist; give a code (*{SUFFIX}), a picture, a folder or one of "
            f"the styles that are shipped: {', '.join(names)}"
        )
    return StyleCode.load(names[str(place)])


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS of the base model's files, which `sha256sum -c` reads, too."""
    files = sorted(folder.glob(f"{BASE}*.safetensors"))
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def check_sums(folder: Path) -> None:
    """Compare the files of a folder with its SHA256SUMS.

    Raises:
        ModelError: a file is missing or is another one.
    """
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        expected, name = line.split("  ")
        file = folder / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != expected:
            raise ModelError(f"{file} is missing or not as it was shipped: install gan_style again")


def find_model(place: str | Path) -> Path:
    """The file of a model: see `read_model`.

    Raises:
        ModelError: nothing there.
    """
    path = SHIPPED / f"{BASE}.safetensors" if place == BASE else Path(place)
    if path.is_file():
        return path
    if not path.exists():
        raise ModelError(
            f"model {place} does not exist; give a run folder, a model file or {BASE!r}"
        )
    for file in (path / MODEL_FILE, path / "checkpoints" / "best.safetensors"):
        if file.is_file():
            return file
    newest = newest_checkpoint(path / "checkpoints")
    if newest is None:
        raise ModelError(f"no model in {path}: expected {MODEL_FILE} or checkpoints/ of a run")
    return newest


def _discriminator_beside(file: Path) -> dict[str, Tensor]:
    beside = file.with_name(file.stem + _DISCRIMINATOR)
    return load_checkpoint(beside)[0] if beside.is_file() else {}


def _halved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: values.cpu().half() if values.ndim > 1 else values.cpu()
        for name, values in tensors.items()
    }


def _part(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """The tensors called PART.NAME, by their NAME, in full precision."""
    return {
        name.removeprefix(f"{part}."): values.float() if values.is_floating_point() else values
        for name, values in tensors.items()
        if name.startswith(f"{part}.")
    }
