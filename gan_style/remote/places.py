"""Addresses of models and style codes that are not files of this machine.

    hf:user/name              a repository of the Hugging Face hub
    wandb:entity/project/name an artifact of Weights & Biases

Each kind of address has a module of this room with a function `fetch(address, kind)`, which is
imported when an address of its kind is met, and which alone imports the service's library.
"""

from importlib import import_module
from pathlib import Path
from typing import Literal

Kind = Literal["model", "style"]
"""What is wanted from an address."""

_SERVICES = {"hf": "hub", "wandb": "artifacts"}


def is_remote(place: str | Path) -> bool:
    """Whether this is an address that `fetch` knows, and no path."""
    return isinstance(place, str) and place.partition(":")[0] in _SERVICES and ":" in place


def fetch(place: str, kind: Kind) -> Path:
    """Bring what an address names to this machine, unless it is here already.

    Args:
        place: an address, for which `is_remote` is true.
        kind: what is wanted: a model, or a style code.

    Returns:
        Of a model: its folder or file; of a style: its file. In the cache of the service's library.

    Raises:
        RemoteError: the service's library is not installed, the service cannot be reached, refuses,
            or has nothing of that name and kind.
    """
    service, _, address = place.partition(":")
    module = import_module(f"{__package__}.{_SERVICES[service]}")
    found: Path = module.fetch(address, kind)
    return found
