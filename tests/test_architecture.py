"""Who may import whom, one row a package; who knows of which library; what stays short."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = "gan_style"
LONGEST_FILE, LONGEST_FUNCTION = 400, 40

FOUNDATION = {
    *("errors", "sizes", "networks", "shipped", "options", "config", "config_files"),
    *(
        "files",
        "disk_space",
        "device",
        "distributed",
        "memory",
        "color",
        "tensor_files",
        "checkpoint",
    ),
    *("style_code", "training_facts"),
}
API = {"merging", "pretrained", "encoding", "hub_model", "stylizer", "comparing"}

ROWS = {  # package -> those below it that it may import
    "foundation": "",
    "models": "foundation",
    "losses": "foundation models",
    "data": "foundation",
    "painting": "foundation models data",
    "remote": "foundation",
    "api": "foundation models data painting remote",
    "video": "foundation models data painting api",
    "optimization": "foundation models losses data api",
    "evaluation": "foundation models losses data api",
    "training": "foundation models losses data remote api evaluation",
    "diagnosis": "foundation api training",
    "sharing": "foundation models data painting remote api training",
    "app": "foundation models data painting api video training",
    "cli": "foundation models losses data painting remote api video optimization evaluation "
    "training diagnosis sharing app",
}
ENTRANCES = {"__init__", "__main__", "train.py"}  # they may import what they lead to

FILES = {
    ".".join(path.relative_to(REPOSITORY / PACKAGE).with_suffix("").parts): path
    for path in sorted((REPOSITORY / PACKAGE).rglob("*.py"))
}
FILES["train.py"] = REPOSITORY / "train.py"
INTEGRATIONS = {
    path.relative_to(REPOSITORY).as_posix(): path
    for path in sorted((REPOSITORY / "integrations").rglob("*.py"))
}
"""What other programs load; beside the package, which knows nothing of them."""
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the full name of everything imported anywhere in the tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(name: str) -> str | None:
    """The module of ours that the name of something imported lies in."""
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return None
    for end in range(len(parts), 1, -1):
        if (found := ".".join(parts[1:end])) in FILES:
            return found
        if f"{found}.__init__" in FILES:
            return f"{found}.__init__"
    return "__init__"


GRAPH = {name: {m for n in imported(tree) if (m := module_of(n))} for name, tree in TREES.items()}


def package_of(module: str) -> str:
    first = module.partition(".")[0]
    if first in FOUNDATION:
        return "foundation"
    return "api" if first in API else first


def lines_of_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """A contract may be as long as it needs to be; what it hides is counted by itself."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and ast.get_docstring(node) is not None
    return (first.end_lineno or 0) - first.lineno + 1 if documented else 0


def importers(library: str) -> set[str]:
    return {
        name
        for name, tree in TREES.items()
        if any(used.partition(".")[0] == library for used in imported(tree))
    }


def reached(start: str) -> set[str]:
    """Return `start` and all modules of ours that importing it imports, however indirectly."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += GRAPH.get(name, set()) - ENTRANCES
    return seen


@pytest.mark.parametrize("module", FILES)
def test_imports_lead_downwards(module: str) -> None:
    if module in ENTRANCES:
        return
    package = package_of(module)
    assert package in ROWS, f"{module} stands in no room"
    below = {*ROWS[package].split(), package}
    above = {m for m in GRAPH[module] if m not in ENTRANCES and package_of(m) not in below}
    assert above == set()
    assert not GRAPH[module] & {"train.py", "__main__"}
    if "__init__" in GRAPH[module]:  # for its version only
        assert {n for n in imported(TREES[module]) if module_of(n) == "__init__"} <= {
            f"{PACKAGE}.__version__",
            f"{PACKAGE}.cli",
        }


def test_no_cycles() -> None:
    TopologicalSorter({m: g - ENTRANCES - {m} for m, g in GRAPH.items()}).prepare()


def test_no_drawers() -> None:
    names = {part for module in FILES for part in module.split(".")}
    assert not names & {"utils", "util", "common", "helpers", "misc", "tools"}


def test_the_tests_mirror_the_packages() -> None:
    folders = {path.parent.name for path in (REPOSITORY / "tests").glob("*/test_*.py")}
    rooms = {module.partition(".")[0] for module in FILES if "." in module and module != "train.py"}
    assert folders == {*rooms, "integrations", "faults"}


@pytest.mark.parametrize(
    "module", [m for m in FILES if package_of(m) in ("models", "losses") and m in FILES]
)
def test_networks_and_losses_never_reach_the_configuration(module: str) -> None:
    assert not reached(module) & {"config", "options", "config_files"}


def test_use_needs_no_training_code() -> None:
    found = reached("stylizer")
    assert not {package_of(m) for m in found} & {"training", "losses", "evaluation", "cli"}
    assert "models.discriminator" not in found
    assert not found & importers("wandb")


def test_few_modules_know_wandb_and_import_it_when_they_need_it() -> None:
    assert importers("wandb") == {
        "remote.artifacts",  # fetches
        "training.tracking",  # mirrors a run while it trains
        "training.sync",  # sends one afterwards
        "training.sweep_agent",  # trains what the server asks for
    }
    for module in importers("wandb"):
        atop = ast.Module(
            [n for n in TREES[module].body if isinstance(n, ast.Import | ast.ImportFrom)], []
        )
        assert "wandb" not in {name.partition(".")[0] for name in imported(atop)}, module


def test_omegaconf_and_click_stay_in_their_room() -> None:
    assert importers("omegaconf") == {"config"}
    assert {package_of(m) for m in importers("click")} == {"cli"}


def test_libraries_for_videos_stay_in_their_room() -> None:
    assert {package_of(m) for m in importers("av") | importers("cv2")} == {"video"}


def test_onnx_stays_in_its_room() -> None:
    knowing = importers("onnx") | importers("onnxruntime")
    assert {package_of(m) for m in knowing} == {"sharing"}
    # it is for where there is no PyTorch, and neither the rest of this package
    standalone = {name.partition(".")[0] for name in imported(TREES["sharing.onnx_runtime"])}
    assert not standalone & {"torch", PACKAGE}


def test_the_page_alone_knows_gradio() -> None:
    knowing = importers("gradio")
    assert {module for module in knowing if not module.startswith("app.tabs.")} == {
        "app.handlers",
        "app.page",
    }
    assert knowing <= {module for module in FILES if package_of(module) == "app"}


def test_library_code_logs_and_does_not_print() -> None:
    printing = {
        module
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    }
    assert {package_of(module) for module in printing} <= {"cli"}


@pytest.mark.parametrize("path", INTEGRATIONS)
def test_integrations_use_the_package_as_the_command_line_may(path: str) -> None:
    used = {
        name
        for node in ast.walk(ast.parse(INTEGRATIONS[path].read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and not node.level
        for name in [f"{node.module}.{alias.name}" for alias in node.names]
    }
    modules = {module for name in used if (module := module_of(name))}
    assert {package_of(module) for module in modules} <= {*ROWS["cli"].split()} - {"app"}
    assert not path.startswith("integrations/krita/") or not modules  # Krita has no PyTorch


@pytest.mark.parametrize(
    "path",
    [*FILES.values(), *INTEGRATIONS.values()],
    ids=lambda path: path.relative_to(REPOSITORY).as_posix(),
)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST_FILE
    long = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 - lines_of_docstring(node) > LONGEST_FUNCTION
    ]
    assert long == []
