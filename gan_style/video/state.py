"""What one segment leaves to the next: named arrays, in a file without pickles."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gan_style.files import replacing

State: TypeAlias = dict[str, NDArray[Any]]


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write whole or not at all, and so that a power cut right after loses nothing.

    Raises:
        OSError: the file cannot be written.
    """
    with replacing(path, durable=True) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_arrays(path: Path) -> State:
    """Read what `write_arrays` wrote."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def within(state: Mapping[str, NDArray[Any]], part: str) -> State:
    """The arrays whose names begin with `part/`, without that."""
    start = f"{part}/"
    return {name[len(start) :]: each for name, each in state.items() if name.startswith(start)}


def below(part: str, state: Mapping[str, NDArray[Any]]) -> State:
    """The arrays under names that begin with `part/`."""
    return {f"{part}/{name}": each for name, each in state.items()}
