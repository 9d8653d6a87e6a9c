"""How much each package that an installation needs takes on the disk, and who needs it.

    python benchmarks/installed.py [--extras app video ...] [--cpu TORCH_WHEEL]

Reads pyproject.toml and the metadata of the packages in this environment, in which they have to be
installed. With --cpu it is the installation with PyTorch's CPU build: the wheel given stands for
torch, and what only the CUDA build needs is left out. Prints a table in Markdown, megabytes of
files as they lie on the disk.
"""

import argparse
import re
import zipfile
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import tomllib
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parents[1]
OWN = "gan-style"
FOR_CUDA = re.compile(r"nvidia-|cuda-|triton$")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--extras", nargs="*", default=[], metavar="EXTRA")
    parser.add_argument("--cpu", type=Path, metavar="TORCH_WHEEL")
    options = parser.parse_args()
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(line for e in options.extras for line in optional[e])]
    needed_by = closure(wanted, cpu=options.cpu is not None)
    sizes = {name: installed_size(name) for name in needed_by}
    if options.cpu is not None:
        with zipfile.ZipFile(options.cpu) as wheel:
            sizes["torch"] = sum(each.file_size for each in wheel.infolist())
    print("| Package | MB | Needed by |\n|---|---:|---|")
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        print(f"| {name} | {sizes[name] / 1e6:,.1f} | {', '.join(sorted(needed_by[name]))} |")
    print(f"| {len(sizes)} packages | {sum(sizes.values()) / 1e6:,.1f} | |")


def closure(wanted: Iterable[str], *, cpu: bool) -> dict[str, set[str]]:
    """Every package that is needed here, directly or not, and what needs it."""
    found: dict[str, set[str]] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    waiting = [(Requirement(line), OWN) for line in wanted if holds(Requirement(line), ())]
    while waiting:
        each, by = waiting.pop()
        name = normalized(each.name)
        if cpu and FOR_CUDA.match(name):
            continue
        found.setdefault(name, set()).add(by)
        key = (name, tuple(sorted(each.extras)))
        if key in seen:
            continue
        seen.add(key)
        try:
            lines = distribution(name).requires or ()
        except PackageNotFoundError as error:
            raise SystemExit(f"{name} is not installed; {by} needs it") from error
        needs = (Requirement(line) for line in lines)
        waiting += [(need, name) for need in needs if holds(need, each.extras)]
    return found


def holds(need: Requirement, extras: Iterable[str]) -> bool:
    """Whether a requirement holds on this machine, with these extras."""
    marker = need.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_size(name: str) -> int:
    """Bytes of a package's files, as its installation recorded them."""
    return sum(file.size or 0 for file in distribution(name).files or ())


if __name__ == "__main__":
    main()
