"""Lay out the pictures that the base model is trained on, as links: styles by artist, and photos.

    python recipes/base/prepare.py OUT --photos FOLDER … --styles FOLDER …
        [--validation LIST] [--open-only [LIST]]

OUT/photos takes the pictures of all folders of photos, and OUT/styles the works of all folders of
styles, a folder for each artist: of a work in a sub-folder the artist is that folder's name, and of
one called pa_<artist>_<title> the artist is known, too. The works of one artist are one style, so
that the model also learns to paint after several pictures. Any other work is a style of its own.

LIST names pictures that are left out, wherever files of their names lie: a heading, then a line for
each with "content" or "style", a tab, and its path from the list's own folder. OUT/validation takes
them, content/ and style/, and OUT/squares their center squares of 288 px, on which `gan-style
evaluate pairs` compares: so a model encodes exactly the part of a style that its painting is
compared with.

With --open-only, pictures that data/PICTURES.tsv (or another LIST of its form) gives no open
license are left out, and so are pictures that it does not know; they are found by the SHA-256 of
their files. data/LICENSES.tsv says which licenses are open. OUT/PICTURES.tsv is then the part of
the list that was laid out: whom to credit.
"""

import argparse
import csv
import hashlib
import sys
from collections import Counter
from pathlib import Path

from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gan_style.data.images import find_pictures

SQUARE = 288  # pixels
HASH = 12  # hexadecimal digits of a SHA-256 in the list of pictures
DATA = Path(__file__).resolve().parents[2] / "data"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path, nargs="+", required=True, metavar="FOLDER")
    parser.add_argument("--styles", type=Path, nargs="+", required=True, metavar="FOLDER")
    parser.add_argument("--validation", type=Path, metavar="LIST")
    parser.add_argument(
        "--open-only", type=Path, nargs="?", const=DATA / "PICTURES.tsv", metavar="LIST"
    )
    options = parser.parse_args()
    left_out = lay_out_validation(options.validation, options.out) if options.validation else set()
    known = by_hash(options.open_only) if options.open_only else None
    chosen = Chosen(left_out, known)
    photos = works = 0
    for folder in options.photos:
        for path in chosen.pictures_of(folder):
            link(path, options.out / "photos")
            photos += 1
    for folder in options.styles:
        for path in chosen.pictures_of(folder):
            link(path, options.out / "styles" / artist_of(path, folder))
            works += 1
    artists = len(list((options.out / "styles").iterdir())) if works else 0
    print(f"{photos} photos, {works} works in {artists} styles in {options.out}")
    if known is not None:
        write_list(options.out / "PICTURES.tsv", chosen.listed)
        for reason, count in chosen.refused.most_common():
            print(f"  left out: {count} {reason}")


Row = dict[str, str]


class Chosen:
    """Which pictures are laid out, and how many are not, and why.

    Args:
        left_out: names of files.
        known: rows of a list of pictures by hash; None takes pictures whatever their license.
    """

    def __init__(self, left_out: set[str], known: dict[str, Row] | None) -> None:
        self._left_out, self._known = left_out, known
        self._open = {
            row["license"] for row in table(DATA / "LICENSES.tsv") if row["open"] == "yes"
        }
        self.listed: list[Row] = []
        self.refused: Counter[str] = Counter()

    def pictures_of(self, folder: Path) -> list[Path]:
        """The pictures under a folder that may be used."""
        return [
            path
            for path in find_pictures(folder)
            if path.name not in self._left_out and self._is_open(path)
        ]

    def _is_open(self, path: Path) -> bool:
        if self._known is None:
            return True
        row = self._known.get(hashlib.sha256(path.read_bytes()).hexdigest()[:HASH])
        if row is None:
            self.refused["that the list does not know"] += 1
        elif row["license"] not in self._open:
            self.refused[f"under {row['license']}"] += 1
        else:
            self.listed.append(row)
            return True
        return False


def table(path: Path) -> list[Row]:
    """The rows of a table with a heading, its columns parted by tabs."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def by_hash(path: Path) -> dict[str, Row]:
    """The rows of a list of pictures by the hash of the file, of which they have the beginning."""
    return {row["sha256"]: row for row in table(path)}


def write_list(path: Path, rows: list[Row]) -> None:
    """Write rows of a list of pictures as a list of pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(rows[0]) if rows else ["sha256"]
    lines = ["\t".join(columns), *("\t".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def lay_out_validation(listed: Path, out: Path) -> set[str]:
    """Link the pictures of a list and cut their squares; returns their files' names."""
    rows = [line.split("\t") for line in listed.read_text(encoding="utf-8").splitlines()[1:]]
    for role, name in rows:
        path = listed.parent / name
        link(path, out / "validation" / role)
        square(path, out / "squares" / role)
    return {Path(name).name for _, name in rows}


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
