"""`gan-style sweep`: search for the options that suit a collection."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from gan_style.cli.command import Command, existing
from gan_style.disk_space import require_writable
from gan_style.options import option


@dataclass(frozen=True, kw_only=True)
class Sweep(Command):
    """Train several times with different options, and compare the runs by one number.

    The file says which options, in the format of Weights & Biases (configs/sweep.yaml is one). With
    a key for W&B the sweep is created there and its server chooses; without, or with
    WANDB_MODE=offline, this machine searches at random or a grid, always the same runs. A sweep
    that was interrupted goes on with the same command and its folder.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style sweep configs/sweep.yaml my_pictures --count 8",
        "gan-style sweep configs/sweep.yaml my_pictures --count 8 -o runs/search",
    )

    file: str = option(positional=True, metavar="SWEEP.yaml")
    """The sweep's file."""
    styles: str = option(positional=True)
    """The folder of pictures to train on."""
    count: int | None = option(None, at_least=1)
    """Runs; default: run_cap of the file, or all of a grid."""
    output: str | None = option(None, short="o", metavar="FOLDER")
    """Folder of the runs; default: a fresh one under runs/."""

    def run(self) -> None:
        """Search, and print the table."""
        styles = existing(self.styles)
        from gan_style.training import sweep, sweep_file
        from gan_style.training.tracking import wandb_mode

        file = sweep_file.read_sweep(Path(self.file))
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        folder = Path(self.output or f"runs/{stamp}-{file.name}")
        require_writable(folder, "--output" if self.output else "the sweep's folder")
        runs = sweep.Sweep(file, styles, folder)
        tracking = file.tracking()
        if wandb_mode(tracking) == "online":
            from gan_style.training.sweep_agent import run_agent

            run_agent(runs, self.count, tracking.project, tracking.entity)
        else:
            trials = file.trials(self.count)
            if file.method == "bayes":
                print("without W&B's server the search is random, not bayes")
            runs.search(trials)
        print("\n".join(["", *runs.lines()]))
