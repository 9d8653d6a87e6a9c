"""`gan-style doctor`: look at the installation and the machine, and say what is wrong."""

import json
from dataclasses import dataclass
from typing import ClassVar

from click.exceptions import Exit

from gan_style.cli.command import Command


@dataclass(frozen=True, kw_only=True)
class Doctor(Command):
    """Look at the installation and the machine, and say what is wrong.

    Versions, extras, devices, memory, disk, W&B, weights, and how fast this machine paints and
    trains: half a minute at most. Nothing is sent anywhere. The exit code is 1 if something is
    broken.
    """

    examples: ClassVar[tuple[str, ...]] = ("gan-style doctor", "gan-style doctor --json")

    json: bool = False
    """Print JSON: sizes in bytes, times in seconds."""

    def run(self) -> None:
        """Look, and tell."""
        from gan_style.diagnosis.report import diagnose

        report = diagnose()
        text = json.dumps(report.as_json(), indent=2) if self.json else "\n".join(report.lines())
        print(text)
        if report.broken:
            raise Exit(1)
