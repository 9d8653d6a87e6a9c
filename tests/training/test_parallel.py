"""Processes that train together, started by torchrun, on this machine's CPUs (gloo)."""

import json
from pathlib import Path
from typing import Any

import pytest
from processes import REPOSITORY, torchrun

from gan_style.config import load_config
from gan_style.distributed import Ranks
from gan_style.errors import ConfigError
from gan_style.training.run import train

# low rates: at those of the defaults, what two orders of the same sum differ by grows tenfold
# every two steps, between runs of one process with one thread and with two as well
SETTINGS = [
    *("train.init=base", "train.steps=6", "train.batch_size=4", "train.precision=float32"),
    *("train.learning_rate=1e-5", "train.discriminator_learning_rate=1e-5"),
    *("losses.steadiness=10", "losses.descriptor=0.1", "discriminator.r1_interval=3"),
    *("data.set_shares=[0.5, 0.5]", "run.sample_every=1000", "run.checkpoint_every=2"),
]
DIES = """
import os, sys
import gan_style.training.run as run
from gan_style.config import load_config
from gan_style.training.trainer import Trainer
from gan_style.cli.main import main

run.write_results = lambda loop: None  # what follows training is the first process's alone
step = Trainer.step

def dying(self, batch, progress):
    if self.ranks.rank == 1 and self.ranks.restarts == 0 and self.steps_done == 3:
        os.kill(os.getpid(), 9)
    return step(self, batch, progress)

Trainer.step = dying
sys.exit(main(["train", *sys.argv[1:]]))
"""


def losses(folder: Path) -> dict[int, dict[str, float]]:
    lines = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return {
        line["step"]: {k: v for k, v in line.items() if k.startswith(("model/", "discriminator/"))}
        for line in lines
        if "model/content" in line
    }


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same training by one process, and by two of which one dies and all are restarted."""
    place = tmp_path_factory.mktemp("parallel")
    script = place / "dies.py"
    script.write_text(DIES)
    config = ["configs/smoke.yaml", *SETTINGS]
    done = torchrun(str(script), *config, f"run.dir={place / 'two'}", restarts=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gan_style.training.run.write_results", lambda loop: None)
        patch.chdir(REPOSITORY)
        one = [f"run.dir={place / 'one'}", "train.accumulate=2"]
        train(load_config(config[0], [*SETTINGS, *one]))
    return place, done


@pytest.mark.long
def test_two_processes_train_as_one_does_though_one_of_them_dies(runs: Any) -> None:
    place, done = runs
    assert done.returncode == 0, done.stderr
    one, two = losses(place / "one"), losses(place / "two")
    assert list(one) == list(two) == [1, 2, 3, 4, 5, 6]
    for step, expected in one.items():
        # not descriptor: its scales, which begin with the first part, measure parts one by one
        for name in ("content", "gram", "moments", "stroke", "steadiness"):
            found = two[step][f"model/{name}"]
            assert found == pytest.approx(expected[f"model/{name}"], rel=1e-3, abs=1e-6), name
        assert two[step].keys() == expected.keys()
    assert "process 0 of 2 lost another one" in done.stderr
    assert done.stdout.count("learning 3 styles") == 2  # by the first process, at both starts
    assert "error" not in done.stdout


@pytest.mark.long
def test_another_number_of_processes_goes_on(runs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    place, _ = runs
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr("gan_style.training.run.write_results", lambda loop: None)
    folder = place / "two"
    further = [*SETTINGS, f"run.dir={folder}", "train.resume=true", "train.steps=7"]
    train(load_config("configs/smoke.yaml", further))
    assert max(losses(folder)) == 7
    lines = (folder / "log.jsonl").read_text().splitlines()
    assert max(json.loads(line).get("images", 0) for line in lines) == 28


def test_a_batch_that_processes_cannot_share_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ranks, "of_environment", lambda: Ranks(0, 3))
    with pytest.raises(ConfigError, match=r"train\.batch_size is 8 for 3 .* multiple of 3"):
        train(load_config(None, ["data.styles=data/demo"]))


def test_restarts_need_a_folder_to_go_on_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ranks, "of_environment", lambda: Ranks(0, 2, may_restart=True))
    with pytest.raises(ConfigError, match=r"--max-restarts needs run\.dir"):
        train(load_config(None, ["data.styles=data/demo"]))


@pytest.mark.long
def test_processes_share_photos_and_lose_none_when_one_dies(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "photos").mkdir()
    for number in range(5):
        Image.new("RGB", (40, 40), (40 * number, 90, 30)).save(tmp_path / f"photos/{number}.png")
    script = tmp_path / "dies.py"
    script.write_text(
        "import os, sys\n"
        "import gan_style.stylizer as used\n"
        "from gan_style.cli.main import main\n"
        "paint, count = used.Stylizer.paint, []\n"
        "def dying(self, *given):\n"
        "    count.append(1)\n"
        "    first = os.environ['TORCHELASTIC_RESTART_COUNT'] == '0'\n"
        "    if os.environ['RANK'] == '1' and first and len(count) == 2:\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return paint(self, *given)\n"
        "used.Stylizer.paint = dying\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    words = ["stylize", str(tmp_path / "photos"), "--style", "woodcut", "-o", str(tmp_path / "out")]
    done = torchrun(str(script), *words, restarts=1)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [f"{n}.png" for n in range(5)]
