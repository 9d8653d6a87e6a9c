"""What importing and using the package needs, and what it does without."""

import subprocess
import sys
from pathlib import Path

import pytest

from gan_style.cli.main import main

REPOSITORY = Path(__file__).resolve().parents[1]
ONLY_FOR_TRAINING = ("wandb", "skimage", "omegaconf")
USE = """
import sys

for name in {hidden!r}:
    sys.modules[name] = None  # importing it fails as if it were not installed

from PIL import Image
from gan_style import StyleCode, Stylizer

ours = {{name.partition(".")[2] for name in sys.modules if name.startswith("gan_style.")}}
print(*sorted(ours))

stylizer = Stylizer.from_pretrained({run!r}, device="cpu")
code = stylizer.encode(Image.new("RGB", (40, 40), "red"), "red")
assert isinstance(code, StyleCode)
print(stylizer.stylize(Image.new("RGB", (40, 32)), code).size)
"""


def test_use_needs_neither_training_code_nor_its_libraries(tiny_run: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", USE.format(hidden=ONLY_FOR_TRAINING, run=str(tiny_run))],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    modules, size = done.stdout.splitlines()
    rooms = {module.partition(".")[0] for module in modules.split()}
    assert not {"training", "losses", "evaluation", "optimization", "cli", "config"} & rooms
    assert "models.discriminator" not in modules.split()
    assert size == "(40, 32)"


@pytest.mark.parametrize("wandb", ["offline", "off"])
def test_training_does_without_wandb(
    tiny: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wandb: str,
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    words = [*tiny, "train.steps=1", "run.sample_every=9", f"tracking.wandb={wandb}"]
    assert main(["train", *words, f"run.dir={tmp_path / 'run'}"]) == 0
    assert capsys.readouterr().err.count("W&B is off") == (wandb == "offline")
    assert (tmp_path / "run" / "model.safetensors").is_file()
