"""`gan-style merge`: one model of several."""

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import ClassVar

from gan_style.cli.command import Command, Output, numbers, refuse_missing_model
from gan_style.errors import ConfigError
from gan_style.options import option


@dataclass(frozen=True, kw_only=True)
class Merge(Output, Command):
    """Make one model of several: the weighted mean of their weights.

    Halfway between the base model and one that was trained from it, more of the photo is kept, for
    a little less of the style. Two personal models make one that paints in both styles.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style merge base runs/mine -o halfway",
        "gan-style merge base runs/mine --weights 0.25,0.75 -o nearer_to_mine",
        "gan-style merge runs/mine runs/hers -o ours",
    )

    models: tuple[str, ...] = option(positional=True, metavar="MODEL")
    """Run folders, model files, or `base`; two or more, trained from the same one."""
    weights: str | None = option(None, metavar="W,W")
    """One for each, brought to a sum of 1; all alike if not given."""

    def run(self) -> None:
        """Merge, save, and say how it is used."""
        folder = Path(self.output)
        if len(self.models) < 2:
            raise ConfigError("merging makes one model of several: give two or more")
        for model in self.models:
            refuse_missing_model(model)
        weights = numbers(self.weights, self.label("weights")) or [1.0] * len(self.models)
        from gan_style.models.style_model import MODEL_FILE
        from gan_style.pretrained import CONFIG_FILE, find_model
        from gan_style.stylizer import Stylizer

        written = folder / MODEL_FILE
        if written.exists() and any(find_model(each).samefile(written) for each in self.models):
            raise ConfigError(f"--output is {folder}, where one of the models is")
        self.refuse_outputs(written, folder / CONFIG_FILE)

        merged = Stylizer.merge(self.models, weights, device="cpu")
        merged.save_pretrained(folder, force=self.force)
        print(f"{folder}: model {merged.id}, which reads styles anew from pictures")
        print(
            f"use it:  gan-style stylize PHOTO --style PICTURES --model {quote(str(folder))} "
            "-o painted.png"
        )
