"""The story of an evaluation: find the pictures, paint or read, judge, tell.

Nothing is painted or measured before all names are known to fit and all weights to load.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from gan_style.checkpoint import load_checkpoint, newest_checkpoint
from gan_style.config import config_to_dict, load_config
from gan_style.data.images import find_pictures, save_picture, some_pictures
from gan_style.device import choose_device
from gan_style.errors import EvaluationError
from gan_style.evaluation.config import LEFT_OUT, EvaluateConfig
from gan_style.evaluation.evaluators import CollectionEvaluator, PairEvaluator
from gan_style.evaluation.extractor import FeatureExtractor, Log, Progress
from gan_style.evaluation.fid import FrechetDistance
from gan_style.evaluation.outputs import Output, named_pictures, outputs_in, outputs_of, painter
from gan_style.evaluation.scores import Scores, contact_sheet
from gan_style.files import replacing
from gan_style.models.feature_networks import picture_features
from gan_style.pretrained import BASE, code_at
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer
from gan_style.training.tracking import build_tracker


def evaluate(
    request: EvaluateConfig,
    report: Callable[[str], None] = print,
    progress: Progress = iter,
) -> Scores:
    """Score paintings, and write what the request asks for.

    Args:
        request: what to compare with what.
        report: takes a line for each picture that is skipped.
        progress: wrapped around pictures and paintings, as tqdm is.

    Raises:
        ValueError: (of its many kinds) folders, names, models or weights that do not fit, before
            any work; or no picture that can be read.
    """
    contents = named_pictures(Path(request.content), "photos")
    device = choose_device(request.device)
    network = picture_features(request.features, request.feature_weights)
    extractor = FeatureExtractor(network, request.features, request.size, device)
    log = Log(report)
    if request.kind == "pairs":
        styles = named_pictures(Path(request.reference), "style pictures")
        scores = PairEvaluator(extractor).evaluate(
            _outputs(request, contents, styles), log, progress
        )
    else:
        collections, name = find_collections(Path(request.reference), request.others)
        photos = some_pictures(Path(request.photos or request.content))
        outputs = _outputs(request, contents, None)
        frechet = FrechetDistance(request.fid) if request.fid else None
        judge = CollectionEvaluator(extractor, collections, name, photos, log, progress, frechet)
        scores = judge.evaluate(outputs, log, progress)
    if request.json:
        write_json(Path(request.json), scores.to_json())
    if request.sheet or request.log:
        sheet = contact_sheet({Path(request.outputs or request.model or BASE).name: scores})
        if request.sheet:
            save_picture(sheet, request.sheet)
        if request.log:
            log_to_run(Path(request.model), scores, sheet)
    return scores


def _outputs(
    request: EvaluateConfig, contents: Mapping[str, Path], styles: Mapping[str, Path] | None
) -> list[Output]:
    if request.outputs:
        return outputs_in(Path(request.outputs), contents, styles)
    stylizer = Stylizer.from_pretrained(request.model or BASE, request.device)
    code = None if styles else _code(Path(request.style or request.reference), stylizer)
    return outputs_of(painter(stylizer, request.size, code), contents, styles)


def _code(place: Path, stylizer: Stylizer) -> StyleCode:
    if (code := code_at(place)) is not None:
        stylizer.stylize(Image.new("RGB", (32, 32)), code)  # refuses a code of another model
        return code
    pictures = some_pictures(place) if place.is_dir() else [place]
    return stylizer.encode(pictures, place.stem, report=lambda line: None)  # judges tell, too


def find_collections(collection: Path, others: str) -> tuple[dict[str, list[Path]], str]:
    """The pictures of a collection and of those beside it, by name, and the collection's name.

    Args:
        collection: a folder, in `others` or not.
        others: a folder whose folders are collections, but for one named diverse and those
            without pictures; empty for none.

    Raises:
        ValueError: a folder is missing or empty, or there is no other collection.
    """
    own = some_pictures(collection)
    name = collection.resolve().name
    if not others:
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


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write numbers as JSON, whole or not at all; missing folders are made.

    Raises:
        OSError: the file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def log_to_run(run: Path, scores: Scores, sheet: Image.Image) -> None:
    """Add an evaluation to a run's log and, as the run was, to Weights & Biases.

    It stands one step after the last line; a resumed training goes on from its checkpoint, and
    takes it out of log.jsonl again, for it is no longer this model.

    Args:
        run: a run folder that no training is writing to.
        scores: the numbers.
        sheet: the contact sheet.
    """
    config = load_config(str(run / "config.yaml"))
    newest = newest_checkpoint(run / "checkpoints")
    state = load_checkpoint(newest)[1].get("tracker", {}) if newest else {}
    lines = (run / "log.jsonl").read_text(encoding="utf-8").splitlines()
    step = 1 + max((int(json.loads(line)["step"]) for line in lines), default=-1)
    name = config.run.name or run.name
    everything = {**state, "log": {"step": step}}  # of its own log, nothing is to be cut off
    tracker = build_tracker(config.tracking, name, run, config_to_dict(config), everything)
    tracker.log({f"{scores.kind}/{key}": value for key, value in scores.values.items()}, step)
    tracker.images(scores.kind, sheet, step)
    tracker.close()
