"""Scores of each way to learn a style, on collections that the base model was not trained on.

    python benchmarks/methods.py PHOTOS COLLECTIONS … -o OUT
        [--methods code refine personal optimize] [--model M] [--only NAME …] [--pictures N]
        [--content FOLDER] [--set key.sub=value …] [--seeds 0 1 …] [--shares 0.5 1 …]
        [--size PIXELS …] [--features vgg19 …]

For every folder of each COLLECTIONS (one named diverse is left out), or those of --only, every
photo of PHOTOS is painted at each --size:
    code       by --model, in the collection's mean code
    refine     by --model, in that code refined for --seconds
    personal   by a model trained from --model on the collection, with photos of --content and the
               options of --set, five minutes unless they say otherwise; once for each of --seeds.
               With --shares also by models so much of the way from --model to it, merged of both
    optimize   by `gan-style optimize` with the mean Gram matrix of the collection
and scored as `gan-style evaluate collection` does, with the other folders to choose among. With
--pictures only so many of the collection, evenly chosen, are learned from; scores are against all
of them.

OUT takes for each method a folder of its paintings (those that are there are not made again), with
a table, and a sheet: a row for each photo, a column for each collection. At several sizes each
method has a folder for each of them. Personal models are kept in runs/NAME. Seed 1 of them has the
folders personal-seed1 and runs/NAME-seed1 beside those of seed 0, and personal/seeds.md the means
over seeds; share 0.5 has personal-share0.5. features/ holds what the network says of the pictures
of collections, for the next call.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from pathlib import Path

from PIL import Image
from scoring import StoredExtractor, score, scores_table, seeds_table
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gan_style import StyleCode, Stylizer
from gan_style.config import DataConfig, load_config
from gan_style.data.collection import load_content
from gan_style.data.grid import picture_grid
from gan_style.data.images import evenly, find_pictures, read_picture, save_picture, to_tensor
from gan_style.device import keep_freed_memory
from gan_style.evaluation.config import LEFT_OUT
from gan_style.evaluation.outputs import pictures_by_name
from gan_style.evaluation.scores import write_json
from gan_style.models.feature_networks import picture_features
from gan_style.optimization.config import OptimizeConfig
from gan_style.optimization.optimize import optimize
from gan_style.sizes import READING_SIDE
from gan_style.training.refine import refine
from gan_style.training.run import train

SHEET_ROWS = 6
Stylize = Callable[[Path, int], Image.Image]  # photo and short side -> painting
Learn = Callable[[Path], Stylize]  # folder of a collection -> what paints in its style


class Methods:
    """What paints a photo after a collection, by the method's name."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.stylizer = Stylizer.from_pretrained(options.model)

    def code(self, folder: Path) -> Stylize:
        return self._with(self.stylizer, self._encoded(self.stylizer, folder))

    def refine(self, folder: Path) -> Stylize:
        pictures, seconds = find_pictures(folder), self.options.seconds
        photos = load_content(DataConfig(content=self.options.content))
        code = self._encoded(self.stylizer, folder)
        return self._with(self.stylizer, refine(self.stylizer, code, pictures, photos, seconds))

    def personal(self, folder: Path, seed: int = 0, share: float = 1.0) -> Stylize:
        run = self.options.out / "runs" / with_seed(folder.name, seed)
        overrides = {
            "data.styles": folder,
            "data.content": self.options.content,
            "run.dir": run,
            "train.init": self.options.model,
            "train.seed": seed,
            "tracking.wandb": "off",
        }
        if not (run / "model.safetensors").exists():
            given = [f"{key}={value}" for key, value in overrides.items()]
            train(load_config(None, given + self.options.set))
        if share == 1:
            stylizer = Stylizer.from_pretrained(run)
        else:
            stylizer = Stylizer.merge([self.options.model, run], [1 - share, share])
        return self._with(stylizer, self._encoded(stylizer, folder))

    def optimize(self, folder: Path) -> Stylize:
        return lambda photo, size: optimize(photo, folder, OptimizeConfig(size=size))[0]

    def _encoded(self, stylizer: Stylizer, folder: Path) -> StyleCode:
        return stylizer.encode(find_pictures(folder), folder.name)

    def _with(self, stylizer: Stylizer, code: StyleCode) -> Stylize:
        return lambda photo, size: stylizer.stylize(photo, code, size=size)


def with_seed(name: str, seed: int) -> str:
    """The name of a folder of personal models or of their paintings."""
    return f"{name}-seed{seed}" if seed else name


def learners(options: argparse.Namespace) -> dict[str, Learn]:
    """What learns a style by each of the methods, by the name of the folder of its paintings."""
    methods = Methods(options)
    found: dict[str, Learn] = {method: getattr(methods, method) for method in options.methods}
    if found.pop("personal", None):
        for share, seed in product(options.shares, options.seeds):
            name = with_seed(with_share("personal", share), seed)
            found[name] = partial(methods.personal, seed=seed, share=share)
    return found


def with_share(name: str, share: float) -> str:
    """The name of a folder of paintings by models part of the way from the base model."""
    return name if share == 1 else f"{name}-share{share:g}"


