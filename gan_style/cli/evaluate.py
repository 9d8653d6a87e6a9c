"""`gan-style evaluate`: tell how good paintings are."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gan_style.cli.command import Command, refuse_missing_model
from gan_style.disk_space import require_writable
from gan_style.errors import EvaluationError
from gan_style.evaluation.config import SMALLEST, Comparison, EvaluateConfig
from gan_style.options import option
from gan_style.shipped import BASE
from gan_style.sizes import READING_SIDE

if TYPE_CHECKING:
    from gan_style.evaluation.scores import Scores


@dataclass(frozen=True, kw_only=True)
class Evaluate(Command, Comparison):
    """Measure how much of the photo and how much of the style is in paintings.

    Paints the photos of CONTENT with a model, or takes the paintings of any program, and compares
    them with the photos and with the pictures of the style.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style evaluate collection photos my_pictures --model runs/mine --sheet sheet.png",
        "gan-style evaluate collection photos my_pictures --others collections --json scores.json",
        "gan-style evaluate collection photos my_pictures --size 288 512",
        "gan-style evaluate pairs photos style_pictures --outputs paintings",
    )

    size: tuple[int, ...] = option((READING_SIDE,), at_least=SMALLEST, metavar="PIXELS")
    """Side of the squares that are compared, and short side at which a model paints; of several,
    as in 288 512, each gets a column."""
    json: str | None = option(None, metavar="FILE")
    """Write the scores as JSON."""
    sheet: str | None = option(None, metavar="FILE", pattern=r".*\.(png|jpg|jpeg|PNG|JPG|JPEG)")
    """Write a contact sheet, .png or .jpg; at several sizes one each, as sheet-288.png."""
    log: bool = False
    """Add the scores and the contact sheet to the log of the run --model, when it is at rest; takes
    one size."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.model is not None:
            refuse_missing_model(self.model)
        if self.log and not (Path(self.model or "") / "config.yaml").is_file():
            raise EvaluationError(f"--log needs --model RUN, a run folder; it is {self.model!r}")
        if self.log and len(self.size) > 1:
            raise EvaluationError(f"--log takes one --size; there are {len(self.size)}")
        for label, place in (("--json", self.json), ("--sheet", self.sheet)):
            if place:
                require_writable(Path(place).parent, label)

    def run(self) -> None:
        """Evaluate, and write what is asked for.

        Under torchrun each process has its share of the pictures, and the first one alone writes
        and reports, after all are done: those that are started again begin anew.
        """
        from tqdm import tqdm

        from gan_style.device import choose_device
        from gan_style.distributed import Ranks, connected, first_reports
        from gan_style.evaluation.evaluate import evaluate
        from gan_style.evaluation.scores import sizes_to_json, table_lines, write_json

        ranks = Ranks.of_environment()
        progress = partial(tqdm, unit=" pictures", leave=False, disable=not ranks.first)
        shared = vars(self.only(Comparison))
        device = choose_device(ranks.device(self.device))
        with connected(ranks, device, "no scores were written"), first_reports(ranks):
            sizes = [
                evaluate(EvaluateConfig(**shared, size=size), progress, ranks)
                for size in dict.fromkeys(self.size)
            ]
        if not ranks.first:
            return
        if self.json:
            write_json(Path(self.json), sizes_to_json(sizes))
        for scores in sizes:
            self._keep_sheet(scores, len(sizes) > 1)
        print("\n".join(table_lines(sizes)))

    def _keep_sheet(self, scores: "Scores", numbered: bool) -> None:
        """Write and log the contact sheet of one size, where that is asked for."""
        from gan_style.data.images import save_picture
        from gan_style.evaluation.scores import contact_sheet
        from gan_style.training.run_log import log_to_run

        if not self.sheet and not self.log:
            return
        sheet = contact_sheet({Path(self.outputs or self.model or BASE).name: scores})
        if self.sheet:
            path = Path(self.sheet)
            name = f"{path.stem}-{scores.size}{path.suffix}" if numbered else path.name
            save_picture(sheet, path.with_name(name))
        if self.log and self.model:
            log_to_run(Path(self.model), scores, sheet)
