"""What the benchmarks share: fair timing of alternatives, and tables for the log."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

Work = Callable[[], object]


def interleaved(parts: Mapping[str, Work], repeats: int, warmup: int = 2) -> dict[str, float]:
    """Median seconds of each part; in every round each runs once, so all meet the same weather.

    Args:
        parts: what to time, by name. Must have finished its work when it returns.
        repeats: timed rounds.
        warmup: rounds before them that are not counted.
    """
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    for counted in [False] * warmup + [True] * repeats:
        for name, work in parts.items():
            began = time.perf_counter()
            work()
            if counted:
                seconds[name].append(time.perf_counter() - began)
    return {name: median(values) for name, values in seconds.items()}


def best(work: Work, repeats: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Least seconds of some repetitions, after one that is not counted."""
    work()
    seconds = []
    for _ in range(repeats):
        began = clock()
        work()
        seconds.append(clock() - began)
    return min(seconds)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table whose columns are aligned; the first to the left, numbers to the right."""
    cells = [list(headings), *map(list, rows)]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        first, *others = zip(row, widths, strict=True)
        lines.append([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]])
