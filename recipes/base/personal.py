"""Show what training on a collection adds: photographs, base model, personal model.

    python recipes/base/personal.py RUNS COLLECTIONS NAME … [--photographs cat …]
        [-o docs/pictures/personal.jpg]

A row for each NAME, with as many photographs as are named, one after another. RUNS has a run folder
NAME for each folder NAME of COLLECTIONS, as `benchmarks/methods.py … --methods personal` leaves
them. The photographs are scikit-image's; no model here was trained on them.
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

SIZE, SHOWN_SIZE = 512, 224  # pixels: painted at, shown at


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path)
    parser.add_argument("collections", type=Path)
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--photographs", nargs="+", default=["rocket", "astronaut"])
    parser.add_argument("-o", "--out", type=Path, default=Path("docs/pictures/personal.jpg"))
    options = parser.parse_args()
    photos = [center_crop(Image.fromarray(getattr(data, n)())) for n in options.photographs]
    base, rows = Stylizer.from_pretrained(), []
    for name in options.names:
        pictures = find_pictures(options.collections / name)
        models = [base, Stylizer.from_pretrained(options.runs / name)]
        codes = [model.encode(pictures, name) for model in models]
        shown = []
        for photo in photos:
            painted = [
                model.stylize(photo, code, size=SIZE)
                for model, code in zip(models, codes, strict=True)
            ]
            shown += [photo, *painted]
        rows.append([to_tensor(resize_short_side(picture, SHOWN_SIZE)) for picture in shown])
    headings = ["photograph", "base model, their code", "after five minutes"]
    grid = picture_grid(rows, headings * len(photos))
    save_picture(grid, options.out)


if __name__ == "__main__":
    main()
