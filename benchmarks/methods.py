"""How near each way of painting comes to hands that the base model was not trained on.

    python benchmarks/hands.py PHOTOS COLLECTIONS -o OUT [--methods code refine personal optimize]
        [--model M] [--only NAME …] [--pictures N] [--content FOLDER] [--set key.sub=value …]
        [--features vgg19 …]

For every folder of COLLECTIONS (one named diverse is left out), or those of --only, every photo of
PHOTOS is painted at --size:
    code       by --model, in the collection's mean code
    refine     by --model, in that code refined for --seconds
    personal   by a model trained from --model on the collection, with photos of --content and the
               options of --set, five minutes unless they say otherwise
    optimize   by `gan-style optimize` with the mean Gram matrix of the collection
and scored as `gan-style evaluate collection` does, with the other folders to choose among. With
--pictures only so many of the collection, evenly chosen, are learned from; it is judged by all. OUT
takes paintings (those that are there are not made again), a table, and of each method a sheet: a
row a photo, a column a collection.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PIL import Image
from timing import table
from torch import Tensor
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import StyleCode, Stylizer
from gan_style.config import DataConfig, load_config
from gan_style.data.collection import load_content
from gan_style.data.grid import picture_grid
from gan_style.data.images import find_pictures, read_picture, save_picture, to_tensor
from gan_style.data.training_data import evenly
from gan_style.device import keep_freed_memory
from gan_style.evaluation.config import LEFT_OUT
from gan_style.evaluation.evaluate import write_json
from gan_style.evaluation.evaluators import CollectionEvaluator
from gan_style.evaluation.extractor import FeatureExtractor, Log
from gan_style.evaluation.outputs import named_pictures, outputs_in
from gan_style.evaluation.scores import Scores
from gan_style.models.feature_networks import picture_features
from gan_style.optimization.config import OptimizeConfig
from gan_style.optimization.optimize import optimize
from gan_style.style_code import picture_hash
from gan_style.training.refine import refine
from gan_style.training.run import train

MEASURES = (
    "content",
    "ssim",
    "nn_distance",
    "centroid_accuracy",
    "deception_rate",
    "photo_rate",
    "c2st_auc",
    "memorization",
)
SHOWN = 6
Paint = Callable[[Path], Image.Image]


class RememberingEye(FeatureExtractor):
    """Looks at the hand of every picture once: the collections are judged by each other."""

    _hands: dict[str, Tensor]

    def hand(self, picture: Image.Image) -> Tensor:
        self._hands = getattr(self, "_hands", {})
        key = picture_hash(picture)
        if key not in self._hands:
            self._hands[key] = super().hand(picture)
        return self._hands[key]


class Methods:
    """What paints a photo after a collection, by the method's name."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.stylizer = Stylizer.from_pretrained(options.model)

    def code(self, folder: Path) -> Paint:
        return self._with(self.stylizer, self._encoded(self.stylizer, folder))

    def refine(self, folder: Path) -> Paint:
        pictures, seconds = find_pictures(folder), self.options.seconds
        photos = load_content(DataConfig(content=self.options.content), tqdm.write)
        code = self._encoded(self.stylizer, folder)
        return self._with(self.stylizer, refine(self.stylizer, code, pictures, photos, seconds))

    def personal(self, folder: Path) -> Paint:
        run = self.options.out / "runs" / folder.name
        overrides = {
            "data.styles": folder,
            "data.content": self.options.content,
            "run.dir": run,
            "train.init": self.options.model,
            "tracking.wandb": "off",
        }
        if not (run / "model.safetensors").exists():
            given = [f"{key}={value}" for key, value in overrides.items()]
            train(load_config(None, given + self.options.set), tqdm.write)
        stylizer = Stylizer.from_pretrained(run)
        return self._with(stylizer, self._encoded(stylizer, folder))

    def optimize(self, folder: Path) -> Paint:
        settings = OptimizeConfig(size=self.options.size)
        return lambda photo: optimize(photo, folder, settings, report=tqdm.write)[0]

    def _encoded(self, stylizer: Stylizer, folder: Path) -> StyleCode:
        return stylizer.encode(find_pictures(folder), folder.name)

    def _with(self, stylizer: Stylizer, code: StyleCode) -> Paint:
        return lambda photo: stylizer.stylize(photo, code, size=self.options.size)


