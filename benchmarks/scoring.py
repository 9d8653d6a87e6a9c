"""Scores of many folders of paintings after many collections; see benchmarks/methods.py.

Every picture of the collections and every photo goes through the network once, not once for each
collection; what it says of the collections' pictures is kept in files for later programs.
"""

import sys
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file, save_file
from timing import table
from torch import Tensor
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import gan_style
from gan_style.errors import PictureError
from gan_style.evaluation.evaluators import CollectionEvaluator
from gan_style.evaluation.extractor import FeatureExtractor, Features, ReadablePictures
from gan_style.evaluation.outputs import find_outputs
from gan_style.evaluation.scores import Scores
from gan_style.evaluation.statistics import Painting, read_painting
from gan_style.files import replacing
from gan_style.models.feature_maps import FeatureMaps

METRICS = (
    "content",
    "ssim",
    "nn_distance",
    "centroid_accuracy",
    "deception_rate",
    "photo_rate",
    "plain_energy",
    "edge_ringing",
    "c2st_auc",
    "memorization",
)
Place = TypeVar("Place", bound=Hashable)


class StoredExtractor(FeatureExtractor):
    """Keeps what it reads of pictures in files, which another program can use.

    A file is named after the contents of the picture's, its folder after everything that the
    numbers depend on.

    Args:
        network, name, size: as FeatureExtractor.
        folder: for the files.
    """

    def __init__(self, network: FeatureMaps, name: str, size: int, folder: Path) -> None:
        super().__init__(network, name, size)
        self._folder = folder / f"{name}-{fingerprint(network)}"

    def _read_features(self, path: Path) -> Features:
        read = super()._read_features
        return Features(**self._stored(path, str(self.size), lambda: read(path)._asdict()))

    def _read_patches(self, path: Path) -> Tensor:
        read = super()._read_patches  # of the same pixels at any size
        return self._stored(path, "patches", lambda: {"patches": read(path)})["patches"]

    def _stored(
        self, path: Path, kind: str, read: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        if not path.is_file():
            return read()  # which says what is wrong
        file = self._folder / kind / f"{sha256(path.read_bytes()).hexdigest()[:32]}.safetensors"
        if not file.exists():
            values = {name: value.contiguous() for name, value in read().items()}
            with replacing(file) as temporary:
                save_file(values, temporary)
        return load_file(file)


def fingerprint(network: FeatureMaps) -> str:
    """Digits that are others for other weights, another version of torch or any change of ours."""
    digest = sha256(torch.__version__.encode())
    for source in sorted(Path(gan_style.__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    for values in network.state_dict().values():
        digest.update(values.cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def read_paintings(
    extractor: FeatureExtractor, places: Mapping[Place, Path], contents: Mapping[str, Path]
) -> dict[Place, tuple[list[Painting], int]]:
    """The paintings of some folders, and how many cannot be read; all of one photo in turn."""
    found: dict[Place, list[Painting]] = {place: [] for place in places}
    skipped = {place: ReadablePictures() for place in places}
    outputs = [
        (output, place)
        for place, folder in places.items()
        for output in find_outputs(folder, contents, None)
    ]
    outputs.sort(key=lambda pair: pair[0].content)
    for output, place in tqdm(outputs, desc=f"paintings at {extractor.size} px"):
        try:
            found[place].append(read_painting(extractor, output, patches=True)[0])
        except PictureError as error:
            skipped[place].skip(error)
    return {place: (found[place], skipped[place].skipped) for place in places}


def score(
    extractor: FeatureExtractor,
    collections: Mapping[str, Sequence[Path]],
    folders: Mapping[str, Mapping[str, Path]],
    contents: Mapping[str, Path],
    plain: Sequence[Path],
) -> dict[str, dict[str, Scores]]:
    """The scores of `gan-style evaluate collection`, as those of one folder at a time.

    Args:
        extractor: the features that are compared.
        collections: to choose among.
        folders: of the paintings: method -> name of the collection -> folder.
        contents: the photos by name.
        plain: plain photos.

    Returns:
        Method -> name of the collection -> scores.
    """
    places = {(m, name): folder for m, found in folders.items() for name, folder in found.items()}
    paintings = read_paintings(extractor, places, contents)
    scores: dict[str, dict[str, Scores]] = {method: {} for method in folders}
    names = dict.fromkeys(name for _, name in places)
    for name in tqdm(names, desc=f"collections at {extractor.size} px"):
        pictures = ReadablePictures()
        evaluator = CollectionEvaluator(extractor, collections, name, plain, pictures)
        for method, found in scores.items():
            if (method, name) in places:
                read, skipped = paintings[method, name]
                found[name] = evaluator.compare(read, pictures.skipped + skipped)
    return scores


def scores_table(scores: Mapping[str, Scores]) -> str:
    """A row for each collection, and their mean."""
    rows = [[name, *(s.cell(m) for m in METRICS)] for name, s in scores.items()]
    return table(("", *METRICS), [*rows, ["mean", *means(scores.values())]])


def seeds_table(seeds: Mapping[str, Mapping[str, Scores]]) -> str:
    """Means over seeds, for each collection, and means over collections, for each seed."""
    each = list(seeds.values())
    rows = [[name, *means(scores[name] for scores in each)] for name in each[0]]
    rows += [[f"mean of {name}", *means(scores.values())] for name, scores in seeds.items()]
    everything = (s for scores in each for s in scores.values())
    return table(("", *METRICS), [*rows, ["mean", *means(everything)]])


def means(scores: Iterable[Scores]) -> list[str]:
    """Of every metric that all of the scores have."""
    values = [s.values for s in scores]
    return [
        f"{sum(v[m] for v in values) / len(values):.4g}" if all(m in v for v in values) else "-"
        for m in METRICS
    ]
