"""Evaluators: what paintings are compared with, read once, and the comparison.

Pictures that cannot be read are left out, with a warning in the log, and counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from gan_style.data.images import evenly, read_picture
from gan_style.errors import EvaluationError, PictureError
from gan_style.evaluation import metrics
from gan_style.evaluation.artifacts import (
    LEAST_ENERGY,
    LEAST_RINGING,
    edge_ringing,
    plain_energy,
    ratio_of_medians,
)
from gan_style.evaluation.deception import MAXIMUM_PHOTOS, PatchClassifier
from gan_style.evaluation.extractor import FeatureExtractor, Progress, ReadablePictures
from gan_style.evaluation.fid import FID_FEWEST, FrechetDistance
from gan_style.evaluation.memorization import FEWEST_PICTURES, CopyDetector, gray_square
from gan_style.evaluation.outputs import Output
from gan_style.evaluation.scores import SHEET_ROWS, Row, Scores
from gan_style.evaluation.two_sample import (
    C2ST_FEWEST,
    KID_FEWEST,
    Estimate,
    c2st_auc,
    kernel_distance,
    patch_statistics,
)
from gan_style.losses.statistics import Maps, StyleStatistics, style_statistics

_PHOTOS = "/photos"  # the class of photos; no folder has a slash in its name
_NEEDS_OTHERS = "needs --others FOLDER with other collections"


# ---------------------------------------------------------------------- pairs


class PairEvaluator:
    """Compares paintings with the photo and the style picture each was made from.

    Args:
        extractor: the features that are compared.
    """

    def __init__(self, extractor: FeatureExtractor) -> None:
        self.extractor = extractor
        self._photo = lru_cache(maxsize=4)(self._read_photo)  # paintings of one come together
        self._style = lru_cache(maxsize=None)(self._read_style)

    def _read_photo(self, path: Path) -> tuple[Tensor, Tensor]:
        """The center square and its content map."""
        square = self.extractor.square(read_picture(path))
        return square, self.extractor.content_map(self.extractor.maps(square))

    def _read_style(self, path: Path) -> StyleStatistics:
        return style_statistics(self.extractor.maps(self.extractor.square(read_picture(path))))

    def evaluate(
        self, outputs: Sequence[Output], pictures: ReadablePictures, progress: Progress = iter
    ) -> Scores:
        """Score paintings by the mean over all that can be read, with their photo and style.

        Args:
            outputs: the paintings, each with its style.
            pictures: counts those that cannot be read.
            progress: wrapped around the paintings.

        Raises:
            EvaluationError: none can be read.
        """
        shown = _names_for_sheet(outputs)
        scores: list[dict[str, float]] = []
        rows: list[Row] = []
        for output in progress(outputs):
            assert output.style is not None
            try:
                painting = self.extractor.square(output.get())
                scores.append(self._score(painting, output.content, output.style))
                if output.name in shown:
                    style = self.extractor.square(read_picture(output.style))
                    rows.append(Row(output.name, self._photo(output.content)[0], style, painting))
            except PictureError as error:
                pictures.skip(error)
        values = _means(scores, outputs)
        about = (len(scores), pictures.skipped, self.extractor.size, self.extractor.name)
        return Scores("pairs", *about, values, rows=tuple(rows))

    def _score(self, painting: Tensor, content: Path, style: Path) -> dict[str, float]:
        target, maps = self._style(style), self.extractor.maps(painting)
        statistics = style_statistics(maps)
        photo, photo_map = self._photo(content)
        return {
            "content": metrics.content_distance(self.extractor.content_map(maps), photo_map),
            "moments": metrics.moments_distance(statistics, target),
            "gram": metrics.gram_distance(statistics, target),
            "ssim": metrics.structural_similarity(painting[None], photo[None]),
        }


def _means(scores: Sequence[Mapping[str, float]], outputs: Sequence[Output]) -> dict[str, float]:
    if not scores:
        raise EvaluationError(f"not one of {len(outputs)} paintings can be scored")
    return {name: sum(row[name] for row in scores) / len(scores) for name in scores[0]}


def _names_for_sheet(outputs: Sequence[Output]) -> set[str]:
    return {output.name for output in evenly(outputs, SHEET_ROWS)}


# ---------------------------------------------------------------------- a collection


@dataclass
class _SetStatistics:
    """What is kept of the pictures of a collection, or of the paintings: an entry a picture."""

    signatures: list[Tensor] = field(default_factory=list)  # (1, D)
    cells: list[Tensor] = field(default_factory=list)  # (1, 9, D), for the two-sample test
    gray_patches: list[Tensor] = field(default_factory=list)  # (0 to 9, D), for the classifier
    gray_squares: list[Tensor] = field(default_factory=list)  # (1, 288, 288), for copies
    energies: list[float] = field(default_factory=list)  # of plain regions
    ringing: list[float] = field(default_factory=list)  # of contours, where there are any

    def add(self, picture: Image.Image, square: Tensor, maps: Maps, guide: Tensor) -> None:
        """Keep all of a picture but the gray patches; its plain regions are those of `guide`."""
        self.signatures.append(metrics.signature(maps))
        self.cells.append(patch_statistics(maps))
        self.gray_squares.append(gray_square(picture))
        self.energies.append(plain_energy(square, guide))
        ringing = edge_ringing(square, guide)
        self.ringing += [] if ringing is None else [ringing]


@dataclass
class _Results:
    """Values of metrics, their deviations, and why others have none."""

    values: dict[str, float]
    deviations: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: float | Estimate | None, reason: str) -> None:
        """Keep a value, or the reason why it is None."""
        if value is None:
            self.reasons[name] = reason
        elif isinstance(value, Estimate):
            self.values[name], self.deviations[name] = value
        else:
            self.values[name] = value


class CollectionEvaluator:
    """Compares paintings with a collection, and with others that they could be taken for.

    Args:
        extractor: the features that are compared.
        collections: the pictures of each collection by its name; with one alone
            `centroid_accuracy`, `deception_rate` and `photo_rate` cannot be computed.
        name: of the collection in whose style the paintings are meant to be.
        photos: plain photos, one more class for `deception_rate`; at most 80 of them are used.
        pictures: counts those that cannot be read.
        progress: wrapped around the pictures.
        frechet: adds `fid`, if given.

    Raises:
        EvaluationError: the collection has no picture that can be read.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        collections: Mapping[str, Sequence[Path]],
        name: str,
        photos: Sequence[Path],
        pictures: ReadablePictures,
        progress: Progress = iter,
        frechet: FrechetDistance | None = None,
    ) -> None:
        self.extractor = extractor
        self.name = name
        self._frechet = frechet
        self._own, self._squares = _SetStatistics(), list[Tensor]()
        self._alone = len(collections) == 1
        self._signatures: dict[str, Tensor] = {}
        patches: dict[str, list[Tensor]] = {}
        for other, paths in collections.items():
            found = self._own if other == name else _SetStatistics()
            self._read(pictures.read(progress(paths)), found)
            if found.signatures:
                self._signatures[other] = torch.cat(found.signatures)
            patches[other] = found.gray_patches
        if name not in self._signatures:
            raise EvaluationError(f"not one picture of the collection {name} can be read")
        self._scale = metrics.signature_scale(torch.cat(list(self._signatures.values())))
        self._detector = CopyDetector(self._own.gray_squares)
        self._classes: list[str] = []
        if not self._alone:
            # a whole step, not `evenly`: published deception rates depend on which photos these are
            plain = photos[:: max(1, len(photos) // MAXIMUM_PHOTOS)][:MAXIMUM_PHOTOS]
            read = pictures.read(progress(plain))
            patches[_PHOTOS] = [extractor.patch_signatures(picture) for picture in read]
            self._fit_classifier(patches)

    def _read(self, pictures: Iterable[Image.Image], found: _SetStatistics) -> None:
        """Keep what is needed of a collection's pictures: of others it is less than of its own."""
        for picture in pictures:
            square = self.extractor.square(picture)
            maps = self.extractor.maps(square)
            if found is self._own:
                found.add(picture, square, maps, guide=square)
                self._squares += [square] if len(self._squares) < SHEET_ROWS else []
                if self._frechet:
                    self._frechet.add(square, real=True)
            else:
                found.signatures.append(metrics.signature(maps))
            if not self._alone:
                found.gray_patches.append(self.extractor.patch_signatures(picture))

    def _fit_classifier(self, patches: Mapping[str, list[Tensor]]) -> None:
        """Fit it to the classes that have a patch; both needed and one more must be among them."""
        classes = {name: torch.cat(found) for name, found in patches.items() if found}
        classes = {name: found for name, found in classes.items() if len(found)}
        if {self.name, _PHOTOS} < classes.keys():
            self._classes = list(classes)
            self._classifier = PatchClassifier(list(classes.values()))

    def evaluate(
        self, outputs: Sequence[Output], pictures: ReadablePictures, progress: Progress = iter
    ) -> Scores:
        """Score the paintings that can be read, with their photos.

        Args:
            outputs: the paintings.
            pictures: counts those that cannot be read.
            progress: wrapped around the paintings.

        Raises:
            EvaluationError: none can be read.
        """
        shown = _names_for_sheet(outputs)
        near: list[dict[str, float]] = []
        names: list[str] = []
        rows: list[Row] = []
        found = _SetStatistics()
        for output in progress(outputs):
            try:
                picture, photo = output.get(), self.extractor.square(read_picture(output.content))
            except PictureError as error:
                pictures.skip(error)
                continue
            painting = self.extractor.square(picture)
            near.append(self._add_painting(picture, painting, photo, found))
            names.append(output.name)
            if output.name in shown:
                style = self._squares[len(rows) % len(self._squares)]
                rows.append(Row(output.name, photo, style, painting))
        results = _Results(_means(near, outputs))
        self._compare_sets(found, results)
        self._compare_artifacts(found, results)
        self._compare_distributions(found, results)
        return self._scores(results, found, names, pictures.skipped, tuple(rows))

    def _add_painting(
        self, picture: Image.Image, painting: Tensor, photo: Tensor, found: _SetStatistics
    ) -> dict[str, float]:
        """Keep a painting and return its distances from its photo."""
        maps = self.extractor.maps(painting)
        found.add(picture, painting, maps, guide=photo)
        if self._frechet:
            self._frechet.add(painting, real=False)
        if self._classes:
            found.gray_patches.append(self.extractor.patch_signatures(picture))
        content = (self.extractor.content_map(m) for m in (maps, self.extractor.maps(photo)))
        return {
            "content": metrics.content_distance(*content),
            "ssim": metrics.structural_similarity(painting[None], photo[None]),
        }

    def _compare_sets(self, found: _SetStatistics, results: _Results) -> None:
        """Add nn_distance, centroid_accuracy, deception_rate and photo_rate."""
        paintings, own = torch.cat(found.signatures), self._signatures[self.name]
        distance = metrics.nn_distance(paintings, own, self._scale)
        results.add("nn_distance", distance, "needs 2 pictures of the collection")
        accuracy = None
        if len(self._signatures) > 1:
            known = self._signatures, self.name, self._scale
            accuracy = metrics.centroid_accuracy(paintings, *known)
        unread = _NEEDS_OTHERS if self._alone else "no picture of another collection can be read"
        results.add("centroid_accuracy", accuracy, unread)
        shares, reason = None, _NEEDS_OTHERS
        if self._classes:
            numbers = self._classes.index(self.name), self._classes.index(_PHOTOS)
            shares = self._classifier.shares(torch.cat(found.gray_patches), *numbers)
            reason = "every patch of the paintings is flat"
        elif not self._alone:
            reason = "needs a patch that is not flat of the collection, of another and of a photo"
        for name in ("deception_rate", "photo_rate"):
            results.add(name, getattr(shares, name, None), reason)

    def _compare_artifacts(self, found: _SetStatistics, results: _Results) -> None:
        """Add plain_energy and edge_ringing."""
        own = self._own
        results.values["plain_energy"] = ratio_of_medians(
            found.energies, own.energies, LEAST_ENERGY
        )
        ringing = None
        if found.ringing and own.ringing:
            ringing = ratio_of_medians(found.ringing, own.ringing, LEAST_RINGING)
        reason = "needs contours in the collection, and in photos and their paintings"
        results.add("edge_ringing", ringing, reason)

    def _compare_distributions(self, found: _SetStatistics, results: _Results) -> None:
        """Add c2st_auc, kid and fid."""
        own = self._signatures[self.name]
        test = c2st_auc(torch.cat(found.cells), torch.cat(self._own.cells))
        results.add("c2st_auc", test, self._too_few(C2ST_FEWEST, found))
        distance = kernel_distance(torch.cat(found.signatures), own)
        results.add("kid", distance, self._too_few(KID_FEWEST, found))
        if self._frechet:
            results.add("fid", self._frechet.value(), self._too_few(FID_FEWEST, found))

    def _too_few(self, fewest: int, found: _SetStatistics) -> str:
        counts = f"{len(found.signatures)} paintings and {len(self._own.signatures)} pictures"
        return f"needs {fewest} paintings and {fewest} pictures of the collection, has {counts}"

    def _scores(
        self,
        results: _Results,
        found: _SetStatistics,
        names: Sequence[str],
        skipped: int,
        rows: tuple[Row, ...],
    ) -> Scores:
        """Look for copies, and put everything together."""
        copied = self._detector.compare(found.gray_squares)
        count = len(self._own.gray_squares)
        reason = "only plain ground in the collection or the paintings"
        if count < FEWEST_PICTURES:
            reason = f"needs {FEWEST_PICTURES} pictures of the collection, has {count}"
        results.add("memorization", copied.ratio if copied else None, reason)
        about = (len(names), skipped, self.extractor.size, self.extractor.name)
        return Scores(
            "collection",
            *about,
            results.values,
            results.deviations,
            results.reasons,
            copies=tuple(names[i] for i in copied.copies) if copied else (),
            copying=copied is not None and copied.warns,
            rows=rows,
        )
