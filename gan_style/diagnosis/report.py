"""All findings, on the screen and as JSON, and what to do where something is wrong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gan_style.diagnosis.finding import Finding
from gan_style.diagnosis.installation import check_extras, check_required, check_versions
from gan_style.diagnosis.machine import (
    check_devices,
    check_disk,
    check_memory,
    check_processors,
    check_pytorch,
    check_tracking,
)
from gan_style.diagnosis.speed import check_painting, check_training
from gan_style.diagnosis.weights import check_weights
from gan_style.errors import GanStyleError

Check = Callable[[], Sequence[Finding]]

CHECKS: dict[str, tuple[Check, ...]] = {
    "Versions": (check_versions, check_required),
    "Extras": (check_extras,),
    "Machine": (
        check_pytorch,
        check_devices,
        check_processors,
        check_memory,
        check_disk,
        check_tracking,
    ),
    "Weights": (check_weights,),
    "Speed": (check_painting, check_training),
}
"""What is checked, by the heading that it stands under."""


@dataclass(frozen=True)
class Report:
    """What was found, by heading."""

    sections: Mapping[str, Sequence[Finding]]

    @property
    def findings(self) -> list[Finding]:
        """All of them, in order."""
        return [finding for section in self.sections.values() for finding in section]

    @property
    def broken(self) -> bool:
        """Whether something that should work does not."""
        return any(finding.broken for finding in self.findings)

    @property
    def advice(self) -> list[str]:
        """What to do, each line once."""
        return list(dict.fromkeys(each.advice for each in self.findings if each.advice))

    def lines(self) -> list[str]:
        """The findings as text, and at the end what to do."""
        width = max(len(finding.name) for finding in self.findings)
        lines = []
        for heading, findings in self.sections.items():
            lines.append(heading)
            lines += [f"  {each.name:<{width}}  {each.text}" for each in findings]
        return [*lines, "", *([f"- {line}" for line in self.advice] or ["Nothing is wrong."])]

    def as_json(self) -> dict[str, Any]:
        """The findings' values by heading and name, `advice` and `broken`."""
        values = {
            heading.lower(): {each.name: each.value for each in findings}
            for heading, findings in self.sections.items()
        }
        return {**values, "advice": self.advice, "broken": self.broken}


def diagnose(checks: Mapping[str, Sequence[Check]] | None = None) -> Report:
    """Check everything; what fails is a finding like others, and the rest is checked all the same.

    Args:
        checks: by heading; None takes CHECKS.
    """
    listed = CHECKS if checks is None else checks
    return Report(
        {
            heading: [finding for check in each for finding in _findings(check)]
            for heading, each in listed.items()
        }
    )


def _findings(check: Check) -> Sequence[Finding]:
    try:
        return check()
    except Exception as error:  # whatever is wrong with the machine is what was asked for
        name = check.__name__.removeprefix("check_")
        if isinstance(error, GanStyleError):  # it says by itself what to do
            return [Finding(name, None, "failed", str(error), broken=True)]
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return [Finding(name, None, "failed", f"{name} cannot be checked: {reason}", broken=True)]
