r"""What commands print: no name can steer the terminal, and none is too odd to be shown.

Names of files, folders and styles are chosen by others, too. Control characters among them are
shown as `\x1b`, and so is what the encoding of the terminal does not have.
"""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

_LONGEST_ERROR = 2000  # characters
# all control characters but tab and newline, and those that change the direction of writing
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text, with characters that steer a terminal written as escapes."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class PrintableStream:
    """A stream of text to which `print` writes no characters that steer a terminal.

    Args:
        stream: takes the text; all else is as with it.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text, its control characters as escapes."""
        return int(self._stream.write(printable(text)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write_colored(self, line: str) -> None:
        """Write a line that the program itself has colored; no name may be in it."""
        self._stream.write(f"{line}\n")


def print_colored(line: str) -> None:
    """Print a line as it is, with its color sequences; no name may be in it."""
    if isinstance(sys.stdout, PrintableStream):
        sys.stdout.write_colored(line)
    else:
        print(line)


@contextmanager
def shown_output() -> Iterator[None]:
    """While a command runs, show what it prints and what the package logs, made printable."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    logger, handler = logging.getLogger("gan_style"), _Lines()
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        with redirect_stdout(PrintableStream(sys.stdout)):
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def show_error(message: str) -> None:
    """Show a message in one line on standard error."""
    line = " ".join(part.strip() for part in message.split("\n") if part.strip())
    if len(line) > _LONGEST_ERROR:
        line = f"{line[:_LONGEST_ERROR]} … ({len(line)} characters)"
    print(f"error: {printable(line)}", file=sys.stderr)


class _Lines(logging.Handler):
    """Messages of the package as plain lines that leave a progress bar whole."""

    def emit(self, record: logging.LogRecord) -> None:
        stream = sys.stderr if record.levelno >= logging.WARNING else sys.stdout
        line = printable(self.format(record))
        if "tqdm" in sys.modules:
            sys.modules["tqdm"].tqdm.write(line, file=stream)
        else:
            print(line, file=stream)
