"""Evaluation: find the pictures, paint or read the paintings, compare them.

Nothing is painted or measured before all names are known to fit and all weights to load.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch

from gan_style.data.images import find_pictures, some_pictures
from gan_style.device import choose_device
from gan_style.distributed import Ranks
from gan_style.errors import EvaluationError
from gan_style.evaluation.config import LEFT_OUT, EvaluateConfig
from gan_style.evaluation.evaluators import CollectionEvaluator, PairEvaluator
from gan_style.evaluation.extractor import FeatureExtractor, Progress, ReadablePictures
from gan_style.evaluation.fid import FrechetDistance
from gan_style.evaluation.outputs import (
    Output,
    find_outputs,
    make_outputs,
    pictures_by_name,
    stylize_with,
)
from gan_style.evaluation.scores import Scores
from gan_style.models.feature_networks import picture_features
from gan_style.shipped import BASE
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer


def evaluate(
    config: EvaluateConfig,
    progress: Progress = iter,
    ranks: Ranks = Ranks(),  # noqa: B008
) -> Scores:
    """Score paintings. Writes nothing; pictures that are skipped are logged as warnings.

    Args:
        config: what to compare with what.
        progress: wrapped around pictures and paintings, as tqdm is.
        ranks: processes that are `connected`, to do it together: each paints and reads its share
            of the pictures, and the first compares what all have read.

    Returns:
        The scores, in every process.

    Raises:
        GanStyleError: (of its many kinds) folders, names, models or weights that do not fit,
            before any work; or no picture that can be read.
    """
    contents = pictures_by_name(Path(config.content), "photos")
    network = picture_features(config.features, config.feature_weights)
    device = choose_device(ranks.device(config.device))
    extractor = FeatureExtractor(network, config.features, config.size, device)
    pictures = ReadablePictures(ranks)
    if config.kind == "pairs":
        styles = pictures_by_name(Path(config.reference), "style pictures")
        outputs = _outputs(config, contents, styles, device, ranks)
        return PairEvaluator(extractor).evaluate(outputs, pictures, progress)
    collections, name = find_collections(Path(config.reference), config.others)
    photos = some_pictures(config.photos or config.content)
    outputs = _outputs(config, contents, None, device, ranks)
    frechet = FrechetDistance(config.fid) if config.fid else None
    evaluator = CollectionEvaluator(
        extractor, collections, name, photos, pictures, progress, frechet
    )
    return evaluator.evaluate(outputs, pictures, progress)


def _outputs(
    config: EvaluateConfig,
    contents: Mapping[str, Path],
    styles: Mapping[str, Path] | None,
    device: torch.device,
    ranks: Ranks,
) -> list[Output]:
    if config.outputs:
        return find_outputs(Path(config.outputs), contents, styles)
    stylizer = Stylizer.from_pretrained(config.model or BASE, device=device)
    style = None
    if styles is None:
        given = config.style or config.reference
        style = ranks.by_first(partial(_style, given, stylizer))
    return make_outputs(stylize_with(stylizer, config.size, style), contents, styles)


def _style(style: str, stylizer: Stylizer) -> StyleCode:
    """The style of a code, of a name, of a picture or of a folder's pictures."""
    code = stylizer.style(style)
    stylizer.refuse_foreign(code)  # before any work
    return code


def find_collections(collection: Path, others: str | None) -> tuple[dict[str, list[Path]], str]:
    """The pictures of a collection and of those beside it, by name, and the collection's name.

    Args:
        collection: a folder, in `others` or not.
        others: a folder whose folders are collections, except one named diverse, hidden ones and
            those without pictures; None for no others.

    Raises:
        DataError: `collection` is missing or not a folder.
        PictureError: it has no pictures.
        EvaluationError: `others` is not a folder, or holds no other collection.
    """
    own = some_pictures(collection)
    name = collection.resolve().name
    if others is None:
        return {name: own}, name
    if not Path(others).is_dir():
        raise EvaluationError(f"--others is {others}, which is not a folder")
    beside = {
        folder.name: find_pictures(folder)
        for folder in sorted(Path(others).iterdir())
        if folder.is_dir()
        and folder.name != LEFT_OUT
        and folder.name[0] != "."
        and folder.resolve() != collection.resolve()
    }
    beside = {name: pictures for name, pictures in beside.items() if pictures}
    if not beside:
        raise EvaluationError(f"--others is {others}, which has no other collection with pictures")
    while name in beside:  # another folder of its name
        name += "'"
    return dict(sorted((beside | {name: own}).items())), name
