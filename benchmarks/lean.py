"""Where the generator's multiply-adds are, and how less supersampling looks and what it saves.

    python benchmarks/lean.py [--model M] [--size 512] [-o OUT --photos FILE … --styles STYLE …]
        [--supersampling 1.5 1.25 1]

Prints the multiply-adds of every part of the generator for a pixel of the painting. With -o it
paints each photo in each style (pictures, files of codes, names) at each supersampling with the
weights as they are, into OUT/sheet.png: a row for each photo and supersampling, in the order given.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import torch
from machine import multiply_adds
from timing import table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import Stylizer
from gan_style.data.grid import picture_grid
from gan_style.data.images import (
    center_crop,
    open_picture,
    resize_short_side,
    save_picture,
    to_tensor,
)
from gan_style.models.generator import Generator


def parts_table(generator: Generator, size: int) -> str:
    """Multiply-adds for a pixel of the painting: a row for each part, and what it is of all."""
    code = torch.zeros(1, generator.down_half.modulation.affine.in_features)
    photo = torch.zeros(1, 3, size, size)
    counts: dict[str, float] = defaultdict(float)
    weights: dict[str, int] = {}
    with torch.inference_mode():
        for name, part in generator.named_children():
            counts[name] = multiply_adds(part, lambda: generator(photo, code)) / size**2
            weights[name] = sum(values.numel() for values in part.parameters())
    whole = sum(counts.values())
    rows = [
        [name, f"{weights[name] / 1e3:.0f} k", f"{count / 1e3:.1f} k", f"{count / whole:.1%}"]
        for name, count in counts.items()
    ]
    rows.append(["all", f"{sum(weights.values()) / 1e3:.0f} k", f"{whole / 1e3:.1f} k", "100%"])
    return table(("part", "parameters", "multiply-adds/px", "share"), rows)


def paint(stylizer: Stylizer, options: argparse.Namespace) -> None:
    rows = []
    for photo in options.photos:
        square = resize_short_side(center_crop(open_picture(photo)), options.size)
        for supersampling in options.supersampling:
            stylizer.model.generator.supersampling = supersampling
            painted = [stylizer.stylize(square, style) for style in options.styles]
            rows.append([to_tensor(each) for each in painted])
    options.out.mkdir(parents=True, exist_ok=True)
    save_picture(picture_grid(rows), options.out / "sheet.png")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="base")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--photos", nargs="+", default=[])
    parser.add_argument("--styles", nargs="+", default=[])
    parser.add_argument("--supersampling", type=float, nargs="+", default=[1.5, 1.25, 1.0])
    options = parser.parse_args()
    stylizer = Stylizer.from_pretrained(options.model, device="cpu")
    print(parts_table(stylizer.model.generator, options.size))
    if options.out:
        paint(stylizer, options)


if __name__ == "__main__":
    main()
