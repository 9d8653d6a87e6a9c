"""All checks together: the screen, the JSON, and what is broken."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gan_style.cli.main import main
from gan_style.diagnosis import report as report_module
from gan_style.diagnosis import weights
from gan_style.diagnosis.finding import Finding
from gan_style.diagnosis.report import CHECKS, diagnose
from gan_style.errors import ModelError
from gan_style.shipped import SHIPPED

REPOSITORY = Path(__file__).resolve().parents[2]
QUICK = {heading: checks for heading, checks in CHECKS.items() if heading != "Speed"}


def fine() -> list[Finding]:
    return [Finding("answer", 42, "42")]


def check_moon() -> list[Finding]:
    raise OSError("no moon tonight\nat all")


def test_what_fails_is_a_finding_and_the_rest_is_checked() -> None:
    report = diagnose({"Sky": (check_moon, fine)})
    assert report.broken
    assert report.lines() == [
        "Sky",
        "  moon    failed",
        "  answer  42",
        "",
        "- moon cannot be checked: OSError: no moon tonight",
    ]
    assert report.as_json() == {
        "sky": {"moon": None, "answer": 42},
        "advice": ["moon cannot be checked: OSError: no moon tonight"],
        "broken": True,
    }


def check_sun() -> list[Finding]:
    raise ModelError("the sun is damaged: install it again")


def test_the_same_advice_is_given_once() -> None:
    report = diagnose({"Sky": (check_sun, check_sun)})
    assert report.broken
    assert report.advice == ["the sun is damaged: install it again"]


def test_all_is_well() -> None:
    report = diagnose({"Sky": (fine,)})
    assert not report.broken
    assert report.lines()[-1] == "Nothing is wrong."


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped weights of which one bit is another."""
    folder = tmp_path / "weights"
    shutil.copytree(SHIPPED, folder)
    file = folder / "base.discriminator.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    monkeypatch.setattr(weights, "SHIPPED", folder)
    return file


def test_damaged_weights_are_broken(
    damaged: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report_module, "CHECKS", QUICK)
    assert main(["doctor", "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown["broken"] is True
    assert shown["weights"] == {"shipped": False}
    assert (
        f"{damaged} is missing or not as it was shipped: install gan_style again"
        in (shown["advice"])
    )


def test_it_works_where_pytorch_does_not(tmp_path: Path) -> None:
    program = """
import sys
sys.modules["torch"] = None  # importing it fails as if it were not installed
from gan_style.cli.main import main
sys.exit(main(["doctor"]))
"""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 1, done.stderr
    assert "- pytorch cannot be checked: ModuleNotFoundError" in done.stdout
    assert f"GB free in {tmp_path}" in done.stdout


def test_speed_is_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan_style.diagnosis.speed.SIDE", 64)
    monkeypatch.setattr("gan_style.training.forecast._WARM", 0)
    monkeypatch.setattr("gan_style.training.forecast._MEASURED", 1)
    assert main(["doctor", "--json"]) in (0, 1)  # whatever else this machine lacks
    speed = json.loads(capsys.readouterr().out)["speed"]
    assert speed["painting"] > 0
    assert speed["training"] > 0
