"""`gan-style check`: inspect a folder before training on it."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gan_style.cli.command import Command, existing
from gan_style.options import option


@dataclass(frozen=True, kw_only=True)
class Check(Command):
    """Check a folder of pictures before training on it.

    Counts, sizes, near-duplicates, files that cannot be read, whether there are enough, and how
    fast this machine trains.
    """

    examples: ClassVar[tuple[str, ...]] = ("gan-style check my_pictures",)

    folder: str = option(positional=True)
    """The folder, as it would be trained on."""

    def run(self) -> None:
        """Look, and tell."""
        folder: Path = existing(self.folder)
        from gan_style.config import load_config
        from gan_style.data.inspection import inspect_folder
        from gan_style.training.forecast import expected, forecast

        found = inspect_folder(folder)
        print("\n".join(found.lines()))
        if found.count:
            print("\n".join(forecast(load_config(None), found.styles.values()).lines()))
            print(expected(min(found.different.values())))
