"""Put a trained model into the package: weights, discriminator, training codes, named styles.

    python recipes/base/export.py MODEL STYLES [-o gan_style/weights/base.safetensors]

MODEL is a run or a model file; STYLES the folder of style folders that it was trained on. The codes
of MOST_CODES of their pictures, from all folders alike, are kept for `Stylizer.sample_style`. NAMED
says of which folders the code is shipped under a name; its thumbnail is a photograph of
scikit-image painted in it.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from skimage import data
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gan_style import StyleCode, Stylizer
from gan_style.data.images import evenly, find_pictures
from gan_style.pretrained import read_model, write_model
from gan_style.shipped import STYLE_SUFFIX, STYLES, write_sums
from gan_style.style_code import THUMBNAIL_SIDE, make_thumbnail

SIDES = (192, 288, 512)
"""At which shipped codes are read: at least one of these pictures has no more pixels."""
MOST_CODES = 900
"""Pictures whose codes are kept; 1.5 kilobytes each."""
MOST_NAMED = 16
"""Pictures of a folder that its named code is the mean of."""

NAMED = {
    "bold-poster": "w-w-denslow",
    "brush-and-ink": "harry-clarke",
    "colored-pencil": "kate-greenaway",
    "cubist": "aleksandra-ekster",
    "engraving": "william-strang",
    "geometric": "fernand-leger",
    "gilded-page": "limbourg-brothers",
    "impasto": "lovis-corinth",
    "kabuki-print": "yamamura-toyonari",
    "mosaic": "pavel-filonov",
    "pastel": "mary-cassatt",
    "pen-and-ink": "harry-furniss",
    "pencil": "konstantin-bogaevsky",
    "pointillist": "gustave-loiseau",
    "stained-planes": "joaquin-torres-garcia",
    "watercolor": "beatrix-potter",
    "woodblock": "hiroshige",
    "woodcut": "anonymous-woodcut-15c",
}
"""Names that describe a style, and the folder of STYLES of whose pictures it is the code."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("styles", type=Path)
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("gan_style/weights/base.safetensors")
    )
    options = parser.parse_args()
    read = read_model(options.model)
    stylizer = Stylizer.from_pretrained(options.model)
    pictures = evenly(find_pictures(options.styles), MOST_CODES)
    codes = torch.stack([encode(stylizer, [picture]).mean for picture in tqdm(pictures)])
    write_model(options.out, read.model, read.config, codes, SIDES, read.discriminator)
    write_sums(options.out.parent)
    name_styles(Stylizer.from_pretrained(options.out), options.styles, options.out.parent / STYLES)
    for path in sorted(options.out.parent.glob(f"{options.out.stem}*.safetensors")):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def encode(stylizer: Stylizer, pictures: list[Path], name: str | None = None) -> StyleCode:
    """The code at SIDES."""
    return stylizer.encode(pictures, name).read_at(SIDES)


def name_styles(stylizer: Stylizer, styles: Path, out: Path) -> None:
    """Write the codes of NAMED into `out`."""
    photo = Image.fromarray(data.chelsea())
    for name, folder in tqdm(NAMED.items()):
        code = encode(stylizer, evenly(find_pictures(styles / folder), MOST_NAMED), name)
        painted = stylizer.stylize(photo, code, size=2 * THUMBNAIL_SIDE)
        shown = replace(code, thumbnail=make_thumbnail([painted]))
        shown.save(out / f"{name}{STYLE_SUFFIX}")


if __name__ == "__main__":
    main()
