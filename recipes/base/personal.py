"""Show what training on a collection adds: photograph, base model, personal model, a row each.

    python recipes/base/personal.py RUNS COLLECTIONS NAME … [-o docs/pictures/personal.jpg]

RUNS has a run folder NAME for each folder NAME of COLLECTIONS, as `benchmarks/methods.py …
--methods personal` leaves them. The photographs are scikit-image's; no model here was trained on
them.
"""

import argparse
import sys
from pathlib import Path

from PIL import Image
from skimage import data

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gan_style import Stylizer
from gan_style.data.grid import picture_grid
from gan_style.data.images import (
    center_crop,
    find_pictures,
    resize_short_side,
    save_picture,
    to_tensor,
)

PHOTOGRAPHS = ("astronaut", "chelsea", "rocket", "coffee")
SIZE, SHOWN_SIZE = 512, 320  # pixels: painted at, shown at


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path)
    parser.add_argument("collections", type=Path)
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("-o", "--out", type=Path, default=Path("docs/pictures/personal.jpg"))
    options = parser.parse_args()
    base, rows = Stylizer.from_pretrained(), []
    for place, name in enumerate(options.names):
        photograph = PHOTOGRAPHS[place % len(PHOTOGRAPHS)]
        photo = center_crop(Image.fromarray(getattr(data, photograph)()))
        pictures = find_pictures(options.collections / name)
        painted = [
            stylizer.stylize(photo, stylizer.encode(pictures, name), size=SIZE)
            for stylizer in (base, Stylizer.from_pretrained(options.runs / name))
        ]
        shown = [photo, *painted]
        rows.append([to_tensor(resize_short_side(picture, SHOWN_SIZE)) for picture in shown])
    grid = picture_grid(rows, ["photograph", "base model, their code", "after five minutes"])
    save_picture(grid, options.out)


if __name__ == "__main__":
    main()
