"""Evaluators: what paintings are compared with, read once, and the comparison.

Pictures that cannot be read are left out, with a warning in the log, and counted. Processes may
share the reading (`ReadablePictures.ranks`); the first one compares.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from gan_style.data.images import evenly
from gan_style.errors import EvaluationError
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
            DistributedError: the same, in all processes but the first.
        """
        shown = _names_for_sheet(outputs)
        found = pictures.read(outputs, partial(self._read, shown=shown), progress)

        def scores() -> Scores:
            if not found:
                raise EvaluationError(_NOTHING.format(len(outputs)))
            values = _means([distances for distances, _ in found])
            rows = tuple(row for _, row in found if row is not None)
            about = (len(found), pictures.skipped, self.extractor.size, self.extractor.name)
            return Scores("pairs", *about, values, rows=rows)

        return pictures.ranks.by_first(scores)

    def _read(self, output: Output, shown: Set[str]) -> tuple[dict[str, float], Row | None]:
        """The distances of a painting, and its row of the sheet if its name is among `shown`."""
        assert output.style is not None
        painting = self.extractor.square(output.get())
        distances = self._score(painting, output.content, output.style)
        if output.name not in shown:
            return distances, None
        style = self.extractor.read(output.style)[1]
        photo = self.extractor.photo(output.content).square
        return distances, Row(output.name, photo, style, painting)

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


class _Known(NamedTuple):
    """What is read of a picture of a collection; L patches, D numbers.

    signature: (1, D). patches: (L, D); none if nothing needs them. statistics: of the collection's
    own pictures; None of others.
    """

    path: Path
    signature: Tensor
    patches: Tensor
    statistics: Statistics | None = None


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
        DistributedError: the same, in all processes but the first.
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
        self._own = list[Statistics]()
        self._shown = list[Path]()
        self._alone = len(collections) == 1
        self._signatures: dict[str, Tensor] = {}
        patches: dict[str, list[Tensor]] = {}
        for other, paths in collections.items():
            read = self._read_own if other == name else self._read_other
            found = pictures.read(paths, read, progress)
            if found:
                self._signatures[other] = torch.cat([known.signature for known in found])
            patches[other] = [known.patches for known in found]
            if other == name:
                self._own = [known.statistics for known in found if known.statistics is not None]
                self._shown = [known.path for known in found[:SHEET_ROWS]]
        if not self._alone:
            # a whole step, not `evenly`: published deception rates depend on which photos these are
            plain = photos[:: max(1, len(photos) // MAXIMUM_PHOTOS)][:MAXIMUM_PHOTOS]
            patches[_PHOTOS] = pictures.read(plain, extractor.patches_of, progress)
        self._classes = pictures.ranks.by_first(partial(self._learn, patches))

    def _read_other(self, path: Path) -> _Known:
        signature = self.extractor.features_of(path).signature
        patches = signature[:0] if self._alone else self.extractor.patches_of(path)
        return _Known(path, signature, patches)

    def _read_own(self, path: Path) -> _Known:
        known = self._read_other(path)
        picture, square = self.extractor.read(path)
        features = self.extractor.features_of(path)
        if self._frechet:
            self._frechet.add(square, real=True)
        statistics = Statistics.measure(picture, square, features, guide=square)
        return known._replace(statistics=statistics)

    def _learn(self, patches: Mapping[str, list[Tensor]]) -> list[str]:
        """Prepare what paintings are compared with; the classes among which patches are told apart.

        These have a patch. Both that are needed and one more must be among them, or there are none.
        """
        if not self._own:
            raise EvaluationError(f"not one picture of the collection {self.name} can be read")
        self._scale = metrics.signature_scale(torch.cat(list(self._signatures.values())))
        self._detector = CopyDetector([picture.gray_square for picture in self._own])
        classes = {name: torch.cat(found) for name, found in patches.items() if found}
        classes = {name: found for name, found in classes.items() if len(found)}
        if not {self.name, _PHOTOS} < classes.keys():
            return []
        self._classifier = PatchClassifier(list(classes.values()))
        return list(classes)

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
            DistributedError: the same, in all processes but the first.
        """
        shown = _names_for_sheet(outputs)
        found = pictures.read(outputs, partial(self._read_painting, shown=shown), progress)
        if self._frechet:
            self._frechet.collect(pictures.ranks)

        def scores() -> Scores:
            if not found:
                raise EvaluationError(_NOTHING.format(len(outputs)))
            rows = [(painting.name, *squares) for painting, squares in found if squares]
            return self.compare([each for each, _ in found], pictures.skipped, self._rows(rows))

        return pictures.ranks.by_first(scores)

    def _read_painting(
        self, output: Output, shown: Set[str]
    ) -> tuple[Painting, tuple[Tensor, Tensor] | None]:
        """A painting; and the squares of its photo and of itself, if its name is among `shown`."""
        read = read_painting(self.extractor, output, patches=bool(self._classes))
        painting, photo, square = read
        if self._frechet:
            self._frechet.add(square, real=False)
        return painting, (photo, square) if output.name in shown else None

    def _rows(self, found: Sequence[tuple[str, Tensor, Tensor]]) -> list[Row]:
        """Rows of the contact sheet, each with a picture of the collection."""
        styles = [self.extractor.read(path)[1] for path in self._shown[: len(found)]]
        return [
            Row(name, photo, styles[number % len(styles)], square)
            for number, (name, photo, square) in enumerate(found)
        ]

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
