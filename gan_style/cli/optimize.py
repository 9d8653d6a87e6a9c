"""`gan-style optimize`: paint a photo without a trained model."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gan_style.cli.command import Output, existing, numbers
from gan_style.optimization.config import OptimizeConfig
from gan_style.options import option

if TYPE_CHECKING:
    from gan_style.optimization.config import LossRecord


@dataclass(frozen=True, kw_only=True)
class Optimize(Output, OptimizeConfig):
    """Paint a photo by moving its pixels (Gatys et al. 2016); needs no model, and minutes.

    The picture is rewritten as it goes; Ctrl-C keeps the best so far. Beside OUT.png, OUT.json
    takes the losses.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style optimize photo.jpg --style my_pictures -o classical.png --size 512",
        "gan-style optimize photo.jpg --style a.jpg --style b.jpg --weights 2,1 -o both.png",
    )

    photo: str = option(positional=True)
    """The photo to paint."""
    style: tuple[str, ...] = option(metavar="PICTURE|FOLDER")
    """A picture, or a folder that stands for all of its pictures; may be repeated."""
    weights: str | None = option(None, metavar="W,W")
    """One for each --style; all alike if not given."""

    def run(self) -> None:
        """Optimize, with a bar of the evaluations."""
        output = Path(self.output)
        self.refuse_outputs(output, output.with_suffix(".json"))
        weights = numbers(self.weights, self.label("weights"))
        photo, styles = existing(self.photo), [existing(place) for place in self.style]
        from tqdm import tqdm

        from gan_style.optimization.optimize import optimize_file

        with tqdm(total=self.evaluations, unit=" evaluations") as bar:

            def progress(row: "LossRecord") -> None:
                losses = {name: getattr(row, name) for name in ("width", "content", "gram", "tv")}
                bar.set_postfix(losses, refresh=False)
                bar.update()

            settings = self.only(OptimizeConfig)
            optimize_file(photo, styles, output, settings, weights=weights, progress=progress)
        print(f"painted {output}")
