"""Contact sheets of photos in styles, at several sizes and stroke sizes, to be looked at.

    python benchmarks/sheets.py PHOTOS STYLES OUT [--model M] [--sizes 512 1024 3000]
                                [--stroke-sizes 0.5 1 2] [--shown 300] [--crop 300]

PHOTOS is a folder of photos, STYLES one of style pictures and of folders of them. For each size and
stroke size OUT takes whole-SIZE-STROKE.png, a row a photo and a column a style, every painting
reduced to SHOWN px; and crop-SIZE-STROKE.png, the same with a square of CROP px of each painting's
middle as it is. A sheet that is there is not made again.
"""

import argparse
import sys
import time
from pathlib import Path

from PIL import Image
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import StyleCode, Stylizer
from gan_style.data.grid import picture_grid
from gan_style.data.images import (
    center_crop,
    find_pictures,
    open_picture,
    resize_short_side,
    save_picture,
    to_tensor,
)
from gan_style.device import keep_freed_memory


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("styles", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="base")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 3000])
    parser.add_argument("--stroke-sizes", type=float, nargs="+", default=[0.5, 1.0, 2.0])
    parser.add_argument("--shown", type=int, default=300)
    parser.add_argument("--crop", type=int, default=300)
    options = parser.parse_args()
    keep_freed_memory()
    stylizer = Stylizer.from_pretrained(options.model)
    styles = [stylizer.encode(place) for place in sorted(options.styles.iterdir())]
    photos = [open_picture(place) for place in find_pictures(options.photos)]
    for size in options.sizes:
        for stroke_size in options.stroke_sizes:
            files = [
                options.out / f"{kind}-{size}-{stroke_size:g}.png" for kind in ("whole", "crop")
            ]
            if all(file.exists() for file in files):
                continue
            began = time.perf_counter()
            wholes, crops = sheet(stylizer, photos, styles, size, stroke_size, options)
            names = ["", *(style.name for style in styles)]
            for rows, file in zip((wholes, crops), files, strict=True):
                save_picture(
                    picture_grid([[to_tensor(p) for p in row] for row in rows], names), file
                )
            seconds = (time.perf_counter() - began) / (len(photos) * len(styles))
            print(f"{size} px, stroke size {stroke_size:g}: {seconds:.1f} s a painting", flush=True)


def sheet(
    stylizer: Stylizer,
    photos: list[Image.Image],
    styles: list[StyleCode],
    size: int,
    stroke_size: float,
    options: argparse.Namespace,
) -> tuple[list[list[Image.Image]], list[list[Image.Image]]]:
    """Rows of reduced paintings and rows of crops, each after the photo itself."""
    wholes, crops = [], []
    for photo in tqdm(photos, leave=False):
        row = [resize_short_side(photo, size)]
        row += [
            stylizer.stylize(photo, style, size=size, stroke_size=stroke_size) for style in styles
        ]
        wholes.append([resize_short_side(center_crop(each), options.shown) for each in row])
        crops.append([middle(each, options.crop) for each in row])
    return wholes, crops


def middle(picture: Image.Image, side: int) -> Image.Image:
    """The square of so many pixels in the middle."""
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


if __name__ == "__main__":
    main()
