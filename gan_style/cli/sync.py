"""`gan-style sync`: send a run folder to Weights & Biases."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gan_style.cli.command import Command
from gan_style.options import option


@dataclass(frozen=True, kw_only=True)
class Sync(Command):
    """Send a run folder to Weights & Biases, from its log and samples alone.

    Every number and picture with its step, the configuration and the name, as one new run: for runs
    that were trained offline, or whose run there is missing something. With WANDB_MODE=offline it
    is written into the run folder, to be uploaded later.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style sync runs/mine",
        "gan-style sync runs/mine --entity my-team --project posters",
    )

    run_dir: str = option(positional=True, metavar="RUN")
    """The run folder."""
    entity: str | None = None
    """User or team; default: that of the run's configuration, or your own."""
    project: str | None = None
    """Project; default: that of the run's configuration."""
    id: str | None = option(None, pattern=r"[\w-]{1,64}", allowed="letters, digits, - and _")
    """Id of the run, which is replaced if it is there already; default: a new one."""

    def run(self) -> None:
        """Send, and say where it is shown."""
        from gan_style.training.sync import sync_run

        sent = sync_run(Path(self.run_dir), entity=self.entity, project=self.project, id=self.id)
        print("\n".join(sent.lines()))
