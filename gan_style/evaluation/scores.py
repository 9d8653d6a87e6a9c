"""Scores: the numbers of an evaluation as a table, as JSON and with a contact sheet."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from gan_style.data.grid import picture_grid
from gan_style.files import replacing

METRICS: Mapping[str, str] = {
    "content": "lower is better; 0 is the untouched photo",
    "moments": "lower is better; 0 has the style's means and deviations",
    "gram": "lower is better; 0 has the style's textures",
    "ssim": "higher is better; 1 is the untouched photo",
    "nn_distance": "lower is better; 1 is as near as the collection's halves are to each other",
    "centroid_accuracy": "higher is better; share of paintings nearest to this collection",
    "deception_rate": "higher is better; share of gray patches taken for this collection's",
    "photo_rate": "lower is better; share of gray patches taken for a photo's",
    "plain_energy": "1 is as calm in plain regions as the collection; above: noise, cracks",
    "edge_ringing": "1 has contours as clean as the collection's; above: halos, double contours",
    "c2st_auc": "0.5 is best: paintings cannot be told from the collection; 1: always",
    "kid": "lower is better; about 0 for pictures of one kind",
    "memorization": "about 1 or more is good; well below 1 copies pictures of the collection",
    "fid": "lower is better; compare only between sets of equal size, of thousands of pictures",
}
"""Every metric and how to read it, in the order of the table; docs/metrics.md says more."""

SHEET_ROWS = 8
"""A contact sheet has at most this many rows."""

_TABLE_WIDTHS = 19, 15  # characters of a metric's name and of its value


@dataclass(frozen=True)
class Row:
    """One row of a contact sheet: a painting's name, and pictures (3, H, W) in [0, 1]."""

    name: str
    content: Tensor
    style: Tensor
    painting: Tensor


@dataclass(frozen=True)
class Scores:
    """The numbers of one method, and some of its paintings.

    Attributes:
        kind: "pairs" or "collection".
        count: paintings that were scored.
        skipped: pictures that could not be read.
        size: side in pixels at which they were compared.
        features: name of the network.
        values: by the names of METRICS, those that could be computed.
        reasons: for each metric of this kind that could not be computed, why.
        deviations: of `c2st_auc` and `kid`.
        copies: names of paintings that hold a copy of a piece of the collection.
        copying: whether they copy as a whole.
        rows: of the contact sheet.
    """

    kind: str
    count: int
    skipped: int
    size: int
    features: str
    values: Mapping[str, float]
    deviations: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    copies: tuple[str, ...] = ()
    copying: bool = False
    rows: tuple[Row, ...] = ()

    def lines(self) -> list[str]:
        """The table: a line for each metric, with a dash and the reason where there is no value."""
        return table_lines([self])

    def cell(self, name: str) -> str:
        """A metric as text, with its deviation where there is one; a dash if it has no value."""
        if name not in self.values:
            return "-"
        if name not in self.deviations:
            return f"{self.values[name]:.4g}"
        return f"{self.values[name]:.3f} ± {self.deviations[name]:.3f}"

    def to_json(self) -> dict[str, Any]:
        """Everything but the pictures and reasons; a metric that was not computed is None."""
        about = {"kind": self.kind, "count": self.count, "skipped": self.skipped}
        about |= {"size": self.size, "features": self.features}
        values = {name: self.values.get(name) for name in METRICS}
        deviations = {
            f"{name}_deviation": self.deviations.get(name) for name in ("c2st_auc", "kid")
        }
        copied = {"copying": self.copying, "copies": list(self.copies)}
        return about | values | deviations | copied


def table_lines(sizes: Sequence[Scores]) -> list[str]:
    """The table of one method at one or several sizes: a line for each metric, a column a size."""
    left, right = _TABLE_WIDTHS
    lines = []
    for scores in sizes:
        about = f"{scores.count} paintings at {scores.size} px, features {scores.features}"
        lines.append(about + (f", {scores.skipped} skipped" if scores.skipped else ""))
    if len(sizes) > 1:
        lines.append(" " * left + "".join(f"{f'{scores.size} px':>{right}}" for scores in sizes))
    for name in METRICS:
        if any(name in scores.values or name in scores.reasons for scores in sizes):
            cells = "".join(f"{scores.cell(name):>{right}}" for scores in sizes)
            lines.append(f"{name:<{left}}{cells}   {_note(name, sizes)}")
    for scores in sizes:
        if scores.copying:
            lines.append(_warning(scores, f"at {scores.size} px " if len(sizes) > 1 else ""))
    return lines


def _note(name: str, sizes: Sequence[Scores]) -> str:
    """How to read a metric; why it was not computed, where it was not."""
    missing = [scores for scores in sizes if name not in scores.values]
    if not missing:
        return METRICS[name]
    where = "" if len(missing) == len(sizes) else f" at {missing[0].size} px"
    return f"not computed{where}: {missing[0].reasons[name]}"


def _warning(scores: Scores, where: str) -> str:
    named = ", ".join(scores.copies[:3]) + (" …" if len(scores.copies) > 3 else "")
    return (
        f"warning: {where}the paintings copy: pieces of them are much nearer to one picture of the "
        "collection than its own pictures are to each other"
        + (f"; {len(scores.copies)} hold a clear copy: {named}" if named else "")
    )


def sizes_to_json(sizes: Sequence[Scores]) -> dict[str, Any]:
    """`Scores.to_json` of one size; of several, that of each by its size as text."""
    if len(sizes) == 1:
        return sizes[0].to_json()
    return {str(scores.size): scores.to_json() for scores in sizes}


def contact_sheet(methods: Mapping[str, Scores]) -> Image.Image:
    """Photo, style and the painting of every method, side by side.

    Args:
        methods: scores by the name of the method; rows that not all of them have are left out.

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


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write numbers as JSON, completely or not at all; missing folders are made.

    Raises:
        OSError: the file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
