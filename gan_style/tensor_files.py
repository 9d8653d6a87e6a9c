"""Safetensors files, read as if a stranger had made them: bounded before anything is loaded.

The format runs no code, but a small file can declare a large one, and a name can lead to a pipe.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from gan_style.files import require_regular
from gan_style.memory import free_memory

LARGEST_FILE = 2 * 1024**3
"""Bytes; checkpoints of the large model are under 600 MB, torchvision's weights too."""
_LARGEST_HEADER = 16 * 1024**2  # bytes; a checkpoint's is under 1 MB
_TYPES = {"BOOL", "U8", "I8", "I16", "I32", "I64", "F16", "BF16", "F32", "F64"}
# safetensors raises a RuntimeError for a file that is gone, the others come from torch
_BROKEN = (SafetensorError, RuntimeError, TypeError, OverflowError, AttributeError, LookupError)


def read_header(path: Path) -> dict[str, str]:
    """The texts in a file's header, without the tensors.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no regular file, not of this format, or its header is too large.
    """
    _refuse_unusual(path)
    try:
        with safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except _BROKEN as error:
        raise ValueError(str(error)) from error


def read_tensors(
    path: Path, largest: int = LARGEST_FILE
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file, on the CPU, and the texts in its header.

    Args:
        path: of the file.
        largest: bytes that it may have.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no regular file, not of this format, larger than `largest` or than the
            free memory, or has numbers of a kind that no file of ours has.
    """
    size = _refuse_unusual(path)
    if size > largest:
        raise ValueError(f"it has {_megabytes(size)}; at most {_megabytes(largest)} are read")
    free = free_memory(torch.device("cpu"))
    if free is not None and size > free:
        raise ValueError(f"it has {_megabytes(size)}, and {_megabytes(free)} of memory are free")
    try:
        with safe_open(path, "pt") as file:
            names = list(file.keys())
            for name in names:
                if (kind := file.get_slice(name).get_dtype()) not in _TYPES:
                    raise ValueError(f"{name[:80]!r} is of the type {kind}, which is not read")
            tensors = {name: file.get_tensor(name).clone() for name in names}
            return tensors, dict(file.metadata() or {})
    except _BROKEN as error:
        raise ValueError(str(error)) from error


def forms(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """The shape of each tensor in words, which say so where it is not of floats."""
    return {
        name: f"{tuple(values.shape)}{'' if values.is_floating_point() else ' of whole numbers'}"
        for name, values in tensors.items()
    }


def first_not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """The name of a tensor that holds NaN or infinity; None if there is none."""
    for name, values in tensors.items():
        if values.is_floating_point() and not torch.isfinite(values).all():
            return name
    return None


def _refuse_unusual(path: Path) -> int:
    """The size in bytes of a regular file whose header has a usual length."""
    size = require_regular(path)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > min(size, _LARGEST_HEADER):
        most = min(max(0, size - 8), _LARGEST_HEADER)
        raise ValueError(f"its header is said to have {length} bytes; at most {most} are possible")
    return size


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
