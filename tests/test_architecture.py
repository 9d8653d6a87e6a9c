"""Who imports whom, how long files and functions are: docs/DESIGN.md as a test."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = "gan_style"
LONGEST_FILE, LONGEST_FUNCTION = 300, 40

# module -> those of ours that it may import; a new module needs a line here and a reason
ARROWS = {
    "arguments": "",
    "options": "",
    "config": "options",
    "files": "",
    "images": "files",
    "blocks": "",
    "device": "",
    "compact": "",
    "features": "compact",
    "losses": "",
    "style": "files",
    "encoder": "blocks features",
    "generator": "blocks",
    "discriminator": "",
    "adversary": "config discriminator losses",
    "checkpoint": "config",
    "tracking": "config",
    "collection": "config images",
    "batch": "collection config images recolour",
    "data": "batch collection config images",
    "inspection": "collection files images",
    "metrics": "features losses",
    "hand": "images metrics",
    "two_sample": "losses",
    "memorisation": "features images",
    "frechet": "",
    "eye": "hand images losses",
    "outputs": "images style stylizer",
    "scores": "images",
    "judge": "eye features frechet hand images losses memorisation metrics outputs scores"
    " two_sample",
    "evaluate": "arguments checkpoint config device eye features files frechet images judge outputs"
    " pretrained scores style stylizer tracking",
    "memory": "",
    "pixels": "",
    "objective": "features images losses",
    "painting": "arguments features images objective pixels",
    "optimize": "device features files images memory objective painting pixels",
    "model": "encoder generator style",
    "perception": "config features losses",
    "trainer": "adversary batch config device discriminator encoder losses model perception",
    "folder": "checkpoint config",
    "samples": "data trainer",
    "stopping": "",
    "pace": "config",
    "forecast": "batch config device folder trainer",
    "recolour": "",
    "report": "collection images inspection losses memorisation style stylizer",
    "results": "collection config folder model pretrained report style stylizer",
    "pretrained": "checkpoint model style",
    "stylizer": "device generator images model pretrained style",
    "refine": "batch collection config images perception style stylizer",
    "code_commands": "images pretrained style style_commands stylizer",
    "style_commands": "collection config images pretrained refine style stylizer",
    "__init__": "stylizer style",
}
ANYTHING = {"run", "cli", "train.py"}
DEAF_TO_CONFIG = {
    *("blocks", "encoder", "generator", "discriminator", "model"),
    *("losses", "features", "compact", "style", "metrics", "optimize"),
    *("hand", "two_sample", "memorisation"),
    *("objective", "painting", "pixels", "memory"),
}


def sources() -> dict[str, Path]:
    files = {path.stem: path for path in sorted((REPOSITORY / PACKAGE).glob("*.py"))}
    if (REPOSITORY / "train.py").exists():
        files["train.py"] = REPOSITORY / "train.py"
    return files


SOURCES = sources()
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the full name of everything imported anywhere in the tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, [PACKAGE if node.level else "", node.module]))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def arrows(tree: ast.AST) -> set[str]:
    """Return the modules of ours that the tree imports; `__init__` for the package itself."""
    found = set()
    for name in imported(tree):
        package, _, rest = name.partition(".")
        if package == PACKAGE:
            module = rest.partition(".")[0]
            found.add(module if module in SOURCES else "__init__")
    return found


GRAPH = {name: arrows(tree) for name, tree in TREES.items()}


def reached(start: str) -> set[str]:
    """Return `start` and all modules of ours that importing it imports, however indirectly."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += GRAPH.get(name, set())
    return seen


def importers(library: str) -> set[str]:
    return {
        name
        for name, tree in TREES.items()
        if any(used.partition(".")[0] == library for used in imported(tree))
    }


@pytest.mark.parametrize("module", SOURCES)
def test_imports_only_what_the_design_allows(module: str) -> None:
    if module in ANYTHING:
        return
    assert module in ARROWS, f"{module} is not in the table of arrows"
    assert set() == GRAPH[module] - set(ARROWS[module].split()) - {module}


def test_no_cycles() -> None:
    TopologicalSorter(GRAPH).prepare()


def test_flat_and_without_a_drawer() -> None:
    packages = [path.parent.name for path in (REPOSITORY / PACKAGE).glob("*/**/*.py")]
    assert packages == []
    assert not {"utils", "common", "helpers", "misc"} & SOURCES.keys()


def test_nothing_imports_what_stands_above_it() -> None:
    for module in SOURCES.keys() - ANYTHING:
        assert not GRAPH[module] & ANYTHING
    assert not any("tests" in name.split(".") for tree in TREES.values() for name in imported(tree))


@pytest.mark.parametrize("module", sorted(DEAF_TO_CONFIG & SOURCES.keys()))
def test_networks_and_losses_never_reach_the_configuration(module: str) -> None:
    assert not reached(module) & {"config", "options"}


def test_use_needs_no_training_code() -> None:
    for start in {"stylizer", "__init__"} & SOURCES.keys():
        assert not reached(start) & {"trainer", "data", "tracking", "discriminator", "losses"}
        assert not reached(start) & importers("wandb")


def test_wandb_is_imported_in_one_function() -> None:
    assert importers("wandb") <= {"tracking"}
    tree = TREES.get("tracking", ast.Module([], []))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inside = [node for node in functions if "wandb" in imported(node)]
    assert len(inside) == list(imported(tree)).count("wandb") <= 1


def test_omegaconf_is_imported_in_one_file() -> None:
    assert importers("omegaconf") == {"config"}


@pytest.mark.parametrize("module", SOURCES)
def test_files_and_functions_are_short(module: str) -> None:
    assert SOURCES[module].read_text(encoding="utf-8").count("\n") <= LONGEST_FILE
    long = [
        node.name
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []
