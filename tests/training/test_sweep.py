"""Whole sweeps: of runs in processes of their own, searched here or asked for by a server."""

import csv
import json
import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from wandb_reader import offline_runs
from wandb_server import KEY, wandb_server

from gan_style.cli.main import main
from gan_style.errors import ConfigError, DataError
from gan_style.training.sweep import Result, Sweep
from gan_style.training.sweep_file import SweepFile, read_sweep

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True, scope="module")
def _no_service_left_behind() -> Iterator[None]:
    yield
    import wandb

    wandb.teardown()


@pytest.fixture
def styles(collection: Path) -> Path:
    return collection / "styles" / "ink"


def values(tiny: list[str], photos: Path, *further: str) -> dict[str, Any]:
    """Return the options of runs that are as short as they can be."""
    words = [*tiny, "train.steps=1", "run.sample_every=1", *further]
    named = dict(word.split("=", 1) for word in words if not word.startswith("data.styles"))
    return {**named, "data.content": str(photos), "tracking.wandb": "auto"}


def write(path: Path, method: str, varied: dict[str, Any], fixed: dict[str, Any]) -> Path:
    parameters = {name: {"value": value} for name, value in fixed.items()}
    parameters |= {name: {"values": each} for name, each in varied.items()}
    metric = {"name": "validation/stroke", "goal": "minimize"}
    path.write_text(yaml.safe_dump({"method": method, "metric": metric, "parameters": parameters}))
    return path


@pytest.fixture
def photo(collection: Path, tmp_path: Path) -> Path:
    """Return a folder of one photo: each is searched for copies at the end of a run."""
    folder = tmp_path / "photo"
    folder.mkdir()
    (folder / "0.png").write_bytes((collection / "photos" / "0.png").read_bytes())
    return folder


@pytest.mark.long
def test_a_sweep_of_three_runs_offline(
    tiny: list[str], styles: Path, photo: Path, tmp_path: Path, capsys: Capture
) -> None:
    fixed = values(tiny, photo)
    file = write(tmp_path / "search.yaml", "grid", {"train.seed": [0, 1, 2]}, fixed)
    folder = tmp_path / "runs" / "search"
    words = ["sweep", str(file), str(styles), "-o", str(folder)]
    assert main(words) == 0
    told = capsys.readouterr().out
    rows = list(csv.DictReader((folder / "results.csv").open(encoding="utf-8")))
    ranked = [float(row["validation/stroke"]) for row in rows]
    assert ranked == sorted(ranked)
    assert sorted((row["run"], row["train.seed"]) for row in rows) == [
        ("01", "0"), ("02", "1"), ("03", "2"),
    ]  # fmt: skip
    best = folder / rows[0]["run"]
    paint = f"gan-style stylize PHOTO --style {best}/styles/ink.style.safetensors --model {best} -o"
    assert paint in told

    for number, row in enumerate(sorted(rows, key=lambda row: row["run"]), 1):
        (piece,) = offline_runs(folder / f"{number:02d}")
        assert (piece.group, piece.name) == ("search", f"search-{number:02d}")
        assert piece.metric("validation/stroke") == {1: float(row["validation/stroke"])}
        artifacts = {each["type"]: each for each in piece.artifacts}
        assert set(artifacts) == {"run_table", "report", "model", "style"}
        about = artifacts["model"]["metadata"]
        assert (about["squares"], about["pictures"]) == (2, {"ink": 3})
        assert about["validation"]["stroke"] == float(row["validation/stroke"])
        assert artifacts["style"]["metadata"]["style_pictures"] == 3

    assert main(words) == 0  # what is there is not trained again
    assert capsys.readouterr().out.count("there already") == 3
    write(file, "grid", {"train.seed": [7]}, fixed)
    assert main(words) == 2
    assert "is a run with other options; give the sweep another" in capsys.readouterr().err


