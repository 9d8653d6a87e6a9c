"""Weights & Biases failing: a run goes on, warns once, and can be sent in whole afterwards."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wandb_server import KEY, wandb_server

from gan_style.config import load_config
from gan_style.training.run import train

pytestmark = pytest.mark.nightly  # test_tracking has quick ones, with a stand-in for the library


@pytest.fixture
def trouble(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Let a call of the library itself fail, or its server be dead."""
    import wandb

    def fail(*given: Any, **named: Any) -> Any:
        raise wandb.Error(f"{request.param} went wrong")

    if request.param == "init":
        monkeypatch.setattr(wandb, "init", fail)
    elif request.param != "server":
        monkeypatch.setattr(wandb.Run, request.param, fail)
    return request.param


def logged(folder: Path) -> dict[int, dict[str, float]]:
    numbers: dict[int, dict[str, float]] = {}
    for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines():
        values = json.loads(line)
        numbers.setdefault(values.pop("step"), {}).update(values)
    return numbers


@pytest.mark.parametrize("trouble", ["init", "log", "finish", "server"], indirect=True)
def test_training_goes_on_and_can_be_sent(
    tiny: list[str],
    tmp_path: Path,
    trouble: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tally: Any,
) -> None:
    folder = tmp_path / "run"
    mode = "online" if trouble == "server" else "offline"
    what = {"server": "a server that is dead"}.get(trouble, f"a failing {trouble}")
    counted = tally(f"W&B: {what}")
    with counted.attempt():
        with monkeypatch.context() as patch:
            patch.setenv("WANDB_API_KEY", KEY)  # WANDB_BASE_URL is a port on which nobody listens
            caplog.set_level(logging.INFO, "gan_style")
            train(load_config(None, [*tiny, f"run.dir={folder}", f"tracking.wandb={mode}"]))
        warned = [
            each.getMessage()
            for each in caplog.records
            if each.levelno >= logging.WARNING and "W&B" in each.getMessage()
        ]
        assert len(warned) == 1, warned
        counted.told(warned[0], folder)
        assert (folder / "report.txt").is_file()
        with wandb_server() as server:
            own = {name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"}
            own |= {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": KEY}
            command = [sys.executable, "-m", "gan_style", "sync", str(folder)]
            subprocess.run(command, env=own, check=True, timeout=200)
        (received,) = server.runs.values()
        assert received.numbers() == logged(folder)
