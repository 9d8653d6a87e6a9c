"""Video files as frames: times, turns, colors, and what is damaged."""

import logging
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from video_clips import (
    FILM,
    FINE,
    VARIABLE,
    flat,
    garbled,
    pan,
    sine,
    with_subtitles,
    write_clip,
)

from gan_style.errors import VideoError
from gan_style.video.frames import Look
from gan_style.video.reading import VideoFile

av = pytest.importorskip("av")


@pytest.mark.parametrize("times", [FILM, VARIABLE], ids=["constant", "variable"])
def test_frames_come_with_their_times(tmp_path: Path, times: list[int]) -> None:
    frames = pan(12)
    video = VideoFile(write_clip(tmp_path / "x.mp4", frames, times))
    found = list(video.frames())
    assert [each.time * video.look.time_base for each in found] == [t * FINE for t in times[:12]]
    assert found[-1].duration > 0
    for one, other in zip(found, frames, strict=True):
        assert np.abs(one.pixels.astype(int) - other).mean() < 4
    assert [each.time for each in video.frames()] == [each.time for each in found]


def test_a_part_begins_at_its_first_frame(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "x.mp4", flat(30))
    video = VideoFile(path, start=0.3, end=0.5)
    found = list(video.frames())
    expected = [t for t in FILM[:30] if Fraction(3, 10) <= t * FINE < Fraction(1, 2)]
    assert [each.time * video.look.time_base for each in found] == [
        (t - expected[0]) * FINE for t in expected
    ]
    assert video.origin == expected[0] * FINE
    assert abs(int(found[0].pixels.mean()) - (20 + 8 * FILM.index(expected[0]))) <= 3
    with pytest.raises(VideoError, match=r"no frame from 60 s on could be decoded"):
        VideoFile(path, start=60)


def test_a_turned_video_is_seen_upright(tmp_path: Path) -> None:
    upright = pan(3, (64, 32))
    stored = [np.ascontiguousarray(np.rot90(frame, -1)) for frame in upright]
    video = VideoFile(write_clip(tmp_path / "x.mp4", stored, rotation=90))
    assert video.look.sides == (64, 32)
    assert video.look.stored == (32, 64)
    assert np.abs(next(video.frames()).pixels.astype(int) - upright[0]).mean() < 4


def test_a_mirrored_video_is_seen_as_a_player_shows_it(tmp_path: Path) -> None:
    shown = pan(3, (64, 32))
    stored = [np.ascontiguousarray(np.rot90(frame[:, ::-1], -1)) for frame in shown]
    video = VideoFile(write_clip(tmp_path / "x.mp4", stored, rotation=90, mirrored=True))
    assert (video.look.rotation, video.look.mirrored) == (90, True)
    assert np.abs(next(video.frames()).pixels.astype(int) - shown[0]).mean() < 4


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_frames_are_stored_as_they_were(rotation: int, mirrored: bool) -> None:
    look = Look((3, 2), Fraction(1, 25), rotation, mirrored)
    upright = np.arange(18, dtype=np.uint8).reshape(3, 2, 3)
    stored = look.as_stored(upright)
    assert stored.shape[:2] == look.stored
    assert np.array_equal(look.upright(stored), upright)


def test_what_is_not_kept_is_known(tmp_path: Path) -> None:
    plain = write_clip(tmp_path / "x.mkv", pan(3), sound="pcm_s16le")
    assert VideoFile(plain).besides == []
    assert VideoFile(with_subtitles(plain, tmp_path / "y.mkv")).besides == ["subtitle (2)"]


@pytest.mark.parametrize("colors", [(1, 1, 1, 1), (6, 6, 6, 1), (1, 1, 1, 2), (9, 9, 16, 1)])
def test_colors_are_read_by_their_tags(tmp_path: Path, colors: tuple[int, int, int, int]) -> None:
    frame = np.zeros((32, 48, 3), np.uint8)
    frame[:, :16], frame[:, 16:32], frame[:, 32:] = (220, 30, 40), (30, 200, 50), (20, 40, 210)
    video = VideoFile(write_clip(tmp_path / "x.mp4", [frame] * 2, colors=colors))
    assert video.look.colors == colors
    seen = next(video.frames()).pixels.astype(int)
    assert np.abs(seen[8:24, 4:12] - frame[8:24, 4:12]).max() <= 6
    assert np.abs(seen[8:24, 36:44] - frame[8:24, 36:44]).max() <= 6


def test_one_damaged_frame_costs_one_frame(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "x.mov", pan(8), codec="png", pix_fmt="rgb24")
    whole = [each.time for each in VideoFile(path).frames()]
    video = VideoFile(garbled(path, 4))
    assert [each.time for each in video.frames()] == [*whole[:4], *whole[5:]]
    assert video.damaged == 1


def test_a_cut_off_file_gives_what_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_clip(tmp_path / "x.mkv", pan(30, noise=20))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with caplog.at_level(logging.WARNING, "gan_style"):
        found = list(VideoFile(path).frames())
    assert 5 < len(found) < 25


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    def refused(path: Path) -> str:
        with pytest.raises(VideoError) as caught:
            VideoFile(path)
        assert str(path) in str(caught.value)
        return str(caught.value)

    text = tmp_path / "text.mp4"
    text.write_text("no video at all\n" * 100)
    assert "cannot be read as a video" in refused(text) or "text" in refused(text)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert "it is empty" in refused(empty)
    head = write_clip(tmp_path / "head.mp4", flat(4))
    head.write_bytes(head.read_bytes()[:200])
    assert "cannot be read as a video" in refused(head)
    sound = tmp_path / "sound.m4a"
    with av.open(str(sound), "w") as file:
        stream = file.add_stream("aac", rate=16000, layout="mono")
        for tone in sine(0.5, "fltp"):
            file.mux(stream.encode(tone))
        file.mux(stream.encode(None))
    assert "no video stream: it has audio only" in refused(sound)
    picture = tmp_path / "picture.png"
    Image.new("RGB", (40, 40)).save(picture)
    assert "gan-style stylize paints those" in refused(picture)


def test_transparent_parts_of_a_gif_are_white(tmp_path: Path) -> None:
    frames = []
    for gray in (0, 90):
        frame = Image.new("P", (40, 32), 0)
        frame.putpalette([0, 0, 0, gray, gray, gray])
        frame.paste(1, (10, 0, 20, 32))
        frames.append(frame)
    path = tmp_path / "x.gif"
    about = {"duration": [50, 120], "transparency": 0, "disposal": 2}
    frames[0].save(path, save_all=True, append_images=frames[1:], **about)
    video = VideoFile(path)
    found = list(video.frames())
    assert [each.time * video.look.time_base for each in found] == [0, Fraction(5, 100)]
    assert found[1].duration * video.look.time_base == Fraction(12, 100)
    assert found[0].pixels[5, 2].tolist() == [255, 255, 255]
    assert found[0].pixels[5, 15].tolist() == [0, 0, 0]
