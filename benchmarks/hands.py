"""One code for each collection: how near a model's paintings come to hands it was not trained on.

    python benchmarks/hands.py PHOTOS COLLECTIONS [--model M] -o OUT [--features vgg19 …]

Every photo of PHOTOS is painted at --size in the mean code of each folder of COLLECTIONS (one named
diverse is left out), and scored as `gan-style evaluate collection` does, with the other folders to
choose among. OUT takes the paintings, a table and a sheet: a row a photo, a column a collection.
"""

import argparse
import sys
from pathlib import Path

from PIL import Image
from timing import table
from torch import Tensor
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import Stylizer
from gan_style.device import keep_freed_memory
from gan_style.evaluate import LEFT_OUT, write_json
from gan_style.eye import Eye, Log
from gan_style.features import picture_features
from gan_style.images import find_pictures, picture_grid, read_picture, save_picture, to_tensor
from gan_style.judge import CollectionJudge
from gan_style.outputs import named_pictures, outputs_in
from gan_style.scores import Scores
from gan_style.style import picture_hash

MEASURES = ("content", "ssim", "fit", "named", "hand", "as_photo", "auc", "memorisation")
SHOWN = 6


class RememberingEye(Eye):
    """Looks at the hand of every picture once: the collections are judged by each other."""

    _hands: dict[str, Tensor]

    def hand(self, picture: Image.Image) -> Tensor:
        self._hands = getattr(self, "_hands", {})
        key = picture_hash(picture)
        if key not in self._hands:
            self._hands[key] = super().hand(picture)
        return self._hands[key]


def paint(stylizer: Stylizer, photos: list[Path], folder: Path, size: int, out: Path) -> None:
    """Every photo in the collection's code, what is there already left."""
    code = stylizer.encode(find_pictures(folder), folder.name)
    for photo in photos:
        path = out / f"{photo.stem}.png"
        if not path.exists():
            save_picture(stylizer.stylize(photo, code, size=size), path)


def sheet(photos: list[Path], folders: list[Path], out: Path, size: int) -> None:
    shown = photos[:: max(1, len(photos) // SHOWN)][:SHOWN]
    rows = []
    for photo in shown:
        painted = [out / folder.name / f"{photo.stem}.png" for folder in folders]
        rows.append([to_tensor(read_picture(path, size)) for path in (photo, *painted)])
    save_picture(picture_grid(rows, ["photo", *(f.name for f in folders)]), out / "sheet.jpg")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("collections", type=Path)
    parser.add_argument("--model", default="base")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=288)
    parser.add_argument("--features", default="compact")
    parser.add_argument("--feature-weights", default="")
    parser.add_argument("--plain", default="", help="folder of plain photos; else PHOTOS")
    options = parser.parse_args()
    keep_freed_memory()
    photos = find_pictures(options.photos)
    folders = [
        f for f in sorted(options.collections.iterdir()) if f.is_dir() and f.name != LEFT_OUT
    ]
    stylizer = Stylizer.from_pretrained(options.model)
    network = picture_features(options.features, options.feature_weights)
    eye, log = RememberingEye(network, options.features, options.size), Log(tqdm.write)
    collections = {folder.name: find_pictures(folder) for folder in folders}
    plain = find_pictures(Path(options.plain)) if options.plain else photos
    contents = named_pictures(options.photos, "photos")
    scores: dict[str, Scores] = {}
    for folder in tqdm(folders):
        paint(stylizer, photos, folder, options.size, options.out / folder.name)
        judge = CollectionJudge(eye, collections, folder.name, plain, log)
        outputs = outputs_in(options.out / folder.name, contents, None)
        scores[folder.name] = judge.judge(outputs, log)
    rows = [[name, *(s.cell(m) for m in MEASURES)] for name, s in scores.items()]
    means = [
        f"{sum(s.values[m] for s in scores.values()) / len(scores):.4g}"
        if all(m in s.values for s in scores.values())
        else "-"
        for m in MEASURES
    ]
    told = table(("", *MEASURES), [*rows, ["mean", *means]])
    (options.out / "table.md").write_text(told + "\n", encoding="utf-8")
    write_json(options.out / "scores.json", {name: s.to_json() for name, s in scores.items()})
    sheet(photos, folders, options.out, options.size)
    print(told)


if __name__ == "__main__":
    main()
