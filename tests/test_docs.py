"""The site builds, its commands parse, and nothing in the repository speaks of files outside it."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from gan_style.cli.main import command_line
from gan_style.config import SECTIONS, LossWeights, load_config
from gan_style.options import options_of

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = sorted((REPOSITORY / "docs").rglob("*.md"))
WRITTEN = [page for page in PAGES if "experiments" not in page.parts]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
OUTSIDE = ("../" + "shared", "/" + "work/", "score" + ".py", "docs/" + "LOG.md")
"""What a clone has not got, put together so that this file does not name it itself."""


def fenced(page: Path, language: str) -> Iterator[str]:
    for indent, name, text in FENCE.findall(page.read_text(encoding="utf-8")):
        if name == language:
            yield "\n".join(line.removeprefix(indent) for line in text.splitlines())


def relative(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@pytest.mark.skipif(find_spec("mkdocs") is None, reason="needs the docs extra")
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(build, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    method = (tmp_path / "method" / "index.html").read_text(encoding="utf-8")
    assert method.count('display="block"') > 15
    assert r"\(" not in re.sub(r"<annotation.*?</annotation>", "", method, flags=re.DOTALL)
    commands = (tmp_path / "reference" / "command-line" / "index.html").read_text(encoding="utf-8")
    options = (tmp_path / "reference" / "options" / "index.html").read_text(encoding="utf-8")
    assert all(f'id="{name}"' in commands for name in command_line().commands)
    assert all(each.key in options for kind in SECTIONS.values() for each in options_of(kind))
    assert "https://fonts." not in method
    assert not re.search(r"<(script|link)[^>]+(src|href)=\"https?:", method)


@pytest.mark.parametrize("page", WRITTEN, ids=relative)
def test_commands_of_the_pages_parse(page: Path) -> None:
    """Words and options exist; the README's test runs the same commands."""
    for text in fenced(page, "sh"):
        for line in text.replace("\\\n", "").splitlines():
            words = shlex.split(line)
            if words[0] == "torchrun":
                words = ["gan-style", *words[words.index("gan_style") + 1 :]]
            if words[0] == "gan-style":
                parse(words[1:])
            elif words[:2] == ["python", "train.py"]:
                parse(["train", *words[2:]])
            elif words[0] == "python":
                assert (REPOSITORY / words[1]).is_file(), line
            elif words[0] == "docker":
                in_container(words)
            else:
                assert words[0] in ("pip", "eval", "wandb", "sha256sum"), line


@pytest.mark.parametrize("page", [REPOSITORY / "README.md", *WRITTEN], ids=relative)
def test_commands_that_are_named_in_a_sentence_parse(page: Path) -> None:
    """Such a command may leave out what it is about, but what it has exists."""
    for named in re.findall(r"`((?:gan-style|torchrun) [^`]+)`", page.read_text(encoding="utf-8")):
        words = shlex.split(named)
        if words[0] == "torchrun":
            if "gan_style" not in words:
                continue  # a word about torchrun itself
            words = words[words.index("gan_style") :]
        if words[1] == "COMMAND":
            continue
        with suppress(click.MissingParameter):
            parse(words[1:])


def in_container(words: list[str]) -> None:
    """The file that is built is there, and the command that is run parses."""
    if words[1] == "build":
        assert (REPOSITORY / words[words.index("-f") + 1]).is_file()
    else:
        assert words[1] == "run"
        [image] = [at for at, word in enumerate(words) if word.startswith("gan-style")]
        parse(words[image + 1 :])


def parse(words: list[str]) -> None:
    group = command_line()
    root = click.Context(group, info_name="gan-style")
    command = group.get_command(root, words[0])
    assert command is not None, words
    if "--help" not in words:
        command.make_context(words[0], words[1:], parent=root)
    if words[0] == "train":
        changes = [word for word in words[1:] if "=" in word]
        load_config(None, changes)
        configs = [word for word in words[1:] if word.startswith("configs/")]
        assert all((REPOSITORY / config).is_file() for config in configs)


@pytest.mark.parametrize("page", WRITTEN, ids=relative)
def test_python_of_the_pages_compiles(page: Path) -> None:
    for text in fenced(page, "python"):
        compile(text, relative(page), "exec")


@pytest.mark.parametrize("page", WRITTEN, ids=relative)
def test_options_that_the_pages_name_exist(page: Path) -> None:
    known = {each.key for kind in SECTIONS.values() for each in options_of(kind)}
    modules = {f"losses.{file.stem}" for file in (REPOSITORY / "gan_style/losses").glob("*.py")}
    named = re.findall(
        rf"(?<![\w./])((?:{'|'.join(SECTIONS)})\.[a-z_0-9]+)\b(?![/.(])",
        page.read_text(encoding="utf-8"),
    )
    files = {"train.py", "train.log", "model.safetensors", "model.onnx"}
    assert set(named) - known - modules - files == set()


def test_the_method_has_every_loss_with_its_default_weight() -> None:
    text = (REPOSITORY / "docs" / "method.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[`losses\.(\w+)`\]\(#[\w-]+\) \| ([\d.]+) \|", text, re.MULTILINE)
    weights = LossWeights()
    expected = [(each.name, getattr(weights, each.name)) for each in fields(LossWeights)]
    assert [(name, float(weight)) for name, weight in rows] == expected


@pytest.mark.parametrize("page", [p for p in PAGES if p not in WRITTEN], ids=relative)
def test_tables_of_experiments_have_at_most_six_columns(page: Path) -> None:
    text = re.sub(r"\\\|", "", page.read_text(encoding="utf-8"))
    rows = re.findall(r"^\|(.*)\|$", text, re.MULTILINE)
    assert [row for row in rows if row.count("|") > 5] == []


def test_nothing_speaks_of_files_outside_the_repository() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    found = []
    for name in listed.stdout.split("\0"):
        path = REPOSITORY / name
        if not name or not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or weights
        found += [f"{name}: {word}" for word in OUTSIDE if word in text]
    assert found == []
