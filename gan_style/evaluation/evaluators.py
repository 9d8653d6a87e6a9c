"""Judges: what paintings are compared with, read once, and the comparison.

Pictures that cannot be read are told in a line, counted and left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from gan_style.data.images import read_picture
from gan_style.errors import EvaluationError, PictureError
from gan_style.evaluation import metrics
from gan_style.evaluation.deception import PHOTOS, PatchClassifier
from gan_style.evaluation.extractor import FeatureExtractor, Log, Progress
from gan_style.evaluation.fid import FrechetDistance
from gan_style.evaluation.memorization import CopyDetector, gray_square
from gan_style.evaluation.outputs import Output
from gan_style.evaluation.scores import SHOWN, Row, Scores
from gan_style.evaluation.two_sample import c2st_auc, kernel_distance, patch_statistics
from gan_style.losses.statistics import Maps, StyleStatistics, style_statistics
from gan_style.models.feature_networks import CONTENT_LAYER

_PHOTO = "/photos"  # the class of photos; no folder is called so


# ---------------------------------------------------------------------- pairs


class PairEvaluator:
    """Compares paintings with the photo and the style picture each was made from."""

    def __init__(self, extractor: FeatureExtractor) -> None:
        self.extractor = extractor
        self._photo = lru_cache(maxsize=4)(self._look_at_photo)  # paintings of one come together
        self._style = lru_cache(maxsize=None)(self._look_at_style)

    def _look_at_photo(self, path: Path) -> tuple[Tensor, Tensor]:
        square = self.extractor.square(read_picture(path))
        return square, self.extractor.maps(square)[CONTENT_LAYER]

    def _look_at_style(self, path: Path) -> StyleStatistics:
        return style_statistics(self.extractor.maps(self.extractor.square(read_picture(path))))

    def evaluate(self, outputs: Sequence[Output], log: Log, progress: Progress = iter) -> Scores:
        """Score paintings by the mean over all that can be read, with their photo and style.

        Raises:
            EvaluationError: not one can.
        """
        shown = _shown(outputs)
        scores: list[dict[str, float]] = []
        rows: list[Row] = []
        for output in progress(outputs):
            try:
                painting = self.extractor.square(output.get())
                scores.append(self._score(painting, output))
                if output.name in shown:
                    style = self.extractor.square(read_picture(output.style))
                    rows.append(Row(output.name, self._photo(output.content)[0], style, painting))
            except PictureError as error:
                log.skip(error)
        values = _means(scores, outputs)
        about = (len(scores), log.skipped, self.extractor.size, self.extractor.name)
        return Scores("pairs", *about, values, rows=tuple(rows))

    def _score(self, painting: Tensor, output: Output) -> dict[str, float]:
        assert output.style is not None
        target, maps = self._style(output.style), self.extractor.maps(painting)
        statistics = style_statistics(maps)
        photo, photo_map = self._photo(output.content)
        return {
            "content": metrics.content_distance(maps, {CONTENT_LAYER: photo_map}),
            "moments": metrics.moments_distance(statistics, target),
            "gram": metrics.gram_distance(statistics, target),
            "ssim": metrics.structural_similarity(painting[None], photo[None]),
        }


def _means(scores: Sequence[Mapping[str, float]], outputs: Sequence[Output]) -> dict[str, float]:
    if not scores:
        raise EvaluationError(f"not one of {len(outputs)} paintings can be scored")
    return {name: sum(row[name] for row in scores) / len(scores) for name in scores[0]}


def _shown(outputs: Sequence[Output]) -> set[str]:
    """The names of those for the contact sheet, spread over all."""
    step = max(1, -(-len(outputs) // SHOWN))
    return {output.name for output in outputs[::step]}


# ---------------------------------------------------------------------- a collection


@dataclass
class _Looks:
    """What is kept of n pictures of a collection, or of n paintings."""

    signatures: list[Tensor] = field(default_factory=list)  # (1, D)
    patches: list[Tensor] = field(default_factory=list)  # (1, 9, D)
    hands: list[Tensor] = field(default_factory=list)  # (0 to 9, D)
    grays: list[Tensor] = field(default_factory=list)  # (1, 288, 288)

    def add(self, maps: Maps, picture: Image.Image) -> None:
        """Keep what is wanted of those that are judged, and of those they are judged by."""
        self.signatures.append(metrics.signature(maps))
        self.patches.append(patch_statistics(maps))
        self.grays.append(gray_square(picture))


class CollectionEvaluator:
    """Compares paintings with a collection, and with others that they could be taken for.

    Args:
        extractor: how pictures are looked at.
        collections: the pictures of each collection; with one alone `named`, `hand` and
            `photo_rate` do not apply.
        name: the one in whose style the paintings are meant to be.
        photos: plain photos, one more class for `hand`. Of more than 80, 80 spread evenly.
        log: told of pictures that cannot be read.
        progress: wrapped around the pictures.
        frechet: takes all pictures, if given, for `fid`.

    Raises:
        EvaluationError: the collection has no picture that can be read.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        collections: Mapping[str, Sequence[Path]],
        name: str,
        photos: Sequence[Path],
        log: Log,
        progress: Progress = iter,
        frechet: FrechetDistance | None = None,
    ) -> None:
        self.extractor = extractor
        self.name = name
        self._frechet = frechet
        self._own, self._squares = _Looks(), list[Tensor]()
        self._bank: dict[str, Tensor] = {}
        self._classes: list[str] = []
        hands: dict[str, list[Tensor]] = {}
        for other, paths in collections.items():
            looks = self._own if other == name else _Looks()
            self._look(log.read(progress(paths)), looks, hand=len(collections) > 1)
            if looks.signatures:
                self._bank[other] = torch.cat(looks.signatures)
            hands[other] = looks.hands
        if name not in self._bank:
            raise EvaluationError(f"not one picture of the collection {name} can be read")
        self._scale = metrics.signature_scale(torch.cat(list(self._bank.values())))
        self._detector = CopyDetector(self._own.grays)
        if len(collections) > 1:
            plain = photos[:: max(1, len(photos) // PHOTOS)][:PHOTOS]
            hands[_PHOTO] = [extractor.hand(picture) for picture in log.read(progress(plain))]
            self._learn_hands(hands)

    def _look(self, pictures: Iterable[Image.Image], looks: _Looks, *, hand: bool) -> None:
        for picture in pictures:
            square = self.extractor.square(picture)
            maps = self.extractor.maps(square)
            if looks is self._own:
                looks.add(maps, picture)
                self._squares += [square] if len(self._squares) < SHOWN else []
                if self._frechet:
                    self._frechet.add(square, real=True)
            else:
                looks.signatures.append(metrics.signature(maps))
            if hand:
                looks.hands.append(self.extractor.hand(picture))

    def _learn_hands(self, hands: Mapping[str, list[Tensor]]) -> None:
        """A class without a patch that is not flat is nobody's hand."""
        classes = {name: torch.cat(found) for name, found in hands.items() if found}
        classes = {name: patches for name, patches in classes.items() if len(patches)}
        if {self.name, _PHOTO} < classes.keys():
            self._classes = list(classes)
            self._classifier = PatchClassifier(list(classes.values()))

    def evaluate(self, outputs: Sequence[Output], log: Log, progress: Progress = iter) -> Scores:
        """Score the paintings that can be read, with their photos.

        Raises:
            EvaluationError: not one can.
        """
        shown = _shown(outputs)
        near: list[dict[str, float]] = []
        names: list[str] = []
        rows: list[Row] = []
        looks = _Looks()
        for output in progress(outputs):
            try:
                picture, photo = output.get(), self.extractor.square(read_picture(output.content))
            except PictureError as error:
                log.skip(error)
                continue
            painting = self.extractor.square(picture)
            maps = self.extractor.maps(painting)
            near.append(
                {
                    "content": metrics.content_distance(maps, self.extractor.maps(photo)),
                    "ssim": metrics.structural_similarity(painting[None], photo[None]),
                }
            )
            looks.add(maps, picture)
            if self._frechet:
                self._frechet.add(painting, real=False)
            if self._classes:
                looks.hands.append(self.extractor.hand(picture))
            names.append(output.name)
            if output.name in shown:
                style = self._squares[len(rows) % len(self._squares)]
                rows.append(Row(output.name, photo, style, painting))
        values = _means(near, outputs) | self._as_collections(looks)
        return self._tell(values, looks, names, log, tuple(rows))

    def _as_collections(self, looks: _Looks) -> dict[str, float]:
        """fit, named, hand and photo_rate, those that apply."""
        paintings = torch.cat(looks.signatures)
        values: dict[str, float] = {}
        own = self._bank[self.name]
        fit = metrics.nn_distance(paintings, own, self._scale)
        if fit is not None:
            values["nn_distance"] = fit
        if len(self._bank) > 1:
            values["centroid_accuracy"] = metrics.centroid_accuracy(
                paintings, self._bank, self.name, self._scale
            )
        if self._classes:
            numbers = self._classes.index(self.name), self._classes.index(_PHOTO)
            shares = self._classifier.shares(torch.cat(looks.hands), *numbers)
            values |= {} if shares is None else shares._asdict()
        return values

    def _tell(
        self,
        values: dict[str, float],
        looks: _Looks,
        names: Sequence[str],
        log: Log,
        rows: tuple[Row, ...],
    ) -> Scores:
        """Add the two-sample tests and what was copied."""
        auc = c2st_auc(torch.cat(looks.patches), torch.cat(self._own.patches))
        kid = kernel_distance(torch.cat(looks.signatures), self._bank[self.name])
        found = {name: test for name, test in (("c2st_auc", auc), ("kid", kid)) if test is not None}
        values |= {name: test.value for name, test in found.items()}
        deviations = {name: test.deviation for name, test in found.items()}
        if self._frechet and (fid := self._frechet.value()) is not None:
            values["fid"] = fid
        copied = self._detector.compare(looks.grays)
        if copied is not None:
            values["memorization"] = copied.ratio
        about = (len(names), log.skipped, self.extractor.size, self.extractor.name)
        return Scores(
            "collection",
            *about,
            values,
            deviations,
            copies=tuple(names[i] for i in copied.copies) if copied else (),
            copying=copied is not None and copied.warns,
            rows=rows,
        )
