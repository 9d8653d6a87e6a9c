"""README.md: every command in it works, and everything it points to is there."""

import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from gan_style.cli.main import main, train_main
from gan_style.config import SECTIONS, LossWeights, load_config
from gan_style.options import options_of

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
FENCED = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line for language, text in FENCED if language == "sh" for line in text.splitlines()]
CI = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")


@pytest.fixture
def workspace(collection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make what the README supposes: a clone's configs and data, a collection and photos."""
    for name in ("configs", "data"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    shutil.copytree(collection / "styles" / "ink", tmp_path / "my_pictures")
    for name in "ab":  # those that the Python example names
        shutil.copy(collection / "styles" / "ink" / "0.png", tmp_path / f"my_pictures/{name}.jpg")
    shutil.copytree(collection / "photos", tmp_path / "holiday_photos")
    shutil.copy(collection / "photos" / "0.png", tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


class Reader:
    """Does what the README says, in its order, with training cut short."""

    def __init__(self, tiny: list[str]) -> None:
        own = ("data.styles=", "data.content=", "train.steps=")  # left as the README has them
        self.short = [word for word in tiny if not word.startswith(own)]
        self.steps = 0

    def do(self, command: str) -> None:
        words = shlex.split(command)
        for begins, treatment in self.treatments().items():
            if words[: len(begins)] == list(begins):
                treatment(words[len(begins) :])
                return
        raise AssertionError(f"README.md has a command that no test runs: {command}")

    def treatments(self) -> dict[tuple[str, ...], Callable[[list[str]], None]]:
        return {
            ("pip", "install", "-e", ".", "&&", "python", "train.py"): self.train,
            ("pip", "install", "-e", ".[dev]", "&&"): self.as_ci_does,
            ("python", "train.py", "--help"): self.help,
            ("python", "train.py"): self.train,
            ("gan-style", "train"): self.gan_style_train,
            ("gan-style",): self.gan_style,
            ("wandb", "sync"): self.wandb_sync,
        }

    def train(self, words: list[str]) -> None:
        """Train as written, but with small networks, and for one step more than before."""
        brief = self.brief()
        if any(word.startswith("train.resume") for word in words):
            brief = [f"train.steps={self.steps}"]
        if not any(word.startswith("run.dir=") or "resume" in word for word in words):
            brief.append(f"run.dir=runs/{self.steps}")
        default = REPOSITORY / "configs" / "default.yaml"
        load_config(next((w for w in words if "=" not in w), str(default)), words[1:])
        assert train_main(default, [*words, *brief]) == 0

    def gan_style_train(self, words: list[str]) -> None:
        """As `train`."""
        assert main(["train", *words, *self.brief()]) == 0

    def brief(self) -> list[str]:
        """Changes that cut a training short, one step longer each time."""
        self.steps += 1
        return [*self.short, f"train.steps={self.steps}", "run.sample_every=100"]

    def as_ci_does(self, words: list[str]) -> None:
        """Running the tests in a test would not end; .ci/run does, after the same installation."""
        assert words == ["python", "-m", "pytest"]
        installing = CI.index("pip install --no-cache-dir --quiet --progress-bar off -e '.[dev]'")
        assert installing < CI.index("python -m pytest\n", installing)

    def help(self, words: list[str]) -> None:
        with pytest.raises(SystemExit, match="0"):
            train_main(REPOSITORY / "configs" / "default.yaml", ["--help", *words])

    def gan_style(self, words: list[str]) -> None:
        """As written; an optimization is small and short, and so is a refinement."""
        brief = ["--evaluations", "3", "--size", "48"] if words[0] == "optimize" else []
        brief += ["--refine", "0.2"] if "--refine" in words else []
        assert main([*words, *brief]) == 0
        if "-o" in words:
            output = Path(words[words.index("-o") + 1])
            assert output.is_file() or list(output.glob("*.png"))

    def wandb_sync(self, words: list[str]) -> None:
        """Uploading needs the network: here only that the command and its folder are right."""
        from wandb.cli.cli import cli

        assert "sync" in cli.commands
        assert words == ["runs/mine/wandb/offline-run-*"]


def test_every_command_works(
    workspace: Path, tiny: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    reader = Reader(tiny)
    assert len(COMMANDS) >= 10
    for command in COMMANDS:
        reader.do(command)
    assert (workspace / "mine.png").is_file()
    assert len(list((workspace / "painted").iterdir())) == 4
    told = capsys.readouterr().out
    assert "learning 3 styles with 6 photos" in told  # the demo
    assert "5 pictures" in told  # check
    assert "memorization" in told  # evaluate
    for made in ("sheet.png", "scores.json", "classical.png", "classical.json", "strip.png"):
        assert (workspace / made).is_file(), made

    for language, text in FENCED:  # the Python examples, on what the commands made
        if language == "python":
            exec(compile(text, "README.md", "exec"), {})
            assert (workspace / "painted.png").is_file()

    listed = next(text for _, text in FENCED if text.startswith("runs/mine/"))
    names = [line.split()[0] for line in listed.splitlines()[1:]]
    assert len(names) >= 7
    for name in names:
        assert (workspace / "runs" / "mine" / name).exists(), name
        assert (workspace / "runs" / "mine" / name).is_dir() == name.endswith("/"), name
    made = {path.name for path in (workspace / "runs" / "mine").iterdir()}
    assert made == {name.rstrip("/") for name in names}


def test_a_command_that_nobody_knows_is_noticed(tiny: list[str]) -> None:
    with pytest.raises(AssertionError, match="no test runs: make coffee"):
        Reader(tiny).do("make coffee")


def test_fences_say_what_they_hold() -> None:
    assert {language for language, _ in FENCED} <= {"sh", "python", ""}
    plain = [text for language, text in FENCED if not language]
    assert not re.search(
        r"^\s*(\$|pip|python|gan-style|wandb|git)\s", "\n".join(plain), re.MULTILINE
    )
    assert README.count("```") == 2 * len(FENCED)


def test_links_and_pictures_are_there() -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    relative = [target for target in targets if not re.match(r"\w+:", target)]
    assert relative
    assert [target for target in relative if not (REPOSITORY / target).exists()] == []


def test_files_that_are_named_are_there() -> None:
    named = re.findall(r"`([\w./-]+(?:\.py|\.yaml|\.md|/))`", README)
    inside = [name for name in named if not name.startswith(("runs/", "OUT/"))]
    there = [REPOSITORY, REPOSITORY / "gan_style"]
    assert [n for n in inside if not any((place / n).exists() for place in there)] == []


def test_options_that_are_named_exist() -> None:
    known = {option.key for kind in SECTIONS.values() for option in options_of(kind)}
    sections = "|".join(SECTIONS)
    named = set(re.findall(rf"(?<![\w./])((?:{sections})\.[a-z_0-9]+)\b(?!/)", README))
    assert {"data.content", "losses.content"} <= named
    files = {name for name in named if name.endswith((".py", ".safetensors", ".yaml"))}
    assert named - known - files == set()


def test_the_table_of_losses_is_complete() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)
    assert rows == [option.name for option in fields(LossWeights)]
