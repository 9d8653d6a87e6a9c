"""Trained models: where their files are, and what is in them."""

import difflib
import json
import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gan_style import __version__
from gan_style.checkpoint import (
    BEST_FILE,
    CHECKPOINTS,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
)
from gan_style.data.images import picture_size
from gan_style.errors import CheckpointError, ModelError, PictureError, StyleError
from gan_style.files import parse_json, read_text, replacing
from gan_style.models.style_model import (
    MODEL_FILE,
    OLD_SUPERSAMPLING,
    StyleModel,
    StyleModelConfig,
)
from gan_style.remote.places import fetch, is_remote
from gan_style.shipped import (
    BASE,
    SHIPPED,
    STYLE_SUFFIX,
    STYLES,
    check_sums,
    named_styles,
    styles_in,
)
from gan_style.sizes import READING_SIDE
from gan_style.style_code import StyleCode, is_style_file
from gan_style.tensor_files import first_not_finite, forms
from gan_style.training_facts import FACTS_FILE, TrainingFacts, read_facts

CONFIG_FILE = "config.json"
"""Beside a model that `Stylizer.save_pretrained` wrote: what has to be known to build it."""
FORMAT = 1
"""Version of the layout of CONFIG_FILE."""
_LISTED = 20  # names in a message
_CODES = "codes"  # the tensor's name
_SIDES = "sides"  # among the metadata: at which sides these codes were read
_DISCRIMINATOR = ".discriminator.safetensors"  # beside a model that may be trained on


@dataclass(frozen=True)
class Pretrained:
    """What a model's files hold.

    path: of the model. config: from which StyleModel is built. model: state of the averaged
    networks. discriminator: state of the discriminator, from which training goes on; empty if
    there is none. codes: (n, R, d) of the pictures that it was trained on; (0, 1, d) if it keeps
    none. sides: R short sides in pixels at which these were read; see `StyleCode`. styles: files of
    the style codes that come with it, by name. facts: how it was trained, where that is kept.
    """

    path: Path
    config: StyleModelConfig
    model: dict[str, Tensor]
    discriminator: dict[str, Tensor]
    codes: Tensor
    sides: tuple[int, ...]
    styles: Mapping[str, Path]
    facts: TrainingFacts | None

    def build(self) -> StyleModel:
        """The model with its weights, on the CPU.

        Raises:
            ModelError: the weights are not those of a model with this configuration.
        """
        model = StyleModel(self.config)
        expected, found = forms(model.state_dict()), forms(self.model)
        found.pop(OLD_SUPERSAMPLING, None)
        wrong = [n for n in sorted(expected | found) if found.get(n) != expected.get(n)]
        if wrong:
            first = wrong[0]
            raise ModelError(
                f"{self.path} does not fit together: it is described as {self.config}, but "
                f"{first} is {found.get(first, 'missing')} instead of "
                f"{expected.get(first, 'missing')}{_others(len(wrong) - 1)}"
            )
        model.load_state_dict(self.model)
        return model


def read_model(place: str | Path) -> Pretrained:
    """Read a model.

    Args:
        place: "base", a run folder, a folder that `Stylizer.save_pretrained` wrote, a checkpoint,
            an exported model (model.safetensors), or an address (`gan_style.remote.places`).

    Raises:
        RemoteError: it cannot be fetched from its address.
        ModelError: nothing there, not a model, the shipped one is not as it was shipped, weights
            that are not finite, or a description that does not fit them.
        CheckpointError: a file that is damaged.
    """
    file = find_model(place)
    if place == BASE:
        check_sums(SHIPPED)
    tensors, facts = _load(file)
    exported = facts["kind"] == "model"
    if exported:
        parts = ("encoder.", "generator.", "feedback.")
        model = _full({name: v for name, v in tensors.items() if name.startswith(parts)})
    else:
        model = _part(tensors, "average")
    config = _config(file, facts["model"], model)
    codes, sides = _codes(file, tensors.get(_CODES), facts.get(_SIDES), config)
    return Pretrained(
        path=file,
        config=config,
        model=model,
        discriminator=_part(_discriminator_beside(file) if exported else tensors, "discriminator"),
        codes=codes,
        sides=sides,
        styles=styles_in(_home(file) / STYLES),
        facts=read_facts(file.with_name(FACTS_FILE)) if exported else None,
    )


