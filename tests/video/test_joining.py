"""Segments become one file: sound bit for bit, times, turns, colors, codecs; GIF and folders."""

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
    pan,
    seconds_of,
    sound_of,
    with_subtitles,
    write_clip,
)

from gan_style.errors import ConfigError, VideoError
from gan_style.video.config import VideoConfig
from gan_style.video.job import Job, Outcome
from gan_style.video.reading import VideoFile
from gan_style.video.steadiness import EachAlone, Steadied

av = pytest.importorskip("av")


def copied(source: Path, output: Path, force: bool = False, **options: object) -> Outcome:
    """Paint each frame as it is, in segments of five."""
    job = Job(source, output, VideoConfig(**options), force=force)
    return job.paint(Steadied(EachAlone(lambda frame: frame), 0), {}, segment=5)


@pytest.mark.parametrize("times", [FILM, VARIABLE], ids=["constant", "variable"])
@pytest.mark.parametrize(("sound", "ending"), [("aac", "mp4"), ("aac", "mov"), ("flac", "mkv")])
def test_sound_and_times_are_kept(
    tmp_path: Path, times: list[int], sound: str, ending: str
) -> None:
    source = write_clip(tmp_path / f"x.{ending}", pan(23), times, sound=sound)
    output = tmp_path / f"y.{ending}"
    assert copied(source, output) == Outcome(23, 0, 1)
    assert seconds_of(output) == seconds_of(source)
    assert sound_of(output) == sound_of(source)
    last = [list(VideoFile(each).frames())[-1].duration for each in (source, output)]
    assert last[0] == last[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [source.name, output.name]


def test_other_containers_keep_times_as_finely_as_they_can(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "x.mkv", pan(8), VARIABLE, sound="pcm_s16le")
    copied(source, tmp_path / "y.mp4")
    assert seconds_of(tmp_path / "y.mp4") == seconds_of(source)
    assert sound_of(tmp_path / "y.mp4")[0] == sound_of(source)[0]


def test_a_part_keeps_sound_and_pictures_together(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "x.mp4", flat(40), sound="aac")
    output = tmp_path / "y.mp4"
    copied(source, output, start=0.4, end=1.0)
    first = VideoFile(source, start=0.4).origin
    expected = [t * FINE - first for t in FILM[:40] if 0.4 <= t * FINE < 1]
    assert seconds_of(output) == expected
    (_, whole), (_, part) = sound_of(source), sound_of(output)
    kept = [round(second - float(first), 3) for second in whole if float(first) <= second < 1]
    assert len(part) == len(kept)
    assert np.abs(np.array(part) - kept).max() < 2e-3


@pytest.mark.parametrize(
    ("rotation", "mirrored"), [(90, False), (180, False), (-90, False), (0, True), (90, True)]
)
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_rotation_stays_a_tag(tmp_path: Path, rotation: int, mirrored: bool, ending: str) -> None:
    frames = pan(3, (48, 64))
    source = write_clip(tmp_path / "x.mp4", frames, rotation=rotation, mirrored=mirrored)
    output = tmp_path / f"y.{ending}"
    copied(source, output)
    one, other = VideoFile(source), VideoFile(output)
    assert other.look.rotation % 360 == one.look.rotation % 360 == rotation % 360
    assert other.look.mirrored == one.look.mirrored == mirrored
    assert other.look.sides == one.look.sides
    pixels = [next(each.frames()).pixels.astype(int) for each in (one, other)]
    assert np.abs(pixels[0] - pixels[1]).mean() < 6


@pytest.mark.parametrize("colors", [(1, 1, 1, 1), (6, 6, 6, 1), (1, 1, 1, 2), (9, 9, 16, 1)])
def test_color_tags_and_colors_stay(tmp_path: Path, colors: tuple[int, int, int, int]) -> None:
    frame = np.zeros((32, 48, 3), np.uint8)
    frame[:, :16], frame[:, 16:32], frame[:, 32:] = (220, 30, 40), (30, 200, 50), (20, 40, 210)
    source = write_clip(tmp_path / "x.mp4", [frame] * 3, colors=colors)
    copied(source, tmp_path / "y.mp4")
    video = VideoFile(tmp_path / "y.mp4")
    assert video.look.colors == colors
    seen = next(video.frames()).pixels.astype(int)
    for left in (4, 20, 36):
        assert np.abs(seen[8:24, left : left + 8] - frame[8:24, left : left + 8]).max() <= 10


@pytest.mark.parametrize(
    ("codec", "ending"), [("h264", "mp4"), ("h265", "mov"), ("av1", "mkv"), ("vp9", "webm")]
)
def test_codecs_and_quality(tmp_path: Path, codec: str, ending: str) -> None:
    source = write_clip(tmp_path / "x.mp4", pan(7, noise=10))
    sizes = []
    for quality in (20, 90):
        output = tmp_path / f"{quality}.{ending}"
        copied(source, output, codec=codec, quality=quality)
        sizes.append(output.stat().st_size)
        with av.open(str(output)) as file:
            assert file.streams.video[0].codec.canonical_name in (codec, "hevc")
        assert len(seconds_of(output)) == 7
    assert sizes[0] < sizes[1]


def test_odd_sides_become_even_and_small_ones_are_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(2):
        Image.new("RGB", (45, 33)).save(tmp_path / f"{number}.png")
    with caplog.at_level(logging.INFO, "gan_style"):
        copied(tmp_path, tmp_path / "y.mp4")
    assert "the video gets 44 x 32 px" in caplog.text
    assert VideoFile(tmp_path / "y.mp4").look.sides == (32, 44)
    copied(tmp_path, tmp_path / "z.mp4", size=48)
    assert VideoFile(tmp_path / "z.mp4").look.sides == (48, 64)


# pictures


def test_gif_in_and_out(tmp_path: Path) -> None:
    frames = [Image.fromarray(each) for each in flat(4, (33, 41))]
    source = tmp_path / "x.gif"
    frames[0].save(
        source, save_all=True, append_images=frames[1:], duration=[50, 150, 30, 170], loop=0
    )
    output = tmp_path / "y.gif"
    copied(source, output)
    assert seconds_of(output) == seconds_of(source) == [0, *(Fraction(t, 100) for t in (5, 20, 23))]
    one, other = (list(VideoFile(each).frames()) for each in (source, output))
    assert one[-1].duration == other[-1].duration == 17
    for before, after in zip(one, other, strict=True):
        assert np.abs(before.pixels.astype(int) - after.pixels).max() <= 4
    with Image.open(output) as image:
        assert (image.size, image.n_frames, image.info["loop"]) == ((41, 33), 4, 0)
    copied(source, tmp_path / "y.mp4")
    assert seconds_of(tmp_path / "y.mp4") == seconds_of(source)


def test_folders_in_and_out(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number, pixels in enumerate(pan(7, (32, 45))):
        Image.fromarray(pixels).save(folder / f"shot-{number}.png")
    assert copied(folder, tmp_path / "out") == Outcome(7, 0, 0)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"shot-{number}.png" for number in range(7)]
    for name in names:
        with Image.open(folder / name) as one, Image.open(tmp_path / "out" / name) as other:
            assert (np.asarray(one) == np.asarray(other)).all()
    video = tmp_path / "y.mp4"
    copied(folder, video, fps=10)
    assert seconds_of(video) == [Fraction(number, 10) for number in range(7)]
    copied(video, tmp_path / "stills")
    assert len(list((tmp_path / "stills").iterdir())) == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "stills", "y.mp4"]


