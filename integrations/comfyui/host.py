"""What ComfyUI gives to nodes: device, folders, progress bar, and whether Cancel was pressed.

Its modules exist only inside ComfyUI. Without them, in a script or a test, the device is chosen by
gan_style, folders are below the current one, and nothing can be canceled but by Ctrl-C.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from PIL import Image

try:
    import comfy.model_management as management
    import comfy.utils as utilities
    import folder_paths
except ImportError:  # not inside ComfyUI
    management = utilities = folder_paths = None

_KIND = "gan_style"  # the folder in models/, and its key in extra_model_paths.yaml
_PREVIEW = 1024  # px: the longest side of a picture that is shown while a node works

Item = TypeVar("Item")

if folder_paths is not None:
    folder_paths.add_model_folder_path(_KIND, os.path.join(folder_paths.models_dir, _KIND))


def device() -> str | torch.device:
    """Where ComfyUI computes; "auto" if that is nothing gan_style knows, such as DirectML."""
    chosen = management.get_torch_device() if management is not None else None
    known = isinstance(chosen, torch.device) and chosen.type in ("cpu", "cuda", "mps")
    return chosen if known and chosen is not None else "auto"


def model_folders() -> list[Path]:
    """Folders of models and style codes; new ones are written into the first."""
    if folder_paths is None:
        return [Path("models", _KIND)]
    return [Path(place) for place in folder_paths.get_folder_paths(_KIND)]


def input_place(text: str) -> Path:
    """The path of a file or folder: an absolute one, or one below ComfyUI's input folder."""
    inside = folder_paths.get_input_directory() if folder_paths is not None else ""
    return Path(inside, Path(text.strip()).expanduser())


def free_memory() -> None:
    """Let ComfyUI take its models off the GPU, for another process that needs its memory."""
    if management is not None:
        management.unload_all_models()
        management.soft_empty_cache()


def stop_if_canceled() -> None:
    """Raise what ComfyUI wants a node to end with when Cancel was pressed."""
    if management is not None:
        management.throw_exception_if_processing_interrupted()


def each(items: Iterable[Item]) -> Iterator[Item]:
    """The items, with a bar that counts them, until Cancel is pressed."""
    known = list(items)
    bar = Bar(len(known))
    for done, item in enumerate(known, 1):
        stop_if_canceled()
        yield item
        bar.show(done)


class Bar:
    """The progress bar of the node that is at work.

    Args:
        total: where it is full.
    """

    def __init__(self, total: int) -> None:
        self._bar: Any = None if utilities is None else utilities.ProgressBar(total)

    def show(self, done: int, picture: Path | None = None) -> None:
        """Move it, and show a picture on the node if there is one to show."""
        if self._bar is not None:
            opened = None if picture is None else _opened(picture)
            self._bar.update_absolute(done, preview=opened and ("JPEG", opened, _PREVIEW))


def _opened(picture: Path) -> Image.Image | None:
    try:
        with Image.open(picture) as opened:
            return opened.convert("RGB")
    except OSError:  # it is being written, or writing it was interrupted
        return None