@pytest.mark.long
def test_a_sweep_in_wandb_trains_what_the_server_asks_for(
    tiny: list[str],
    styles: Path,
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    fixed = values(tiny, photo)
    file = write(tmp_path / "search.yaml", "bayes", {"train.learning_rate": [0.001, 0.002]}, fixed)
    folder = tmp_path / "search"
    with wandb_server() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        server.jobs = [{**fixed, "train.learning_rate": 0.002}]
        assert main(["sweep", str(file), str(styles), "--count", "1", "-o", str(folder)]) == 0
    assert f"the best is {folder / '01'}; paint with it" in capsys.readouterr().out
    (created,) = server.sweeps
    command = yaml.safe_load(created["config"])["command"]
    assert command[-2:] == [f"data.styles={styles}", "${args_no_hyphens}"]
    received = server.runs["job0"]
    assert (received.sweep, received.exit_code) == ("sweep1", 0)
    lines = [json.loads(line) for line in (folder / "01" / "log.jsonl").read_text().splitlines()]
    logged = {name: value for line in lines for name, value in line.items() if name != "step"}
    assert logged["learning_rate"] > 0
    assert received.numbers() == {1: {n: v for n, v in logged.items() if math.isfinite(v)}}


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_ctrl_c_stops_the_run_in_order_and_says_how_to_go_on(
    file: SweepFile,
    styles: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\ntrap 'echo stopped; exit 0' TERM\necho on\nsleep 60 & wait\n")
    python.chmod(0o755)
    monkeypatch.setattr("gan_style.training.sweep.sys.executable", str(python))
    output = tmp_path / "runs" / "01" / "train.log"

    def interrupt() -> None:
        while not (output.exists() and output.read_text()):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    caplog.set_level("INFO", "gan_style")
    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        Sweep(file, styles, tmp_path / "runs").search(file.trials(None))
    assert output.read_text() == "on\nstopped\n"
    assert caplog.messages[-1] == f"stopped; go on with the same command and -o {tmp_path / 'runs'}"
    assert not (tmp_path / "runs" / "02").exists()


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_runs_that_fail_are_reported_and_the_others_go_on(
    file: SweepFile,
    styles: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"\necho "error: no memory" >&2\nexit 2\n')
    python.chmod(0o755)
    monkeypatch.setattr("gan_style.training.sweep.sys.executable", str(python))
    sweep = Sweep(file, styles, tmp_path / "runs")
    sweep.search(file.trials(None))
    assert caplog.messages == ["run 01 of 2 failed: no memory", "run 02 of 2 failed: no memory"]
    said = (tmp_path / "runs" / "02" / "train.log").read_text()
    assert said.startswith("-m gan_style train ")
    assert "train.learning_rate=0.002" in said
    assert [line.split()[:2] for line in sweep.lines()[1:3]] == [["01", "failed"], ["02", "failed"]]
    assert sweep.lines()[-1].startswith("no run came to its end; what they said is in ")


@pytest.fixture
def file(tiny: list[str], photo: Path, tmp_path: Path) -> SweepFile:
    varied = {"train.learning_rate": [0.001, 0.002]}
    return read_sweep(write(tmp_path / "search.yaml", "grid", varied, values(tiny, photo)))


def test_the_table_has_the_best_first_and_failures_last(
    file: SweepFile, styles: Path, tmp_path: Path
) -> None:
    sweep = Sweep(file, styles, tmp_path / "runs")
    for name, value, failure in (
        ("01", None, "no memory"), ("02", 0.5, None), ("03", None, None), ("04", 0.25, None),
    ):  # fmt: skip
        rate = 0.001 * int(name)
        result = Result(tmp_path / "runs" / name, {"train.learning_rate": rate}, value, failure)
        sweep.results.append(result)
    (tmp_path / "runs" / "04" / "styles").mkdir(parents=True)
    (tmp_path / "runs" / "04" / "styles" / "ink.style.safetensors").touch()
    table = [line.split() for line in sweep.lines()[:5]]
    assert table == [
        ["run", "validation/stroke", "train.learning_rate"],
        ["04", "0.25", "0.004"],
        ["02", "0.5", "0.002"],
        ["01", "failed", "0.001"],
        ["03", "not", "logged", "0.003"],
    ]


def test_what_cannot_be_trained_on_is_refused_before_any_run(
    file: SweepFile, styles: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"data\.styles"):
        Sweep(file, tmp_path / "search.yaml", tmp_path / "runs")
    sweep = Sweep(file, styles, tmp_path / "runs")
    with pytest.raises(ConfigError, match=r"train\.accumulate is 3; it must divide"):
        sweep.search([*file.trials(None), {"train.batch_size": 2, "train.accumulate": 3}])
    assert not (tmp_path / "runs").exists()


def test_the_command_refuses_in_one_line(styles: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["sweep", str(tmp_path / "nowhere.yaml"), str(styles)]) == 2
    assert main(["sweep", "configs/sweep.yaml", str(tmp_path / "nowhere")]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"error: {tmp_path / 'nowhere.yaml'} does not exist"
    assert second == f"error: {tmp_path / 'nowhere'} does not exist"
