"""What comes with the package: the base model and its named styles. Needs no torch."""

from pathlib import Path

BASE = "base"
"""The name of the model that comes with the package."""
SHIPPED = Path(__file__).parent / "weights"
"""Folder of the shipped model, its SHA256SUMS, and styles/, its named style codes."""
STYLE_SUFFIX = ".style.safetensors"
"""How the names of files with a style code end."""


def named_styles(folder: Path = SHIPPED) -> dict[str, Path]:
    """The style codes in `styles/` of the shipped model's folder, or of a run's, by name."""
    files = sorted((folder / "styles").glob(f"*{STYLE_SUFFIX}"))
    return {file.name.removesuffix(STYLE_SUFFIX): file for file in files}
