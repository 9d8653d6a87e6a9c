"""Evaluators: what paintings are compared with, read once, and the comparison.

Pictures that cannot be read are left out, with a warning in the log, and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from gan_style.data.images import evenly
from gan_style.errors import EvaluationError, PictureError
from gan_style.evaluation import metrics
from gan_style.evaluation.artifacts import LEAST_ENERGY, LEAST_RINGING, ratio_of_medians
from gan_style.evaluation.deception import MAXIMUM_PHOTOS, PatchClassifier
from gan_style.evaluation.extractor import FeatureExtractor, Progress, ReadablePictures
from gan_style.evaluation.fid import FID_FEWEST, FrechetDistance
from gan_style.evaluation.memorization import FEWEST_PICTURES, CopyDetector, Memorization
from gan_style.evaluation.outputs import Output
from gan_style.evaluation.scores import SHEET_ROWS, Row, Scores
from gan_style.evaluation.statistics import Painting, Statistics, read_painting
from gan_style.evaluation.two_sample import (
    C2ST_FEWEST,
    KID_FEWEST,
    Estimate,
    c2st_auc,
    kernel_distance,
)
from gan_style.losses.statistics import StyleStatistics, style_statistics

_PHOTOS = "/photos"  # the class of photos; no folder has a slash in its name
_NOTHING = "not one of {} paintings can be scored"
_NEEDS_OTHERS = "needs --others FOLDER with other collections"


# ---------------------------------------------------------------------- pairs


class PairEvaluator:
    """Compares paintings with the photo and the style picture each was made from.

    Args:
        extractor: the features that are compared.
    """

    def __init__(self, extractor: FeatureExtractor) -> None:
        self.extractor = extractor
        self._style = lru_cache(maxsize=None)(self._read_style)

    def _read_style(self, path: Path) -> StyleStatistics:
        return style_statistics(self.extractor.maps(self.extractor.read(path)[1]))

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
                    style = self.extractor.read(output.style)[1]
                    photo = self.extractor.photo(output.content).square
                    rows.append(Row(output.name, photo, style, painting))
            except PictureError as error:
                pictures.skip(error)
        if not scores:
            raise EvaluationError(_NOTHING.format(len(outputs)))
        values = _means(scores)
        about = (len(scores), pictures.skipped, self.extractor.size, self.extractor.name)
        return Scores("pairs", *about, values, rows=tuple(rows))

    def _score(self, painting: Tensor, content: Path, style: Path) -> dict[str, float]:
        target, maps = self._style(style), self.extractor.maps(painting)
        statistics = style_statistics(maps)
        photo, photo_map = self.extractor.photo(content)
        return {
            "content": metrics.content_distance(self.extractor.content_map(maps), photo_map),
            "moments": metrics.moments_distance(statistics, target),
            "gram": metrics.gram_distance(statistics, target),
            "ssim": metrics.structural_similarity(painting[None], photo[None]),
        }


def _means(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: sum(row[name] for row in scores) / len(scores) for name in scores[0]}


def _names_for_sheet(outputs: Sequence[Output]) -> set[str]:
    return {output.name for output in evenly(outputs, SHEET_ROWS)}


# ---------------------------------------------------------------------- a collection


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


def _stacked(pictures: Sequence[Statistics], name: str) -> Tensor:
    return torch.cat([getattr(picture, name) for picture in pictures])


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
        self._own, self._squares = list[Statistics](), list[Tensor]()
        self._alone = len(collections) == 1
        self._signatures: dict[str, Tensor] = {}
        patches: dict[str, list[Tensor]] = {}
        for other, paths in collections.items():
            read = self._read_own if other == name else self._read_other
            found = list(pictures.read(progress(paths), read))
            if found:
                self._signatures[other] = torch.cat([signature for signature, _ in found])
            patches[other] = [of_one for _, of_one in found]
        if not self._own:
            raise EvaluationError(f"not one picture of the collection {name} can be read")
        self._scale = metrics.signature_scale(torch.cat(list(self._signatures.values())))
        self._detector = CopyDetector([picture.gray_square for picture in self._own])
        self._classes: list[str] = []
        if not self._alone:
            # a whole step, not `evenly`: published deception rates depend on which photos these are
            plain = photos[:: max(1, len(photos) // MAXIMUM_PHOTOS)][:MAXIMUM_PHOTOS]
            patches[_PHOTOS] = list(pictures.read(progress(plain), extractor.patches_of))
            self._fit_classifier(patches)

    def _read_other(self, path: Path) -> tuple[Tensor, Tensor]:
        """The signature of a picture, and those of its patches: none if nothing needs them."""
        signature = self.extractor.features_of(path).signature
        return signature, signature[:0] if self._alone else self.extractor.patches_of(path)

    def _read_own(self, path: Path) -> tuple[Tensor, Tensor]:
        """Return the same of a picture of the collection, and keep what else is needed."""
        read = self._read_other(path)
        picture, square = self.extractor.read(path)
        features = self.extractor.features_of(path)
        self._own.append(Statistics.measure(picture, square, features, guide=square))
        self._squares += [square] if len(self._squares) < SHEET_ROWS else []
        if self._frechet:
            self._frechet.add(square, real=True)
        return read

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
        paintings: list[Painting] = []
        rows: list[Row] = []
        for output in progress(outputs):
            try:
                read = read_painting(self.extractor, output, patches=bool(self._classes))
            except PictureError as error:
                pictures.skip(error)
                continue
            painting, photo, square = read
            paintings.append(painting)
            if self._frechet:
                self._frechet.add(square, real=False)
            if output.name in shown:
                style = self._squares[len(rows) % len(self._squares)]
                rows.append(Row(output.name, photo, style, square))
        if not paintings:
            raise EvaluationError(_NOTHING.format(len(outputs)))
        return self.compare(paintings, pictures.skipped, rows)

    def compare(
        self, paintings: Sequence[Painting], skipped: int = 0, rows: Sequence[Row] = ()
    ) -> Scores:
        """Score paintings that have been read, at least one; `evaluate` is this after reading.

        Args:
            paintings: with their patches, unless there is one collection alone.
            skipped: pictures that could not be read.
            rows: of the contact sheet.
        """
        results = _Results(_means([painting.distances for painting in paintings]))
        found = [painting.statistics for painting in paintings]
        self._compare_sets(found, [p.patches for p in paintings if p.patches is not None], results)
        self._compare_artifacts(found, results)
        self._compare_distributions(found, results)
        copied = self._find_copies(found, results)
        about = (len(paintings), skipped, self.extractor.size, self.extractor.name)
        return Scores(
            "collection",
            *about,
            results.values,
            results.deviations,
            results.reasons,
            copies=tuple(paintings[i].name for i in copied.copies) if copied else (),
            copying=copied is not None and copied.warns,
            rows=tuple(rows),
        )

    def _compare_sets(
        self, found: Sequence[Statistics], patches: list[Tensor], results: _Results
    ) -> None:
        """Add nn_distance, centroid_accuracy, deception_rate and photo_rate."""
        paintings, own = _stacked(found, "signature"), self._signatures[self.name]
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
            shares = self._classifier.shares(torch.cat(patches), *numbers)
            reason = "every patch of the paintings is flat"
        elif not self._alone:
            reason = "needs a patch that is not flat of the collection, of another and of a photo"
        for name in ("deception_rate", "photo_rate"):
            results.add(name, getattr(shares, name, None), reason)

    def _compare_artifacts(self, found: Sequence[Statistics], results: _Results) -> None:
        """Add plain_energy and edge_ringing."""
        results.values["plain_energy"] = ratio_of_medians(
            [painting.energy for painting in found], [own.energy for own in self._own], LEAST_ENERGY
        )
        paintings = [painting.ringing for painting in found if painting.ringing is not None]
        known = [own.ringing for own in self._own if own.ringing is not None]
        ringing = ratio_of_medians(paintings, known, LEAST_RINGING) if paintings and known else None
        reason = "needs contours in the collection, and in photos and their paintings"
        results.add("edge_ringing", ringing, reason)

    def _compare_distributions(self, found: Sequence[Statistics], results: _Results) -> None:
        """Add c2st_auc, kid and fid."""
        own = self._signatures[self.name]
        test = c2st_auc(_stacked(found, "cells"), _stacked(self._own, "cells"))
        results.add("c2st_auc", test, self._too_few(C2ST_FEWEST, found))
        distance = kernel_distance(_stacked(found, "signature"), own)
        results.add("kid", distance, self._too_few(KID_FEWEST, found))
        if self._frechet:
            results.add("fid", self._frechet.value(), self._too_few(FID_FEWEST, found))

    def _too_few(self, fewest: int, found: Sequence[Statistics]) -> str:
        counts = f"{len(found)} paintings and {len(self._own)} pictures"
        return f"needs {fewest} paintings and {fewest} pictures of the collection, has {counts}"

    def _find_copies(self, found: Sequence[Statistics], results: _Results) -> Memorization | None:
        """Add memorization."""
        copied = self._detector.compare([painting.gray_square for painting in found])
        count = len(self._own)
        reason = "only plain ground in the collection or the paintings"
        if count < FEWEST_PICTURES:
            reason = f"needs {FEWEST_PICTURES} pictures of the collection, has {count}"
        results.add("memorization", copied.ratio if copied else None, reason)
        return copied
