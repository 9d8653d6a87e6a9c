"""A run folder sent to Weights & Biases: to a server of this machine, and into offline files."""

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from wandb_reader import offline_runs
from wandb_server import KEY, WandbServer, wandb_server

from gan_style.checkpoint import save_checkpoint
from gan_style.cli.main import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True, scope="module")
def _no_service_left_behind() -> Iterator[None]:
    yield
    import wandb

    wandb.teardown()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    with wandb_server() as state:
        monkeypatch.setenv("WANDB_BASE_URL", state.url)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        yield state


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Write a run of five steps, resumed in the middle and killed at its end."""
    folder = tmp_path / "a run"
    (folder / "samples").mkdir(parents=True)
    lines = [json.dumps({"step": n, "model/gram": 1 / n, "images": 8 * n}) for n in range(1, 6)]
    lines += [json.dumps({"step": 4, "model/gram": 0.123456789, "validation/score": 0.1 + 0.2})]
    lines += [json.dumps({"step": 5, "images": None}), '{"step": 6, "mod']
    (folder / "log.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for step in (2, 4):
        Image.new("RGB", (16, 12), (60 * step, 0, 0)).save(
            folder / "samples" / f"sample-{step:08d}.png"
        )
    (folder / "config.yaml").write_text("run: {name: größe}\ntrain: {seed: 3}\n", encoding="utf-8")
    tracker = {"wandb": {"id": "abc123", "step": 5}}
    save_checkpoint(
        folder / "checkpoints" / "step-00000005.safetensors",
        {"weight": torch.zeros(1)},
        {"kind": "checkpoint", "tracker": tracker},
    )
    return folder


def logged(run: Path) -> dict[int, dict[str, float]]:
    """Return what the log says, read in the plainest way."""
    numbers: dict[int, dict[str, float]] = {}
    for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()[:-1]:
        values = json.loads(line)
        numbers.setdefault(values.pop("step"), {}).update(values)
    return numbers


def pictures(run: Path) -> dict[int, str]:
    return {
        int(path.stem[-8:]): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (run / "samples").iterdir()
    }


def test_the_server_receives_what_the_log_says(
    run: Path, server: WandbServer, capsys: Capture
) -> None:
    assert main(["sync", str(run), "--project", "posters", "--id", "abc123"]) == 0
    (received,) = server.runs.values()
    sent = received.numbers()
    assert math.isnan(sent[5].pop("images"))  # null in the log
    expected = logged(run)
    del expected[5]["images"]
    assert sent == expected
    assert received.images("sample") == pictures(run)
    assert (received.name, received.exit_code) == ("größe", 0)
    assert received.config["train"] == {"seed": 3}
    assert [each["input"]["artifactTypeName"] for each in server.artifacts] == ["run_table"]
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "sent 5 steps and 2 pictures as run abc123",
        "left out 1 torn line of the log",
        f"it is shown at {server.url}/me/gan-style/runs/abc123",
    ]


def test_offline_it_stays_in_the_run_folder(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert main(["sync", str(run), "--entity", "me"]) == 0
    (piece,) = offline_runs(run)
    numbers = logged(run)
    assert piece.metric("model/gram") == {n: each["model/gram"] for n, each in numbers.items()}
    assert piece.metric("validation/score") == {4: 0.1 + 0.2}
    images = {
        n: hashlib.sha256(path.read_bytes()).hexdigest()
        for n, path in piece.images("sample").items()
    }
    assert images == pictures(run)
    assert (piece.name, piece.project, piece.exit_code) == ("größe", "gan-style", 0)
    told = capsys.readouterr().out
    assert "training itself tracked run abc123; to replace it, sync with --id abc123" in told
    assert f"wandb sync '{piece.folder}'" in told


@pytest.mark.parametrize(
    ("environment", "folder", "told"),
    [
        (
            {},
            "a run",
            "the run cannot be sent: not logged in to http://127.0.0.1:9; run `wandb login`",
        ),
        (
            {"WANDB_MODE": "disabled"},
            "a run",
            "WANDB_MODE is disabled; to sync it must be online or",
        ),
        ({}, ".", "is no run folder: no log.jsonl"),
        ({}, "nowhere", "nowhere does not exist"),
        ({}, "empty", "has nothing to send yet: no numbers and no pictures"),
    ],
)
def test_what_cannot_be_sent_is_refused(
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    environment: dict[str, str],
    folder: str,
    told: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (run.parent / "empty").mkdir()
    (run.parent / "empty" / "log.jsonl").touch()
    assert main(["sync", str(run.parent / folder)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert not (run / "wandb").exists()


def test_a_server_that_does_not_answer_is_one_line(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    from gan_style.training import sync

    monkeypatch.setenv("WANDB_API_KEY", KEY)  # for a port on which nobody listens
    monkeypatch.setitem(sync.WANDB_SETTINGS, "init_timeout", 1.0)
    monkeypatch.setitem(sync.WANDB_SETTINGS, "login_timeout", 1.0)
    assert main(["sync", str(run)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: W&B did not take the run: ")