def subset(folder: Path, number: int | None, out: Path) -> Path:
    """A folder of `number` pictures of a collection, evenly chosen; None: the collection itself."""
    if number is None:
        return folder
    chosen = out / f"pictures-{number}" / folder.name
    chosen.mkdir(parents=True, exist_ok=True)
    for picture in evenly(find_pictures(folder), number):
        shutil.copy(picture, chosen / picture.name)
    return chosen


def paint(learn: Callable[[], Stylize], photos: list[Path], places: Mapping[int, Path]) -> None:
    """Paint the photos whose paintings are missing; `learn` is called if any is.

    Args:
        learn: returns what paints.
        photos: what to paint.
        places: where paintings of each size go.
    """
    missing = [
        (photo, size, painting)
        for size, place in places.items()
        for photo in photos
        if not (painting := place / f"{photo.stem}.png").exists()
    ]
    if missing:
        stylize = learn()
        for photo, size, painting in missing:
            save_picture(stylize(photo, size), painting)


def sheet(photos: list[Path], folders: list[Path], out: Path, size: int) -> None:
    rows = []
    for photo in evenly(photos, SHEET_ROWS):
        painted = [out / folder.name / f"{photo.stem}.png" for folder in folders]
        rows.append([to_tensor(read_picture(path, size)) for path in (photo, *painted)])
    save_picture(picture_grid(rows, ["photo", *(f.name for f in folders)]), out / "sheet.jpg")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path)
    parser.add_argument("collections", nargs="+", type=Path)
    names = ("code", "refine", "personal", "optimize")
    parser.add_argument("--methods", nargs="+", default=["code"], choices=names)
    parser.add_argument("--model", default="base")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--pictures", type=int, metavar="N", help="of each (all)")
    parser.add_argument("--content", default="scikit-image", help="photos to learn with")
    parser.add_argument("--seconds", type=float, default=45, help="of refining (45)")
    parser.add_argument("--set", nargs="+", default=[], metavar="key.sub=value")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="SEED")
    parser.add_argument("--shares", nargs="+", type=float, default=[1.0], metavar="SHARE")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--size", nargs="+", type=int, default=[READING_SIDE], metavar="PIXELS")
    parser.add_argument("--features", default="compact")
    parser.add_argument("--feature-weights")
    parser.add_argument("--plain", help="folder of plain photos; else PHOTOS")
    options = parser.parse_args()
    if any(each.startswith("train.seed=") for each in options.set):
        parser.error("give --seeds, which name the folders, instead of --set train.seed=…")
    return options


def collections_in(places: list[Path]) -> list[Path]:
    """The folders in all of the places, in the order of their names, which have to differ."""
    inside = [f for place in places for f in place.iterdir() if f.is_dir() and f.name != LEFT_OUT]
    names = [folder.name for folder in inside]
    if len(set(names)) < len(names):
        raise SystemExit(f"two collections of one name among {', '.join(sorted(names))}")
    return sorted(inside, key=lambda folder: folder.name)


def place_of(options: argparse.Namespace, method: str, size: int) -> Path:
    """Where the paintings of a method at one of the sizes, and their scores, are."""
    place: Path = options.out / method
    return place / str(size) if len(options.size) > 1 else place


def write_scores(
    options: argparse.Namespace, folders: list[Path], scored: list[Path], methods: list[str]
) -> None:
    """Score, write and print the tables of all methods at all sizes."""
    collections = {folder.name: find_pictures(folder) for folder in folders}
    contents = pictures_by_name(options.photos, "photos")
    plain = find_pictures(options.plain or options.photos)
    network = picture_features(options.features, options.feature_weights)
    for size in options.size:
        extractor = StoredExtractor(network, options.features, size, options.out / "features")
        places = {method: place_of(options, method, size) for method in methods}
        paintings = {m: {f.name: place / f.name for f in scored} for m, place in places.items()}
        scores = score(extractor, collections, paintings, contents, plain)
        for method, place in places.items():
            found = scores[method]
            write_table(f"{method} at {size} px", scores_table(found), place / "table.md")
            write_json(place / "scores.json", {name: s.to_json() for name, s in found.items()})
        seeds = {m: found for m, found in scores.items() if m.partition("-seed")[0] == "personal"}
        if len(seeds) > 1:
            place = place_of(options, "personal", size) / "seeds.md"
            write_table(f"personal at {size} px, seeds", seeds_table(seeds), place)


def write_table(title: str, text: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
    print(f"{title}\n{text}", flush=True)


def main() -> None:
    options = parse()
    keep_freed_memory()
    photos = find_pictures(options.photos)
    folders = collections_in(options.collections)
    scored = [f for f in folders if not options.only or f.name in options.only]
    learned = [subset(folder, options.pictures, options.out) for folder in scored]
    methods = learners(options)
    for method, learn in methods.items():
        places = {size: place_of(options, method, size) for size in options.size}
        for folder in tqdm(learned, desc=method):
            targets = {size: place / folder.name for size, place in places.items()}
            paint(partial(learn, folder), photos, targets)
        for size, place in places.items():
            sheet(photos, scored, place, size)
    write_scores(options, folders, scored, list(methods))


if __name__ == "__main__":
    main()