def some_of(folder: Path, number: int, out: Path) -> Path:
    """A folder of `number` pictures of a collection, evenly chosen; 0: the collection itself."""
    if not number:
        return folder
    chosen = out / f"pictures-{number}" / folder.name
    chosen.mkdir(parents=True, exist_ok=True)
    for picture in evenly(find_pictures(folder), number):
        shutil.copy(picture, chosen / picture.name)
    return chosen


def paint(begin: Callable[[], Paint], photos: list[Path], out: Path) -> None:
    """Every photo, what is there already left; `begin` is called if anything is missing."""
    missing = [photo for photo in photos if not (out / f"{photo.stem}.png").exists()]
    if missing:
        painter = begin()
        for photo in missing:
            save_picture(painter(photo), out / f"{photo.stem}.png")


def sheet(photos: list[Path], folders: list[Path], out: Path, size: int) -> None:
    shown = photos[:: max(1, len(photos) // SHOWN)][:SHOWN]
    rows = []
    for photo in shown:
        painted = [out / folder.name / f"{photo.stem}.png" for folder in folders]
        rows.append([to_tensor(read_picture(path, size)) for path in (photo, *painted)])
    save_picture(picture_grid(rows, ["photo", *(f.name for f in folders)]), out / "sheet.jpg")


def told(scores: Mapping[str, Scores]) -> str:
    rows = [[name, *(s.cell(m) for m in MEASURES)] for name, s in scores.items()]
    means = [
        f"{sum(s.values[m] for s in scores.values()) / len(scores):.4g}"
        if all(m in s.values for s in scores.values())
        else "-"
        for m in MEASURES
    ]
    return table(("", *MEASURES), [*rows, ["mean", *means]])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("collections", type=Path)
    names = ("code", "refine", "personal", "optimize")
    parser.add_argument("--methods", nargs="+", default=["code"], choices=names)
    parser.add_argument("--model", default="base")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--pictures", type=int, default=0, metavar="N", help="of each (all)")
    parser.add_argument("--content", default="scikit-image", help="photos to learn with")
    parser.add_argument("--seconds", type=float, default=45, help="of refining (45)")
    parser.add_argument("--set", nargs="+", default=[], metavar="key.sub=value")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=288)
    parser.add_argument("--features", default="compact")
    parser.add_argument("--feature-weights", default="")
    parser.add_argument("--plain", default="", help="folder of plain photos; else PHOTOS")
    return parser.parse_args()


def main() -> None:
    options = parse()
    keep_freed_memory()
    photos = find_pictures(options.photos)
    folders = [
        f for f in sorted(options.collections.iterdir()) if f.is_dir() and f.name != LEFT_OUT
    ]
    judged = [f for f in folders if not options.only or f.name in options.only]
    learned = [some_of(folder, options.pictures, options.out) for folder in judged]
    methods = Methods(options)
    for method in options.methods:
        for folder in tqdm(learned, desc=method):
            begin = partial(getattr(methods, method), folder)
            paint(begin, photos, options.out / method / folder.name)
        sheet(photos, judged, options.out / method, options.size)
    network = picture_features(options.features, options.feature_weights)
    extractor, log = RememberingEye(network, options.features, options.size), Log(tqdm.write)
    collections = {folder.name: find_pictures(folder) for folder in folders}
    plain = find_pictures(Path(options.plain)) if options.plain else photos
    contents = named_pictures(options.photos, "photos")
    scores: dict[str, dict[str, Scores]] = {method: {} for method in options.methods}
    for folder in tqdm(judged, desc="judging"):
        judge = CollectionEvaluator(extractor, collections, folder.name, plain, log)
        for method, found in scores.items():
            outputs = outputs_in(options.out / method / folder.name, contents, None)
            found[folder.name] = judge.evaluate(outputs, log)
    for method, found in scores.items():
        (options.out / method / "table.md").write_text(told(found) + "\n", encoding="utf-8")
        values = {name: s.to_json() for name, s in found.items()}
        write_json(options.out / method / "scores.json", values)
        print(f"{method}\n{told(found)}")


if __name__ == "__main__":
    main()