# refused before any work


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "x.mp4", flat(3))
    output = tmp_path / "y.mp4"
    output.write_text("mine")
    with pytest.raises(ConfigError, match=r"y\.mp4 is there already; --force replaces it"):
        copied(source, output)
    assert output.read_text() == "mine"
    copied(source, output, force=True)
    assert len(seconds_of(output)) == 3
    with pytest.raises(ConfigError, match="the video itself"):
        copied(source, source, force=True)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a.txt").touch()
    with pytest.raises(ConfigError, match="out is there already"):
        copied(source, folder)
    copied(source, folder, force=True)
    assert sorted(path.name for path in folder.iterdir()) == [
        *(f"00000{number}.png" for number in (1, 2, 3)),
        "a.txt",
    ]


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "x.mp4", flat(3), sound="aac")
    for name, options, reason in (
        ("y.avi", {}, r"y\.avi; videos are written as \.mp4, \.m4v"),
        ("y.webm", {"codec": "h264"}, r"--codec is h264, but \.webm files hold vp9 or av1"),
        ("y.gif", {"codec": "h264"}, r"--codec is h264, but .* is a GIF"),
        ("out", {"codec": "h264"}, r"is a folder of pictures"),
        ("y.mp4", {"fps": 10}, r"--fps is for folders of pictures"),
    ):
        with pytest.raises(ConfigError, match=reason):
            copied(source, tmp_path / name, **options)
    with pytest.raises(VideoError, match=r"\.webm files cannot hold .* \(aac\) as it is; \.mkv"):
        copied(source, tmp_path / "y.webm")
    with pytest.raises(ConfigError, match=r"end is 2; it must be above start, which is 3"):
        VideoConfig(start=3, end=2)
    assert [path.name for path in tmp_path.iterdir()] == ["x.mp4"]


def test_an_encoder_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_clip(tmp_path / "x.mp4", flat(3))
    from gan_style.video import target

    monkeypatch.setattr(target, "_has_encoder", lambda name: name == "libx264")
    with pytest.raises(ConfigError, match="no encoder libsvtav1; it has h264"):
        copied(source, tmp_path / "y.mp4", codec="av1")


def test_a_line_says_what_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plain = write_clip(tmp_path / "x.mkv", pan(3), sound="pcm_s16le")
    copied(plain, tmp_path / "y.mkv")
    assert "left out" not in caplog.text
    copied(with_subtitles(plain, tmp_path / "z.mkv"), tmp_path / "painted.mkv")
    assert "left out of the output: subtitle (2)" in caplog.text
    assert sound_of(tmp_path / "painted.mkv") == sound_of(plain)
