"""What an evaluation found, told to a person, a program and an extractor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from torch import Tensor

from gan_style.data.grid import picture_grid

MEASURES: Mapping[str, str] = {
    "content": "lower is better; 0 is the photo untouched",
    "moments": "lower is better; 0 has the style's means and deviations",
    "gram": "lower is better; 0 has the style's textures",
    "ssim": "higher is better; 1 is the photo untouched",
    "nn_distance": "lower is better; 1 is as near as the collection's halves are to each other",
    "centroid_accuracy": "higher is better; share of paintings nearest to this collection",
    "deception_rate": "higher is better; share of gray patches taken for this collection's",
    "photo_rate": "lower is better; share of gray patches taken for a photo's",
    "c2st_auc": "0.5 is best: paintings cannot be told from the collection; 1: always",
    "kid": "lower is better; about 0 are pictures of one kind",
    "memorization": "about 1 or more is good; well below 1 copies pictures of the collection",
    "fid": "lower is better; only against as many pictures, of which it wants thousands",
}
"""Every measure and how to read it, in the order of the table; docs/METRICS.md says more."""

SHOWN = 8
"""Rows of a contact sheet at most."""

_ASKED_FOR = {  # what a line tells even where there is no number
    "pairs": ["content", "moments", "gram", "ssim"],
    "collection": ["content", "ssim", *list(MEASURES)[4:-1]],
}


@dataclass(frozen=True)
class Row:
    """One line of a contact sheet: a painting's name, and pictures (3, H, W) in [0, 1]."""

    name: str
    content: Tensor
    style: Tensor
    painting: Tensor


@dataclass(frozen=True)
class Scores:
    """Numbers of one method, and some of its paintings.

    kind: "pairs" or "collection". count: paintings that were scored; skipped: pictures that could
    not be read. size: side in pixels at which they were compared. values: by the names of
    MEASURES; one that does not apply is missing. deviations: of `auc` and `kid`. copies: names of
    paintings that hold a copy of a piece of the collection; copying: whether they copy as a whole.
    """

    kind: str
    count: int
    skipped: int
    size: int
    features: str
    values: Mapping[str, float]
    deviations: Mapping[str, float] = field(default_factory=dict)
    copies: tuple[str, ...] = ()
    copying: bool = False
    rows: tuple[Row, ...] = ()

    def lines(self) -> list[str]:
        """The table: a line of each measure of this kind, a dash where there is none."""
        about = f"{self.count} paintings at {self.size} px, features {self.features}"
        lines = [about + (f", {self.skipped} skipped" if self.skipped else "")]
        for name, meaning in MEASURES.items():
            if name in self.values or name in _ASKED_FOR[self.kind]:
                lines.append(f"{name:<13}{self.cell(name):>17}   {meaning}")
        if self.copying:
            named = ", ".join(self.copies[:3]) + (" …" if len(self.copies) > 3 else "")
            lines.append(
                "warning: the paintings copy: pieces of them are much nearer to one picture of the "
                "collection than its own pictures are to each other"
                + (f"; {len(self.copies)} hold a clear copy: {named}" if named else "")
            )
        return lines

    def cell(self, name: str) -> str:
        """A measure as text, with its deviation where there is one."""
        if name not in self.values:
            return "-"
        if name not in self.deviations:
            return f"{self.values[name]:.4g}"
        return f"{self.values[name]:.3f} ± {self.deviations[name]:.3f}"

    def to_json(self) -> dict[str, Any]:
        """All of it but the pictures; a measure that does not apply is None."""
        about = {"kind": self.kind, "count": self.count, "skipped": self.skipped}
        about |= {"size": self.size, "features": self.features}
        values = {name: self.values.get(name) for name in MEASURES}
        deviations = {
            f"{name}_deviation": self.deviations.get(name) for name in ("c2st_auc", "kid")
        }
        copied = {"copying": self.copying, "copies": list(self.copies)}
        return about | values | deviations | copied


def contact_sheet(methods: Mapping[str, Scores]) -> Image.Image:
    """Photo, style and the painting of every method, side by side.

    Args:
        methods: by their names; rows that not all of them have are left out.

    Raises:
        ValueError: they have no row in common.
    """
    first, *others = ({row.name: row for row in scores.rows} for scores in methods.values())
    grid = [
        [row.content, row.style, row.painting, *(other[name].painting for other in others)]
        for name, row in first.items()
        if all(name in other for other in others)
    ]
    return picture_grid(grid, ["content", "style", *methods])
