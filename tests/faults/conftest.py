"""What tests of faults share: a run that nothing happened to, and the table of what was tried."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fault_runs import Finished

_HEADINGS = ("fault", "tried", "survived", "lost", "worst message")
_LONGEST = 160  # characters of a message that the table shows

if os.name != "posix":  # where processes can be forked, and limited
    collect_ignore = ["test_full_disk.py", "test_kill.py", "test_read_only.py"]


class Tally:
    """Counts how often a fault was tried, and survived.

    Args:
        kind: of the fault.
    """

    def __init__(self, kind: str) -> None:
        self.row: dict[str, Any] = {"kind": kind, "tried": 0, "survived": 0, "message": ""}

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One more, which is lost unless the block ends well."""
        self.row["tried"] += 1
        yield
        self.row["survived"] += 1

    def told(self, message: str, folder: Path) -> None:
        """A message that was shown, of files below a folder; the longest one is kept."""
        message = message.replace(f"{folder.parent}/", "").replace(str(folder.parent), "…")
        self.row["message"] = max(self.row["message"], message, key=len)


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Callable[[str], Tally]:
    """Return what makes a row of the table, by the kind of fault."""

    def begin(kind: str) -> Tally:
        made = Tally(kind)
        request.node.user_properties.append(("fault", made.row))
        return made

    return begin


@pytest.fixture(scope="session")
def unbroken_run(collection: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run to which nothing happened; its networks have few channels."""
    import fault_injection
    from fault_runs import words_of

    from gan_style.cli.main import main

    folder = tmp_path_factory.mktemp("unbroken") / "run"
    ended = fault_injection.run(main, words_of(collection, folder), sandbox=folder)
    assert ended.code == 0, ended.output
    return folder


@pytest.fixture(scope="session")
def unbroken(unbroken_run: Path) -> "Finished":
    """Return what a run makes to which nothing happens."""
    from fault_runs import Finished

    return Finished.of(unbroken_run)


@pytest.fixture(scope="session")
def own_mounts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip the test where the system does not let a process mount for itself."""
    import fault_injection

    folder = tmp_path_factory.mktemp("mounts")
    ended = fault_injection.run(fault_injection.may_mount, sandbox=folder / "tried")
    if ended.code:
        pytest.skip(f"file systems of one's own are not allowed here: {ended.lines[-1:]}")


# ---------------------------------------------------------------------- the table

_rows: dict[str, dict[str, Any]] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add what a test has tried; under pytest-xdist in the process that reports."""
    if report.when != "call":
        return
    for name, row in report.user_properties:
        if name == "fault":
            total = _rows.setdefault(row["kind"], row | {"tried": 0, "survived": 0})
            total["tried"] += row["tried"]
            total["survived"] += row["survived"]
            total["message"] = max(total["message"], row["message"], key=len)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table, in Markdown."""
    if not _rows:
        return
    terminalreporter.section("faults")
    cells = [
        _HEADINGS,
        ("---", "---:", "---:", "---:", "---"),
        *(_cells(_rows[kind]) for kind in sorted(_rows)),
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADINGS))]
    for row in cells:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        terminalreporter.write_line(f"| {' | '.join(padded)} |")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    numbers = (row["tried"], row["survived"], row["tried"] - row["survived"])
    message = row["message"].removeprefix("error: ")
    if len(message) > _LONGEST:
        message = f"{message[:_LONGEST]} …"
    return (row["kind"], *map(str, numbers), message)
