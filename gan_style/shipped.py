"""What comes with the package: the base model and its named styles. Needs no torch."""

import hashlib
from pathlib import Path

from gan_style.errors import ModelError

BASE = "base"
"""The name of the model that comes with the package."""
SHIPPED = Path(__file__).parent / "weights"
"""Folder of the shipped model, its SHA256SUMS, and its named style codes."""
STYLES = "styles"
"""Folder of named style codes, beside their model."""
STYLE_SUFFIX = ".style.safetensors"
"""How the names of files with a style code end."""


def styles_in(folder: Path) -> dict[str, Path]:
    """The files of style codes in a folder, by name; none without the folder."""
    files = sorted(folder.glob(f"*{STYLE_SUFFIX}"))
    return {file.name.removesuffix(STYLE_SUFFIX): file for file in files}


def named_styles() -> dict[str, Path]:
    """The shipped style codes of the base model, by name."""
    return styles_in(SHIPPED / STYLES)


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
