"""Put a trained run into the package: model, discriminator, training codes, named codes.

    python recipes/base/export.py RUN STYLES [-o gan_style/weights/base.safetensors]

STYLES is the folder of style folders that the run was trained on; each picture's code is kept, for
`Stylizer.sample_style`. NAMED says which folders' codes are shipped under a name; their thumbnail
is a photograph of scikit-image painted in them.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch
from blend import checkpoint_of
from PIL import Image
from skimage import data
from tqdm import tqdm

from gan_style.shipped import STYLE_SUFFIX

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gan_style import Stylizer
from gan_style.data.images import find_pictures
from gan_style.pretrained import read_model, write_model, write_sums
from gan_style.style_code import THUMBNAIL_SIDE, make_thumbnail

NAMED = {
    "bold-poster": "fernand-leger",
    "gilded-page": "limbourg-brothers",
    "grey-wash": "konstantin-bogaevsky",
    "mosaic": "pavel-filonov",
    "old-varnish": "albert-pinkham-ryder",
    "pen-on-cream": "theodor-severin-kittelsen",
    "stained-planes": "joaquin-torres-garcia",
    "terracotta": "james-mcneill-whistler",
    "woodblock": "goyo-hashiguchi",
}
"""Names that describe a style, and the folder of STYLES of whose pictures it is the code."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("styles", type=Path)
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("gan_style/weights/base.safetensors")
    )
    options = parser.parse_args()
    newest = checkpoint_of(options.run)
    read = read_model(newest)
    stylizer = Stylizer.from_pretrained(newest)
    pictures = find_pictures(options.styles)
    codes = torch.stack([stylizer.encode(picture).mean for picture in tqdm(pictures)])
    write_model(options.out, read.model, read.config, codes, read.discriminator)
    write_sums(options.out.parent)
    name_styles(Stylizer.from_pretrained(options.out), options.styles, options.out.parent)
    for path in sorted(options.out.parent.glob(f"{options.out.stem}*.safetensors")):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def name_styles(stylizer: Stylizer, styles: Path, out: Path) -> None:
    """Write the codes of NAMED into styles/."""
    photo = Image.fromarray(data.chelsea())
    for name, folder in NAMED.items():
        code = stylizer.encode(find_pictures(styles / folder), name)
        painted = stylizer.stylize(photo, code, size=2 * THUMBNAIL_SIDE)
        replace(code, thumbnail=make_thumbnail([painted])).save(
            out / "styles" / f"{name}{STYLE_SUFFIX}"
        )


if __name__ == "__main__":
    main()
