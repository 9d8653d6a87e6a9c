"""Checkpoints: tensors and plain values in one safetensors file, written whole or not at all.

Nothing here unpickles, so a file from a stranger cannot run code. The header holds three strings:
`gan_style` (the metadata as JSON), `saved` (when, in nanoseconds) and `crc32` (of all the rest).
"""

import json
import re
import time
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from gan_style.errors import CheckpointError
from gan_style.files import parse_json, replacing, require_regular, told
from gan_style.tensor_files import read_header, read_tensors

CHECKPOINTS = "checkpoints"
"""Folder of the checkpoints in a run folder."""
BEST_FILE = "best.safetensors"
"""The averaged model of the best checkpoint, beside the newest ones."""

_NUMBERED = re.compile(r"step-(\d+)\.safetensors")
_TEMPORARIES = (".*.safetensors.*.part", ".*.safetensors.tmp")  # the latter of earlier versions
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"
_PLAIN = (type(None), bool, int, float, str)


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write a file that is whole whenever it is there, also after a crash or power cut.

    Args:
        path: the file; its folder is made if need be. What it held before is replaced at once.
        tensors: of any shape, type and device.
        metadata: whatever JSON can hold.

    Raises:
        CheckpointError: the disk is full, or refuses; `path` is as it was.
    """
    described = json.dumps(metadata)
    owned = _owned(tensors)
    header = {
        "gan_style": described,
        "saved": str(_now(path.parent)),
        "crc32": str(_checksum(owned, described)),
    }
    try:
        with replacing(path, durable=True) as temporary:
            # not by save_file: it gives 0600 whatever the umask (huggingface/safetensors issue 782)
            temporary.write_bytes(save(owned, header))
    except OSError as error:
        raise CheckpointError(f"cannot write {told(error)}") from error
    except SafetensorError as error:
        raise CheckpointError(f"cannot write {path}: {error}") from error


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_checkpoint` wrote; tensors come to the CPU.

    Raises:
        CheckpointError: no such file, damaged, or not one of ours.
    """
    path = Path(path)
    _refuse_other_kinds(path)
    try:
        texts = read_header(path)  # first: a file of another kind need not be loaded
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged or no checkpoint: {error}") from error
    header = _header(path, texts)
    try:
        tensors, _ = read_tensors(path)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be used: {error}") from error
    described = header["gan_style"]
    if header["crc32"] != str(_checksum(tensors, described)):
        raise CheckpointError(f"{path} is damaged: its content does not match its checksum")
    try:
        metadata = parse_json(described)
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
    if not isinstance(metadata, dict):
        raise CheckpointError(f"{path} is damaged: its metadata is no table")
    return tensors, metadata


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the last saved `step-*.safetensors` that can be read; None, too, without the folder.

    Last by the time written inside, which copying keeps: after going back to an earlier step, the
    new branch is newer than the old one's higher numbers.
    """
    for path in reversed(_by_age(folder)):
        with suppress(CheckpointError):
            load_checkpoint(path)
            return path
    return None


def prune_checkpoints(folder: Path, keep: int) -> None:
    """Delete all numbered checkpoints but the `keep` last saved, and what a killed run left over.

    Others (best.safetensors) and those that cannot be read stay.

    Raises:
        ValueError: `keep` is below 1.
    """
    if keep < 1:
        raise ValueError(f"keep is {keep}; at least 1 checkpoint must stay")
    left_over = [path for pattern in _TEMPORARIES for path in folder.glob(pattern)]
    for path in [*_by_age(folder)[:-keep], *left_over]:
        path.unlink(missing_ok=True)


# ---------------------------------------------------------------------- nested states


def flatten_state(state: Any) -> tuple[dict[str, Tensor], Any]:
    """Part a nested state, such as several state_dicts, into tensors and a skeleton for JSON.

    Dictionaries (with the versions in a module's state_dict), lists, tuples and plain values may
    be nested at will. A tensor's name is its path: {"a": {"b.c": t}} gives {"a.b.c": t}.

    Raises:
        TypeError: a value of another kind, named by its path.
    """
    tensors: dict[str, Tensor] = {}
    return tensors, _flatten(state, "", tensors)


def state_on_cpu(state: Any) -> tuple[dict[str, Tensor], Any]:
    """As `flatten_state`, with the tensors on the CPU."""
    tensors, skeleton = flatten_state(state)
    return {name: tensor.cpu() for name, tensor in tensors.items()}, skeleton


def unflatten_state(tensors: Mapping[str, Tensor], skeleton: Any) -> Any:
    """Put together what `flatten_state` parted: same nesting, types, keys and memory layout.

    Raises:
        CheckpointError: skeleton and tensors do not belong together.
    """
    try:
        return _unflatten(tensors, skeleton)
    except (LookupError, TypeError, ValueError, RuntimeError, StopIteration) as error:
        raise CheckpointError(f"the saved state does not fit together: {error!r}") from error


def _flatten(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        name = path
        while name in tensors:  # {"a.b": t, "a": {"b": u}} has two tensors of one path
            name += "'"
        tensors[name] = value.detach()
        layout = {"channels_last": True} if _is_channels_last(value) else {}
        return {"tensor": name, **layout}
    if type(value) in _PLAIN:
        return value
    if type(value) in (list, tuple):
        kind = type(value).__name__
        return {kind: [_flatten(v, _join(path, i), tensors) for i, v in enumerate(value)]}
    if type(value) in (dict, OrderedDict):
        for key in value:
            if type(key) not in _PLAIN:
                raise TypeError(f"state {path}: cannot save a key of {type(key).__name__}: {key!r}")
        items = [[k, _flatten(v, _join(path, k), tensors)] for k, v in value.items()]
        versions = getattr(value, "_metadata", None)
        extra = {} if versions is None else {"versions": _flatten(versions, "", {})}
        return {type(value).__name__: items, **extra}
    raise TypeError(f"state {path}: cannot save a value of {type(value).__name__}")


def _unflatten(tensors: Mapping[str, Tensor], node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    kind = next(iter(node))
    content = node[kind]
    if kind == "tensor":
        tensor = tensors[content]
        if node.get("channels_last"):
            return tensor.contiguous(memory_format=torch.channels_last)
        return tensor
    if kind in ("list", "tuple"):
        values = [_unflatten(tensors, value) for value in content]
        return values if kind == "list" else tuple(values)
    items = [(key, _unflatten(tensors, value)) for key, value in content]
    if kind == "dict":
        return dict(items)
    if kind != "OrderedDict":
        raise ValueError(f"unknown kind {kind!r}")
    ordered: Any = OrderedDict(items)
    if "versions" in node:
        ordered._metadata = _unflatten({}, node["versions"])
    return ordered


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def _is_channels_last(tensor: Tensor) -> bool:
    return (
        tensor.ndim == 4
        and not tensor.is_contiguous()
        and tensor.is_contiguous(memory_format=torch.channels_last)
    )


# ---------------------------------------------------------------------- files


def _owned(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Contiguous, on the CPU, and no two in the same memory, as the format wants them."""
    owned: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        place = plain.untyped_storage().data_ptr()
        owned[name] = plain.clone() if place in seen else plain
        seen.add(place)
    return owned


def _checksum(tensors: Mapping[str, Tensor], described: str) -> int:
    """CRC of metadata, names, types, shapes and numbers."""
    total = zlib.crc32(described.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total = zlib.crc32(f"{name} {tensor.dtype} {list(tensor.shape)}".encode(), total)
        total = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, total)
    return total


def _refuse_other_kinds(path: Path) -> None:
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder; a checkpoint is one .safetensors file")
    try:
        require_regular(path)
        with path.open("rb") as file:
            start = file.read(4)
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint {path}") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
    if start == _ZIP or (start[:1] == _PICKLE and start[1:2] in b"\x02\x03\x04\x05"):
        raise CheckpointError(
            f"{path} was written by torch.save or pickle; such files can run code and are not "
            "loaded. A checkpoint of gan_style is a .safetensors file"
        )


def _header(path: Path, header: Mapping[str, str]) -> Mapping[str, str]:
    if "gan_style" not in header:
        raise CheckpointError(f"{path} was not written by gan_style")
    if not {"saved", "crc32"} <= header.keys():
        raise CheckpointError(f"{path} is damaged: its header lacks saved or crc32")
    return header


def _now(folder: Path) -> int:
    """Nanoseconds, after those of every checkpoint there: a clock can go back, as can machines."""
    return max([time.time_ns(), *(saved + 1 for saved, _, _ in _aged(folder))])


def _by_age(folder: Path) -> list[Path]:
    """Numbered checkpoints with a readable header, the last saved at the end."""
    return [path for _, _, path in _aged(folder)]


def _aged(folder: Path) -> list[tuple[int, int, Path]]:
    """When they were saved, at which step, and the file; sorted."""
    aged = []
    for path in folder.glob("step-*.safetensors"):
        number = _NUMBERED.fullmatch(path.name)
        if number:
            with suppress(OSError, ValueError):
                saved = int(_header(path, read_header(path))["saved"])
                aged.append((saved, int(number[1]), path))
    return sorted(aged)
