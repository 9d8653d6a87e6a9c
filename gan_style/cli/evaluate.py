"""`gan-style evaluate`: tell how good paintings are."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from gan_style.cli.command import Command
from gan_style.errors import EvaluationError
from gan_style.evaluation.config import EvaluateConfig
from gan_style.options import option
from gan_style.shipped import BASE


@dataclass(frozen=True, kw_only=True)
class Evaluate(Command, EvaluateConfig):
    """Measure how much of the photo and how much of the style is in paintings.

    Paints the photos of CONTENT with a model, or takes the paintings of any program, and compares
    them with the photos and with the pictures of the style.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style evaluate collection photos my_pictures --model runs/mine --sheet sheet.png",
        "gan-style evaluate collection photos my_pictures --others collections --json scores.json",
        "gan-style evaluate pairs photos style_pictures --outputs paintings",
    )

    json: str | None = option(None, metavar="FILE")
    """Write the scores as JSON."""
    sheet: str | None = option(None, metavar="FILE", pattern=r".*\.(png|jpg|jpeg|PNG|JPG|JPEG)")
    """Write a contact sheet, .png or .jpg."""
    log: bool = False
    """Add the scores and the contact sheet to the log of the run --model, when it is at rest."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.log and not (Path(self.model or "") / "config.yaml").is_file():
            raise EvaluationError(f"--log needs --model RUN, a run folder; it is {self.model!r}")

    def run(self) -> None:
        """Evaluate, and write what is asked for."""
        from tqdm import tqdm

        from gan_style.data.images import save_picture
        from gan_style.evaluation.evaluate import evaluate
        from gan_style.evaluation.scores import contact_sheet, write_json

        progress = partial(tqdm, unit=" pictures", leave=False)
        scores = evaluate(self.only(EvaluateConfig), progress)
        if self.json:
            write_json(Path(self.json), scores.to_json())
        if self.sheet or self.log:
            sheet = contact_sheet({Path(self.outputs or self.model or BASE).name: scores})
            if self.sheet:
                save_picture(sheet, self.sheet)
            if self.log and self.model:
                from gan_style.training.run_log import log_to_run

                log_to_run(Path(self.model), scores, sheet)
        print("\n".join(scores.lines()))
