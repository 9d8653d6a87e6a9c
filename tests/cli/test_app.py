"""`gan-style app`: what it refuses before it serves anything."""

import socket
import sys
from pathlib import Path

import pytest

from gan_style.cli.main import main

Capture = pytest.CaptureFixture[str]


def failed(capsys: Capture, *words: object) -> str:
    capsys.readouterr()
    assert main(["app", *map(str, words)]) == 2
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    return told.err.rpartition("error: ")[2].strip()


def test_a_port_that_is_taken_is_refused(tmp_path: Path, capsys: Capture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = failed(capsys, "--port", port, "--folder", tmp_path / "work")
    assert told == f"--port is {port}, which cannot be used at 127.0.0.1: address already in use"
    assert not (tmp_path / "work").exists()


def test_wrong_options_are_refused(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "bad.yaml").write_text("train: {minutes: soon}")
    folder = ("--folder", tmp_path / "work")
    for words, reason in (
        (("--port", 70000), "port is 70000; it must be a whole number"),
        (("--host", "no host"), "host is 'no host'; it must be a name or an address"),
        (("--config", tmp_path / "none.yaml"), "none.yaml does not exist"),
        (("--config", tmp_path / "bad.yaml"), "train.minutes"),
    ):
        assert reason in failed(capsys, *folder, *words)
    assert not (tmp_path / "work").exists()


def test_gradio_that_is_missing_is_named(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowing = ("gan_style.app.page", "gan_style.app.handlers", "gan_style.app.tabs")
    for name in [name for name in sys.modules if name.startswith(knowing)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "gradio", None)
    told = failed(capsys, "--folder", tmp_path / "work")
    assert "the page needs Gradio" in told
    assert "pip install 'gan-style[app]'" in told
