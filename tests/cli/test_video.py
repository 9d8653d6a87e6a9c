"""`gan-style video`: a whole command, and what it refuses before any work."""

import sys
from pathlib import Path

import pytest
from video_clips import flat, pan, seconds_of, sound_of, write_clip

from gan_style.cli.main import main

pytest.importorskip("av")
Capture = pytest.CaptureFixture[str]


def run(*words: object) -> int:
    return main(["video", *map(str, words)])


def failed(capsys: Capture, *words: object) -> str:
    capsys.readouterr()
    assert run(*words) == 2
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    return told.err.rpartition("error: ")[2].strip()


def test_a_clip_is_painted_with_its_sound(tmp_path: Path, capsys: Capture) -> None:
    source = write_clip(tmp_path / "x.mp4", pan(4, (48, 64)), sound="aac")
    output = tmp_path / "y.mp4"
    assert run(source, "--style", "mosaic", "-o", output, "--size", 32, "--device", "cpu") == 0
    told = capsys.readouterr()
    assert f"painted 4 frames into {output}" in told.out
    assert "4/4" in told.err
    assert seconds_of(output) == seconds_of(source)
    assert sound_of(output) == sound_of(source)
    assert "y.mp4 is there already; --force" in failed(
        capsys, source, "--style", "mosaic", "-o", output
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.mp4", "y.mp4"]


def test_what_cannot_work_is_refused_before_any_work(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object, **__: object) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr("gan_style.stylizer.Stylizer.from_pretrained", load)
    source = write_clip(tmp_path / "x.mp4", flat(3))
    style = ("--style", "mosaic")
    output = tmp_path / "y.mp4"
    text = tmp_path / "text.mp4"
    text.write_text("no video " * 50)
    (tmp_path / "file").touch()
    for words, reason in (
        ((tmp_path / "none.mp4", *style, "-o", output), "none.mp4 does not exist"),
        ((text, *style, "-o", output), "text.mp4"),
        ((source, *style, "-o", tmp_path / "y.doc"), "videos are written as .mp4"),
        ((source, *style, "-o", tmp_path / "file" / "y.mp4"), "is a file, not a folder"),
        ((source, *style, "-o", output, "--start", 5, "--end", 4), "--end is 4; it must be above"),
        ((source, *style, "-o", output, "--start", 60), "no frame from 60 s on"),
        ((source, *style, "-o", output, "--steady", 2), "--steady is 2.0; it must be a number"),
        ((source, *style, "-o", output, "--codec", "xvid"), "xvid"),
        ((source, *style, "-o", output, "--fps", 5), "--fps is for folders of pictures"),
    ):
        assert reason in failed(capsys, *words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "text.mp4", "x.mp4"]


def test_missing_packages_are_named(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("gan_style.video.")]:
        if name != "gan_style.video.config":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "av", None)
    told = failed(capsys, tmp_path, "--style", "mosaic", "-o", tmp_path / "y.mp4")
    assert "videos need PyAV" in told
    assert "pip install 'gan-style[video]'" in told
