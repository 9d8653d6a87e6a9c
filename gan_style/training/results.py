"""The end of a whole run: its best model, style codes and report."""

import logging
from dataclasses import asdict
from datetime import date
from pathlib import Path
from shlex import quote
from typing import Any

from gan_style import __version__
from gan_style.data.collection import Style
from gan_style.errors import DataError, GanStyleError
from gan_style.files import replacing
from gan_style.shipped import BASE, STYLE_SUFFIX
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer
from gan_style.training.comparison import compared_styles, comparison_sheet
from gan_style.training.copying import find_copies
from gan_style.training.export import Encoded, encode_styles, export_model
from gan_style.training.likeness import Likeness, measure_likeness
from gan_style.training.loop import TrainingLoop
from gan_style.training.report import Outcome
from gan_style.training.run_history import SAMPLES, RunHistory
from gan_style.training.run_state import load_best
from gan_style.training.validation import FEWEST, Quality, measure_quality
from gan_style.training.verdict import STYLE_ERRORS
from gan_style.training_facts import FACTS_FILE, TrainingFacts

logger = logging.getLogger(__name__)

REPORT_FILE = "report.txt"
_SHEET = "base-and-mine"


def write_results(run: TrainingLoop) -> None:
    """Write samples, model, style codes and report into the run folder, and say what to do next.

    They are of the best checkpoint, whose averaged model the trainer has afterwards.
    """
    folder, trainer, tracker = run.folder, run.trainer, run.tracker
    load_best(folder, trainer)
    model = export_model(folder, trainer.average)
    try:
        run.sample()
    except DataError as error:
        logger.warning("no samples: %s", error)
    stylizer = Stylizer.from_pretrained(model, device=trainer.device)
    codes = encode_styles(stylizer, run.data, folder)
    base = _base(run)
    sheet, likeness = _compare(run, base, stylizer, codes)
    outcome = _outcome(run, stylizer, codes, sheet, likeness)
    _facts(run, outcome).save(folder / FACTS_FILE)
    report = folder / REPORT_FILE
    with replacing(report) as temporary:
        text = "\n".join(outcome.lines()) + "\n"
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    numbers = {f"report/{name}": value for name, value in outcome.numbers().items()}
    tracker.log(numbers, trainer.steps_done)
    tracker.table(SAMPLES, *RunHistory.read(folder).sample_table())
    about = _about(run, base, stylizer)
    tracker.artifact("report", "report", report, about)
    tracker.artifact("model", "model", model, about)
    for style, code, path in codes:
        mine = {"style": code.name, "style_pictures": run.data.counts.get(style.name)}
        tracker.artifact(path.name.removesuffix(STYLE_SUFFIX), "style", path, about | mine)
    tracker.close()
    _tell(folder, outcome, model, [each.path for each in codes])


def _about(run: TrainingLoop, base: Stylizer | None, stylizer: Stylizer) -> dict[str, Any]:
    """What has to be known of a result, wherever it is found: the metadata of artifacts."""
    best = run.state.best
    return {
        "gan_style_version": __version__,
        "began_with": run.config.train.init,
        "base_model_id": None if base is None else base.id,
        "model_id": stylizer.id,
        "model": stylizer.model.config.to_dict(),
        "pictures": run.data.counts,
        "photos": run.data.content_count,
        "squares": run.trainer.images_seen,
        "best_step": best.step,
        "validation": dict(best.terms),
    }


def _tell(folder: Path, outcome: Outcome, model: Path, codes: list[Path]) -> None:
    samples = sorted((folder / "samples").glob("sample-*.png"))
    style = quote(str(codes[0])) if codes else "PICTURES"
    command = f"gan-style stylize PHOTO --style {style} --model {quote(str(folder))} -o painted.png"
    lines = [
        *outcome.lines(),
        "",
        *(f"samples     {newest}" for newest in samples[-1:]),
        f"model       {model}",
        *(f"style code  {path}" for path in codes),
        f"{'next' if outcome.helped else 'it paints':12}{command}",
    ]
    logger.info("\n%s", "\n".join(lines))


def _base(run: TrainingLoop) -> Stylizer | None:
    """The model that the run began with; None from scratch, or where a resumed run has lost it."""
    init = run.config.train.init
    if init is None:
        return None
    try:
        return Stylizer.from_pretrained(init, device=run.trainer.device)
    except GanStyleError as error:
        logger.warning("not compared with the base model: %s", error)
        return None


