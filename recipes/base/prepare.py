"""Lay out the pictures that the base model is trained on, as links: styles by artist, and photos.

    python recipes/base/prepare.py PICTURES OUT

PICTURES has photos/, styles/diverse/ and VALIDATION.tsv, whose pictures are left out: a heading,
then a line for each with "content" or "style", a tab, and its path in PICTURES. Of a work called
pa_<artist>_<title> the artist is known, and the works of one artist are one style: so the model
also learns to paint after several pictures together. Any other is a style of its own.

OUT/validation takes the pictures left out, content/ and style/, and OUT/squares their center
squares of 288 px, on which `gan-style evaluate pairs` compares: so a model encodes exactly the part
of a style that its painting is compared with.
"""

import argparse
from pathlib import Path

from PIL import Image, ImageOps

SQUARE = 288  # pixels


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    data = options.pictures.resolve()
    lines = (data / "VALIDATION.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    for role, name in rows:
        link(data / name, options.out / "validation" / role)
        square(data / name, options.out / "squares" / role)
    held_out = {Path(name).name for _, name in rows}
    counts = {}
    for kind, folder in (("photos", data / "photos"), ("styles", data / "styles" / "diverse")):
        pictures = [path for path in sorted(folder.iterdir()) if path.name not in held_out]
        for path in pictures:
            place = options.out / kind
            if kind == "styles":
                place /= path.name.split("_")[1] if path.name.startswith("pa_") else path.stem
            link(path, place)
        counts[kind] = len(pictures)
    artists = len(list((options.out / "styles").iterdir()))
    print(
        f"{counts['photos']} photos, {counts['styles']} works in {artists} styles in {options.out}"
    )


def link(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / path.name).unlink(missing_ok=True)
    (folder / path.name).symlink_to(path)


def square(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with Image.open(path) as picture:
        fitted = ImageOps.fit(picture.convert("RGB"), (SQUARE, SQUARE), Image.Resampling.LANCZOS)
    fitted.save(folder / f"{path.stem}.png")


if __name__ == "__main__":
    main()
