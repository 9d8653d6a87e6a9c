"""How codes change with the side at which a picture is read, and what interpolation loses.

    python benchmarks/readings.py PICTURES [--model M] [--most N] [--json FILE]

For each of up to N pictures of a folder, the code at several sides: its distance to that at 288 px,
and to the one that `StyleCode.at` interpolates from those of READING_SIDES, both relative to the
length of the code at 288 px. Prints the medians.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median

import torch
from timing import table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import StyleCode, Stylizer
from gan_style.data.images import (
    center_crop,
    evenly,
    find_pictures,
    open_picture,
    resize_short_side,
    to_tensor,
)
from gan_style.sizes import LONGEST_RATIO, READING_SIDE, READING_SIDES

SIDES = (144, 192, 240, 288, 340, 384, 432, 512, 640, 720, 860, 1024)


@torch.inference_mode()
def read(stylizer: Stylizer, picture: Path, side: int) -> torch.Tensor:
    """The code (d,) of a picture read at a short side of so many pixels."""
    small = resize_short_side(center_crop(open_picture(picture), LONGEST_RATIO), side)
    code: torch.Tensor = stylizer.model.encode(to_tensor(small)[None, None])[0]
    return code


def errors(stylizer: Stylizer, picture: Path) -> dict[int, tuple[float, float]]:
    """By side: how far the code is from that at 288 px, and from the interpolated one."""
    codes = {side: read(stylizer, picture, side) for side in SIDES}
    mean = torch.stack([codes[side] for side in READING_SIDES])
    style = StyleCode(mean, torch.zeros_like(mean), sides=READING_SIDES)
    usual = codes[READING_SIDE]
    return {
        side: (
            float((code - usual).norm() / usual.norm()),
            float((code - style.at(side)).norm() / usual.norm()),
        )
        for side, code in codes.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--model", default="base")
    parser.add_argument("--most", type=int, default=24)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    stylizer = Stylizer.from_pretrained(options.model, device="cpu")
    found = [
        errors(stylizer, picture)
        for picture in evenly(find_pictures(options.pictures), options.most)
    ]
    rows = [
        (side, *(median(each[side][column] for each in found) for column in (0, 1)))
        for side in SIDES
    ]
    print(
        table(
            ["Side", "Change from 288 px", "Error of interpolation"],
            [[str(side), f"{change:.3f}", f"{error:.3f}"] for side, change, error in rows],
        )
    )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
