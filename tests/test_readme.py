"""README.md: every command in it works, and everything it points to is there."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gan_style.cli.main import main, train_main
from gan_style.config import SECTIONS, load_config
from gan_style.evaluation.scores import METRICS
from gan_style.options import options_of

REPOSITORY = Path(__file__).resolve().parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
OWN_STYLE = (REPOSITORY / "docs" / "how-to" / "own-style.md").read_text(encoding="utf-8")
FENCED = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line for language, text in FENCED if language == "sh" for line in text.splitlines()]
CI = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")


@pytest.fixture
def workspace(collection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make what the README supposes: a clone's configs and data, a collection and photos."""
    for name in ("configs", "data"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    shutil.copytree(collection / "styles" / "ink", tmp_path / "my_pictures")
    for name in "ab":  # those that the examples name
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
            ("pip", "install", "-e", ".[demo]", "&&", "python", "train.py"): self.train,
            ("pip", "install", "-e", ".[dev]", "&&"): self.as_ci_does,
            ("pip", "install", "-e", ".[app]"): self.extra,
            ("pip", "install", "torch"): self.cpu_builds,
            ("gan-style", "train"): self.gan_style_train,
            ("gan-style",): self.gan_style,
        }

    def train(self, words: list[str]) -> None:
        """Train as written, but with small networks, and for one step more than before."""
        default = REPOSITORY / "configs" / "default.yaml"
        load_config(str(default), words)
        assert train_main(default, [*words, *self.brief(), f"run.dir=runs/{self.steps}"]) == 0

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
        installing = re.search(r"^pip install .*-e '\.\[dev\]'$", CI, re.MULTILINE)
        assert installing
        assert "python -m pytest" in CI[installing.end() :]

    def extra(self, words: list[str]) -> None:
        """It is installed with the development tools; what it is for has tests of its own."""
        assert words == []
        assert re.search(r"^app = \[", (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)

    def cpu_builds(self, words: list[str]) -> None:
        """Installing needs the network: here only that both come from one index."""
        assert words == ["torchvision", "--index-url", "https://download.pytorch.org/whl/cpu"]

    def gan_style(self, words: list[str]) -> None:
        assert main(words) == 0
        if "-o" in words:
            output = Path(words[words.index("-o") + 1])
            assert output.is_file() or list(output.glob("*.png"))


@pytest.mark.slow
def test_every_command_works(
    workspace: Path,
    tiny: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gan_style.training.forecast._WARM", 0)  # `check` trains at full size
    monkeypatch.setattr("gan_style.training.forecast._MEASURED", 1)
    reader = Reader(tiny)
    assert len(COMMANDS) >= 9
    for command in COMMANDS:
        reader.do(command)
    assert (workspace / "mine.png").is_file()
    assert len(list((workspace / "stylized").iterdir())) == 4
    shown = "".join(capsys.readouterr())
    assert "learning 3 styles with 6 photos" in shown  # the demo
    assert "5 pictures" in shown  # check

    for language, text in FENCED:  # the Python examples, on what the commands made
        if language == "python":
            exec(compile(text, "README.md", "exec"), {})
            assert (workspace / "mixed.png").is_file()
            assert (workspace / "mine.style.safetensors").is_file()

    listed = re.search(r"^```\n(runs/mine/\n.*?)^```$", OWN_STYLE, re.MULTILINE | re.DOTALL)
    assert listed
    names = [line.split()[0] for line in listed[1].splitlines()[1:]]
    made = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (workspace / "runs" / "mine").iterdir()
        if path.name[0] != "."
    }
    assert made == set(names)  # docs/how-to/own-style.md, of the run that the README makes


def test_a_command_that_nobody_knows_is_noticed(tiny: list[str]) -> None:
    with pytest.raises(AssertionError, match="no test runs: make coffee"):
        Reader(tiny).do("make coffee")


def test_the_two_commands() -> None:
    assert "pip install -e '.[demo]' && python train.py" in COMMANDS
    assert "pip install -e '.[dev]' && python -m pytest" in COMMANDS


def test_is_short() -> None:
    assert len(README.splitlines()) <= 170


def test_fences_say_what_they_hold() -> None:
    assert {language for language, _ in FENCED} <= {"sh", "python"}
    assert README.count("```") == 2 * len(FENCED)


def test_links_and_pictures_are_there() -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    relative = [target for target in targets if not re.match(r"\w+:", target)]
    assert len(relative) > 10
    assert [target for target in relative if not (REPOSITORY / target).exists()] == []


def test_anchors_are_there() -> None:
    headings = re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= anchors


def test_files_that_are_named_are_there() -> None:
    named = re.findall(r"`([\w./-]+(?:\.py|\.yaml|\.md|/))`", README)
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_options_that_are_named_exist() -> None:
    known = {each.key for kind in SECTIONS.values() for each in options_of(kind)}
    named = set(re.findall(rf"(?<![\w./])((?:{'|'.join(SECTIONS)})\.[a-z_0-9]+)\b(?!/)", README))
    assert "run.dir" in named
    assert {name for name in named - known if not name.endswith((".py", ".md"))} == set()


def test_options_of_commands_that_are_named_exist(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("stylize", "train"):
        assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert [name for name in re.findall(r"`(--[\w-]+)`", README) if name not in shown] == []


def test_metrics_that_are_named_exist() -> None:
    assert "deception_rate" in METRICS
    assert "deception rate" in README


def test_numbers_of_the_table_agree_with_their_mean() -> None:
    for row in re.findall(r"^\| (?:base model|after five minutes) \|(.*)\|$", README, re.MULTILINE):
        *values, mean = (float(cell) for cell in row.split("|"))
        assert len(values) == 7
        assert sum(values) / 7 == pytest.approx(mean, abs=0.006)


def test_the_program_can_be_run_as_a_module() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "gan_style", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
    )
    assert shown.stdout.startswith("gan-style ")
