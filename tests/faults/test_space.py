"""Space that a run or an export needs is known before the work begins."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gan_style.config import load_config
from gan_style.errors import ConfigError
from gan_style.training import run as run_module
from gan_style.training.run import train


def test_a_run_says_what_it_needs_and_what_is_free(
    tiny: list[str], tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally: Any
) -> None:
    """It is about what a run has taken in the end, with one more checkpoint and best model."""
    free = SimpleNamespace(free=10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: free)
    monkeypatch.setattr(run_module, "begin", None)  # nothing is begun
    config = load_config(None, [*tiny, f"run.dir={tmp_path / 'new' / 'run'}"])
    counted = tally("a disk with too little space for a run")
    with counted.attempt():
        with pytest.raises(ConfigError) as caught:
            train(config)
        message = str(caught.value)
        counted.told(message, tmp_path / "new")
        found = re.fullmatch(
            r"run\.dir: 2 checkpoints and the results are going to take about (\S+) MB, and 1 MB "
            rf"are free at {re.escape(str(tmp_path))}",
            message,
        )
        assert found is not None, message
        taken = sum(path.stat().st_size for path in tiny_run.rglob("*") if path.is_file())
        checkpoint = (tiny_run / "checkpoints" / "step-00000004.safetensors").stat().st_size
        assert taken < float(found[1]) * 1e6 < taken + 1.5 * checkpoint
        assert not (tmp_path / "new").exists()


@pytest.mark.nightly
def test_a_resumed_run_needs_less(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(tiny_run, tmp_path / "copy")
    checkpoint = (copy / "checkpoints" / "step-00000004.safetensors").stat().st_size
    free = SimpleNamespace(free=2 * checkpoint)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: free)
    words = [f"run.dir={copy}", "train.resume=true"]
    assert train(load_config(str(copy / "config.yaml"), words)) == copy


def test_an_export_is_refused_before_it_is_converted(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from gan_style.cli.main import main
    from gan_style.sharing import onnx_export

    monkeypatch.setattr(onnx_export, "export_onnx", None)
    monkeypatch.setattr(onnx_export, "require_onnx", lambda: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=1000))
    words = ["export", "--onnx", str(tmp_path / "model.onnx"), "--model", str(tiny_run)]
    assert main(words) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert re.search(r"model\.onnx is going to take about \S+ MB, and 1 kB are free", told)