def write_model(
    path: Path,
    model: Mapping[str, Tensor],
    config: StyleModelConfig,
    codes: Tensor | None = None,
    sides: Sequence[int] = (READING_SIDE,),
    discriminator: Mapping[str, Tensor] | None = None,
) -> None:
    """Write what `read_model` reads, in half precision; the discriminator into a file beside it.

    Vectors keep their precision: they are small, and the encoder's scales need it.

    Args:
        path: of the model.
        model: state of the averaged networks.
        config: of the model.
        codes: as in Pretrained.
        sides: as in Pretrained.
        discriminator: as in Pretrained.

    Raises:
        CheckpointError: a file cannot be written.
    """
    described = config.to_dict()
    kept = _halved(model if codes is None else {**model, _CODES: codes})
    read_at = {} if codes is None else {_SIDES: list(sides)}
    save_checkpoint(path, kept, {"kind": "model", "model": described} | read_at)
    if discriminator:
        parts = _halved({f"discriminator.{name}": values for name, values in discriminator.items()})
        beside = path.with_name(path.stem + _DISCRIMINATOR)
        save_checkpoint(beside, parts, {"kind": "discriminator", "model": described})


@cache
def base_id() -> str:
    """`model_id` of the base model, as its shipped style codes have it."""
    return StyleCode.load(next(iter(named_styles().values()))).model


def code_at(place: str | Path, styles: Mapping[str, Path] | None = None) -> StyleCode | None:
    """The code in a file or of a name; None for pictures, which a model has to read.

    Args:
        place: a file of a style code, its address (`gan_style.remote.places`), a name, a picture,
            or a folder of pictures. A file or folder that is there is not looked up among the
            names.
        styles: files of the styles that have names; None takes the shipped ones.

    Raises:
        RemoteError: it cannot be fetched from its address.
        StyleError: nothing of that name, or a file that is no style code.
    """
    if is_remote(place):
        return StyleCode.load(fetch(str(place), "style"))
    path = Path(place)
    if path.name.endswith(".safetensors"):
        return StyleCode.load(path)
    if path.exists():
        return None
    names = named_styles() if styles is None else styles
    if str(place) in names:
        return StyleCode.load(names[str(place)])
    raise StyleError(_no_style(str(place), names))


def _no_style(place: str, names: Mapping[str, Path]) -> str:
    """Why nothing was found at a place, and what could have been meant."""
    if re.match(r"[a-z]{2,}:/", place):
        return f"style {place} is an address; download the file and give its path"
    if place in named_styles():
        own = f"; it has {_listed(names)}" if names else ""
        return (
            f"style {place} belongs to the model {BASE!r}, which comes with gan_style, and not to "
            f"the one in use{own}"
        )
    near = difflib.get_close_matches(place, names, n=1)
    meant = f"; did you mean {near[0]}?" if near else "."
    known = f", or one of these: {_listed(names)}" if names else ""
    return (
        f"style {place} does not exist{meant} A style is a code file (*{STYLE_SUFFIX}), a picture, "
        f"a folder of pictures{known}"
    )


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    return ", ".join(listed[:_LISTED]) + more


def find_model(place: str | Path) -> Path:
    """The file of a model: see `read_model`.

    Raises:
        ModelError: nothing there.
        RemoteError: it cannot be fetched from its address.
    """
    if is_remote(place):
        place = fetch(str(place), "model")
    path = SHIPPED / f"{BASE}.safetensors" if place == BASE else Path(place)
    if path.is_file():
        return path
    if not path.exists():
        raise ModelError(f"model {path} does not exist; {_A_MODEL_IS}")
    for file in (path / MODEL_FILE, path / CHECKPOINTS / BEST_FILE):
        if file.is_file():
            return file
    newest = newest_checkpoint(path / CHECKPOINTS)
    if newest is None:
        raise ModelError(f"no model in {path}: expected {MODEL_FILE} or checkpoints/ of a run")
    return newest


_A_MODEL_IS = (
    f"a model is a run folder, a model file ({MODEL_FILE}), a checkpoint, or {BASE!r}, the one "
    "that comes with gan_style; from elsewhere, an address such as hf:user/name"
)


