"""What comes with the package: the base model and its named styles. Needs no torch."""

from pathlib import Path

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
