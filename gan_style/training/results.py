"""The end of a whole run: its best model, style codes and report."""

import logging
from shlex import quote

from gan_style.files import replacing
from gan_style.shipped import STYLE_SUFFIX
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer
from gan_style.training.copying import find_copies
from gan_style.training.export import encode_styles, export_model
from gan_style.training.loop import TrainingLoop
from gan_style.training.report import Outcome
from gan_style.training.run_state import load_best
from gan_style.training.validation import measure_quality

logger = logging.getLogger(__name__)

_REPORT_FILE = "report.txt"


def write_results(run: TrainingLoop) -> None:
    """Write samples, model, style codes and report into the run folder, and say what to do next.

    They are of the best checkpoint, whose averaged model the trainer has afterwards.
    """
    folder, trainer, tracker = run.folder, run.trainer, run.tracker
    load_best(folder, trainer)
    run.sample()
    model = export_model(folder, trainer.average)
    stylizer = Stylizer.from_pretrained(model, device=trainer.device)
    codes = encode_styles(stylizer, run.data.styles, folder)
    outcome = _outcome(run, stylizer, list(codes.values()))
    report = folder / _REPORT_FILE
    with replacing(report) as temporary:
        temporary.write_text("\n".join(outcome.lines()) + "\n", encoding="utf-8")
    tracker.artifact("report", "report", report)
    tracker.artifact("model", "model", model)
    for path in codes:
        tracker.artifact(path.name.removesuffix(STYLE_SUFFIX), "style", path)
    numbers = {f"report/{name}": value for name, value in outcome.numbers().items()}
    tracker.log(numbers, trainer.steps_done)
    tracker.close()
    newest = max((folder / "samples").glob("sample-*.png"))
    lines = [
        *outcome.lines(),
        "",
        f"samples     {newest}",
        f"model       {model}",
        *(f"style code  {path}" for path in codes),
        f"next        gan-style stylize PHOTO --style {quote(str(next(iter(codes))))} "
        f"--model {quote(str(folder))} -o painted.png",
    ]
    logger.info("\n%s", "\n".join(lines))


def _outcome(run: TrainingLoop, stylizer: Stylizer, codes: list[StyleCode]) -> Outcome:
    data, state = run.data, run.state
    return Outcome(
        before=state.before,
        after=measure_quality(run.trainer, data, state.best.terms),
        best_step=state.best.step,
        steps=run.trainer.steps_done,
        early=run.stagnant(),
        counts=data.counts,
        held_out=data.held_out_count,
        form=run.config.discriminator.form,
        discriminator_losses=tuple(run.discriminator_losses),
        copied=find_copies(stylizer, data.content_paths, data.styles, codes),
    )