def _load(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and metadata of a model's file; "kind" and "model" are among the metadata."""
    try:
        tensors, facts = load_checkpoint(file)
    except CheckpointError as error:
        if is_style_file(file):
            raise ModelError(
                f"{file} is a style code, not a model: give it as the style (--style)"
            ) from error
        with suppress(PictureError):
            picture_size(file)
            raise ModelError(f"{file} is a picture, not a model; {_A_MODEL_IS}") from error
        raise
    described = facts.get("model")
    if facts.get("kind") not in ("model", "checkpoint") or not isinstance(described, dict):
        kind = reprlib.repr(facts.get("kind", "file of another kind")).strip("'")
        raise ModelError(f"{file} is a {kind}, not a model; {_A_MODEL_IS}")
    return _finite(file, tensors), facts


def _config(
    file: Path, described: Mapping[str, Any], model: Mapping[str, Tensor]
) -> StyleModelConfig:
    """The configuration in a file's header, which weights and CONFIG_FILE must not contradict.

    Earlier versions describe a model by "code" and "size", and keep its supersampling as a tensor.
    """
    values = {("code_dim" if name == "code" else name): v for name, v in described.items()}
    tensor = model.get(OLD_SUPERSAMPLING)
    if tensor is not None:
        if tensor.numel() != 1:
            raise ModelError(f"{file} does not fit together: {OLD_SUPERSAMPLING} is no number")
        values.setdefault("supersampling", float(tensor))
    try:
        config = StyleModelConfig.from_dict(values)
    except ModelError as error:
        raise ModelError(f"{file} is not a gan_style model that can be used: {error}") from error
    if tensor is not None and float(tensor) != config.supersampling:
        raise ModelError(
            f"{file} does not fit together: it is described as {config}, but its weights are of "
            f"model.supersampling={float(tensor):g}"
        )
    beside = file.with_name(CONFIG_FILE)
    if file.name == MODEL_FILE and beside.is_file() and (other := read_config(beside)) != config:
        raise ModelError(f"{beside} says {other}, but {file.name} beside it is {config}")
    return config


def _codes(
    file: Path, found: Tensor | None, sides: Any, config: StyleModelConfig
) -> tuple[Tensor, tuple[int, ...]]:
    """The codes (n, R, d) that a model keeps, and the sides at which they were read."""
    sides = [READING_SIDE] if sides is None else sides  # in earlier versions there was but one
    codes = torch.empty(0, len(sides), config.code_dim) if found is None else found
    codes = codes[:, None] if codes.ndim == 2 else codes
    known = isinstance(sides, list) and all(isinstance(side, int) for side in sides)
    if not known or codes.ndim != 3 or codes.shape[1:] != (len(sides), config.code_dim):
        raise ModelError(
            f"{file} does not fit together: its codes are {tuple(codes.shape)}, of a model with "
            f"model.code_dim={config.code_dim}, read at {reprlib.repr(sides)} px"
        )
    return codes.float(), tuple(sides)


def write_config(path: Path, config: StyleModelConfig) -> None:
    """Write the CONFIG_FILE of a model.

    Raises:
        OSError: it cannot be written.
    """
    versions = {"format_version": FORMAT, "gan_style_version": __version__}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(versions | config.to_dict(), indent=2) + "\n")


def read_config(path: Path) -> StyleModelConfig:
    """The configuration in a CONFIG_FILE.

    Raises:
        ModelError: no JSON, of a newer format, or a value that is missing, unknown or wrong.
    """
    try:
        values = parse_json(read_text(path))
        version = values.pop("format_version")
        values.pop("gan_style_version", None)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} does not describe a gan_style model: {error}") from error
    if version != FORMAT:
        raise ModelError(
            f"{path} has format_version {reprlib.repr(version)}; this version of gan_style reads "
            f"{FORMAT}"
        )
    try:
        return StyleModelConfig.from_dict(values)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _home(file: Path) -> Path:
    """The folder to which a model's file belongs: of a run's checkpoint, the run's."""
    return file.parent.parent if file.parent.name == CHECKPOINTS else file.parent


def _others(count: int) -> str:
    return f", and {count} others" if count else ""


def _discriminator_beside(file: Path) -> dict[str, Tensor]:
    beside = file.with_name(file.stem + _DISCRIMINATOR)
    return _finite(beside, load_checkpoint(beside)[0]) if beside.is_file() else {}


def _finite(file: Path, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors themselves; ModelError if one holds NaN: every painting would be black."""
    if (name := first_not_finite(tensors)) is not None:
        raise ModelError(f"{file} cannot be used: {name} holds numbers that are not finite")
    return tensors


def _halved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: values.cpu().half() if values.ndim > 1 else values.cpu()
        for name, values in tensors.items()
    }


def _full(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors in full precision."""
    return {n: v.float() if v.is_floating_point() else v for n, v in tensors.items()}


def _part(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    """The tensors called PART.NAME, by their NAME, in full precision."""
    found = {n: v for n, v in tensors.items() if n.startswith(f"{part}.")}
    return {name.removeprefix(f"{part}."): v for name, v in _full(found).items()}
