"""Stopping a run with Ctrl-C, SIGTERM or SIGHUP, which comes when its terminal is closed."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_HANGUP = getattr(signal, "SIGHUP", None)  # Windows has none
_OUTPUTS = (1, 2)  # descriptors


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """A list that fills when a signal comes; a second Ctrl-C interrupts at once.

    Others may come as often as they like, as some send them every second until a process ends:
    what is being saved is saved. A hangup that is ignored already, as under `nohup`, stays so.
    """
    received: list[int] = []

    def remember(number: int, frame: Any) -> None:
        received.append(number)
        if number == _HANGUP:
            _leave_lost_terminal()
        if number == signal.SIGINT and received.count(number) > 1:
            raise KeyboardInterrupt

    numbers = [signal.SIGINT, signal.SIGTERM]
    if _HANGUP is not None and signal.getsignal(_HANGUP) is not signal.SIG_IGN:
        numbers.append(_HANGUP)
    try:
        previous = {number: signal.signal(number, remember) for number in numbers}
    except ValueError:  # only the main thread may set handlers
        yield received
        return
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _leave_lost_terminal() -> None:
    """Send what is printed nowhere if the terminal is gone: printing would raise an error."""
    for descriptor in _OUTPUTS:
        try:
            os.write(descriptor, b"")
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
