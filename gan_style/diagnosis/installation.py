"""What is installed: versions, the packages that are required, and those of each extra.

The package's own metadata says what these are. Nothing here imports PyTorch: it may be what is
broken.
"""

import platform
from collections import defaultdict
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from gan_style import __version__
from gan_style.diagnosis.finding import Finding

PACKAGE = "gan-style"
NOT_FOR_USERS = frozenset({"all", "dev", "docs"})
"""Extras that say nothing about what a user can do."""


def check_versions() -> list[Finding]:
    """Versions of this package and of Python."""
    python = platform.python_version()
    place = str(Path(__file__).parents[1])
    system = f"{platform.system()} {platform.machine()}"
    return [
        Finding(PACKAGE, __version__, f"{__version__}, in {place}"),
        Finding("Python", python, f"{python}, {system}"),
    ]


def check_required() -> list[Finding]:
    """Each package that is required: its version, and whether it is new enough."""
    return [_required(each) for each in _requirements().get("", ())]


def check_extras() -> list[Finding]:
    """Each extra: the versions of its packages, or how to install them."""
    wanted = _requirements()
    if not wanted:
        advice = f"{PACKAGE} itself is not installed: run pip install -e . in its folder"
        return [Finding("extras", None, "unknown", advice)]
    return [
        _extra(extra, wanted[extra])
        for extra in sorted(wanted)
        if extra not in NOT_FOR_USERS | {""}
    ]


def _requirements() -> dict[str, list[Requirement]]:
    """The requirements that hold on this machine, by extra; "" has those that always hold.

    Empty where the package is not installed, as in a clone of which only the files are used.
    """
    try:
        listed = [Requirement(line) for line in requires(PACKAGE) or ()]
    except PackageNotFoundError:
        return {}
    found: defaultdict[str, list[Requirement]] = defaultdict(list)
    for each in listed:
        for extra in ("", *_extras_of(listed)):
            holds = each.marker is None or each.marker.evaluate({"extra": extra})
            always = each.marker is None or each.marker.evaluate({"extra": ""})
            if holds and (not extra or not always):
                found[extra].append(each)
    return dict(found)


def _extras_of(listed: Iterable[Requirement]) -> set[str]:
    """Names of the extras in markers such as `extra == "app"`."""
    markers = [str(each.marker) for each in listed if each.marker is not None]
    parts = [marker.partition("extra == ")[2] for marker in markers]
    return {part.split('"')[1] for part in parts if part}


def _required(wanted: Requirement) -> Finding:
    found = _installed(wanted)
    if found is None:
        advice = f"install {wanted.name}: pip install '{_plain(wanted)}'"
        return Finding(wanted.name, None, "not installed", advice, broken=True)
    if not _fits(wanted, found):
        advice = f"{wanted.name} {found} is too old: pip install -U '{_plain(wanted)}'"
        return Finding(wanted.name, found, f"{found}, too old", advice, broken=True)
    return Finding(wanted.name, found, found)


def _extra(extra: str, wanted: Iterable[Requirement]) -> Finding:
    found = {each.name: _installed(each) for each in wanted}
    command = f"pip install '{PACKAGE}[{extra}]'"
    missing = [name for name, version_ in found.items() if version_ is None]
    if missing:
        without = "" if len(missing) == len(found) else f" ({', '.join(missing)} missing)"
        return Finding(extra, False, f"not installed{without}: {command}")
    old = [
        f"{each.name} {found[each.name]}" for each in wanted if not _fits(each, found[each.name])
    ]
    text = ", ".join(f"{name} {version_}" for name, version_ in found.items())
    advice = f"{' and '.join(old)} too old: {command} -U" if old else None
    return Finding(extra, not old, text, advice)


def _installed(wanted: Requirement) -> str | None:
    try:
        return version(wanted.name)
    except PackageNotFoundError:
        return None


def _fits(wanted: Requirement, found: str | None) -> bool:
    return found is not None and wanted.specifier.contains(found, prereleases=True)


def _plain(wanted: Requirement) -> str:
    return f"{wanted.name}{wanted.specifier}"