def _compare(
    run: TrainingLoop, base: Stylizer | None, stylizer: Stylizer, codes: list[Encoded]
) -> tuple[Path | None, Likeness | None]:
    """Compare with the base model: track a sheet, return its file, and the likeness of both."""
    if base is None:
        return None, None
    data = run.data
    try:
        styles = compared_styles(base, *_parted(codes))
        sheet = comparison_sheet(base, stylizer, data.content_paths, styles)
        likeness = measure_likeness(base, stylizer, data.content_paths, styles)
    except GanStyleError as error:
        logger.warning("not compared with the base model: %s", error)
        return None, None
    if sheet is None:
        return None, likeness
    step = run.trainer.steps_done
    run.tracker.images(_SHEET, sheet, step)
    return run.folder / "samples" / f"{_SHEET}-{step:08d}.png", likeness


def _outcome(
    run: TrainingLoop,
    stylizer: Stylizer,
    codes: list[Encoded],
    sheet: Path | None,
    likeness: Likeness | None,
) -> Outcome:
    data, state, pace = run.data, run.state, run.pace()
    return Outcome(
        before=state.before,
        after=_quality(run),
        pace=pace,
        base_command=_base_command(run),
        go_on_command=None if pace.goal is None else pace.command(run.folder),
        merge_command=_merge_command(run),
        best_step=state.best.step,
        improving=data.held_out_count >= FEWEST and state.best.later == 0,
        early=run.stagnant(),
        counts=data.counts,
        held_out=data.held_out_count,
        sheet=None if sheet is None else str(sheet),
        likeness=likeness,
        form=run.config.discriminator.form,
        discriminator_losses=tuple(run.discriminator_losses),
        copied=find_copies(stylizer, data.content_paths, *_parted(codes)),
    )


def _facts(run: TrainingLoop, outcome: Outcome) -> TrainingFacts:
    """What the model's card tells. A model on this machine is named without its folder."""
    init = run.config.train.init
    known = ("content", *STYLE_ERRORS)
    errors, base_errors = outcome.after.held_out, outcome.before.held_out
    likeness = {} if outcome.likeness is None else asdict(outcome.likeness)
    return TrainingFacts(
        pictures=run.data.counts,
        held_out=run.data.held_out_count,
        photos=run.data.content_count,
        squares=run.trainer.images_seen,
        seconds=run.state.seconds,
        finished=f"{date.today():%Y-%m-%d}",
        version=__version__,
        began_with=Path(init).name if init and Path(init).exists() else init,
        errors={name: errors[name] for name in known if name in errors},
        base_errors={name: base_errors[name] for name in known if name in base_errors},
        likeness={name: likeness[name] for name in ("base", "mine", "own") if name in likeness},
    )


def _quality(run: TrainingLoop) -> Quality:
    """Of the best model; empty if the pictures were removed while it was trained."""
    try:
        return measure_quality(run.trainer, run.data, run.state.best.terms)
    except DataError as error:
        logger.warning("the errors are not measured: %s", error)
        return Quality()


def _parted(codes: list[Encoded]) -> tuple[list[Style], list[StyleCode]]:
    return [each.style for each in codes], [each.code for each in codes]


def _base_command(run: TrainingLoop) -> str | None:
    """What to type to paint with the base model, and the code that it gives a style."""
    init, style = run.config.train.init, run.data.styles[0]
    if init is None:
        return None
    model = "" if init == BASE else f"--model {quote(init)} "
    place = quote(str(_place(run, style)))
    return f"gan-style stylize PHOTO --style {place} {model}-o painted.png"


def _merge_command(run: TrainingLoop) -> str | None:
    """What to type for a model halfway between the base model and this one."""
    init, folder = run.config.train.init, run.folder
    if init is None:
        return None
    halfway = folder.with_name(f"{folder.name}-halfway")
    return f"gan-style merge {quote(init)} {quote(str(folder))} -o {quote(str(halfway))}"


def _place(run: TrainingLoop, style: Style) -> Path:
    """The folder of a style's pictures, or the picture where each is one."""
    folder = Path(run.config.data.styles or "").expanduser()
    if len(run.data.styles) == 1 and not run.config.data.picture_is_style:
        return folder
    return folder / style.name if (folder / style.name).is_dir() else style.paths[0]
