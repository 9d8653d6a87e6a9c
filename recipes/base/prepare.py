"""Lay out the pictures that the base model is trained on, as links: styles by artist, and photos.

    python recipes/base/prepare.py OUT --photos FOLDER … --styles FOLDER … [--validation LIST]

OUT/photos takes the pictures of all folders of photos, and OUT/styles the works of all folders of
styles, a folder for each artist: of a work in a sub-folder the artist is that folder's name, and of
one called pa_<artist>_<title> the artist is known, too. The works of one artist are one style, so
that the model also learns to paint after several pictures. Any other work is a style of its own.

LIST names pictures that are left out, wherever files of their names lie: a heading, then a line for
each with "content" or "style", a tab, and its path from the list's own folder. OUT/validation takes
them, content/ and style/, and OUT/squares their center squares of 288 px, on which `gan-style
evaluate pairs` compares: so a model encodes exactly the part of a style that its painting is
compared with.
"""

import argparse
import sys
from pathlib import Path

from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gan_style.data.images import find_pictures

SQUARE = 288  # pixels


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path, nargs="+", required=True, metavar="FOLDER")
    parser.add_argument("--styles", type=Path, nargs="+", required=True, metavar="FOLDER")
    parser.add_argument("--validation", type=Path, metavar="LIST")
    options = parser.parse_args()
    left_out = lay_out_validation(options.validation, options.out) if options.validation else set()
    photos = works = 0
    for folder in options.photos:
        for path in pictures_of(folder, left_out):
            link(path, options.out / "photos")
            photos += 1
    for folder in options.styles:
        for path in pictures_of(folder, left_out):
            link(path, options.out / "styles" / artist_of(path, folder))
            works += 1
    artists = len(list((options.out / "styles").iterdir()))
    print(f"{photos} photos, {works} works in {artists} styles in {options.out}")


def lay_out_validation(listed: Path, out: Path) -> set[str]:
    """Link the pictures of a list and cut their squares; returns their files' names."""
    rows = [line.split("\t") for line in listed.read_text(encoding="utf-8").splitlines()[1:]]
    for role, name in rows:
        path = listed.parent / name
        link(path, out / "validation" / role)
        square(path, out / "squares" / role)
    return {Path(name).name for _, name in rows}


def pictures_of(folder: Path, left_out: set[str]) -> list[Path]:
    """The pictures under a folder but for those of these names."""
    return [path for path in find_pictures(folder) if path.name not in left_out]


def artist_of(path: Path, folder: Path) -> str:
    """The name of a work's style: of its artist, or its own."""
    first, *rest = path.relative_to(folder).parts
    if rest:
        return first
    return path.name.split("_")[1] if path.name.startswith("pa_") else path.stem


def link(path: Path, folder: Path) -> None:
    """Link a picture into a folder, under another name if that of another one is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    target, place = path.resolve(), folder / path.name
    if place.is_symlink() and place.resolve() != target:
        place = folder / f"{target.parent.name}-{path.name}"
    place.unlink(missing_ok=True)
    place.symlink_to(target)


def square(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with Image.open(path) as picture:
        fitted = ImageOps.fit(picture.convert("RGB"), (SQUARE, SQUARE), Image.Resampling.LANCZOS)
    fitted.save(folder / f"{path.stem}.png")


if __name__ == "__main__":
    main()
