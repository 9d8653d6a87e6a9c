"""Lay out the pictures that the base model is trained on, as links: styles by artist, and photos.

    python recipes/base/prepare.py SHARED OUT

SHARED/data has photos/, styles/diverse/ and VALIDATION.tsv, whose pictures are left out. Of a work
called pa_<artist>_<title> the artist is known, and the works of one artist are one style: so the
model also learns to paint after several pictures together. Any other is a style of its own.
"""

import argparse
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shared", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    data = options.shared.resolve() / "data"
    lines = (data / "VALIDATION.tsv").read_text(encoding="utf-8").splitlines()[1:]
    held_out = {Path(line.split("\t")[1]).name for line in lines}
    counts = {}
    for kind, folder in (("photos", data / "photos"), ("styles", data / "styles" / "diverse")):
        pictures = [path for path in sorted(folder.iterdir()) if path.name not in held_out]
        for path in pictures:
            place = options.out / kind
            if kind == "styles":
                place /= path.name.split("_")[1] if path.name.startswith("pa_") else path.stem
            place.mkdir(parents=True, exist_ok=True)
            (place / path.name).unlink(missing_ok=True)
            (place / path.name).symlink_to(path)
        counts[kind] = len(pictures)
    artists = len(list((options.out / "styles").iterdir()))
    print(
        f"{counts['photos']} photos, {counts['styles']} works in {artists} styles in {options.out}"
    )


if __name__ == "__main__":
    main()
