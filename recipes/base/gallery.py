"""Paint the README's gallery with the shipped model: docs/pictures/base-STYLE.jpg.

    python recipes/base/gallery.py [-o docs/pictures]

The photographs are scikit-image's; the model was not trained on them.
"""

import argparse
import sys
from pathlib import Path

from PIL import Image
from skimage import data

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gan_style import Stylizer
from gan_style.data.images import resize_short_side, save_picture

SHOWN = {
    "gilded-page": "coffee",
    "bold-poster": "astronaut",
    "pen-and-ink": "rocket",
    "woodcut": "chelsea",
}
"""Named styles, and the photograph that each is shown on."""
SIZE, SHOWN_SIZE, GAP = 512, 400, 8  # pixels: painted at, shown at, between the two


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--out", type=Path, default=Path("docs/pictures"))
    options = parser.parse_args()
    stylizer = Stylizer.from_pretrained()
    for name, photograph in SHOWN.items():
        photo = Image.fromarray(getattr(data, photograph)())
        painted = stylizer.stylize(photo, name, size=SIZE)
        pair = [resize_short_side(picture, SHOWN_SIZE) for picture in (photo, painted)]
        width = pair[0].width
        beside = Image.new("RGB", (2 * width + GAP, SHOWN_SIZE), "white")
        for place, picture in zip((0, width + GAP), pair, strict=True):
            beside.paste(picture, (place, 0))
        save_picture(beside, options.out / f"base-{name}.jpg")


if __name__ == "__main__":
    main()
