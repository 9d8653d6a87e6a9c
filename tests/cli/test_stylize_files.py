"""`gan-style stylize`: whole files in, whole files out. A strength of 0 paints nothing."""

import errno
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms

from gan_style.cli.main import main

Capture = pytest.CaptureFixture[str]
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def photos(collection: Path, tmp_path: Path) -> Path:
    return shutil.copytree(collection / "photos", tmp_path / "photos")


@pytest.fixture
def words(tiny_run: Path) -> list[Any]:
    """What every command here has in common; the photo comes back as it was."""
    style = tiny_run / "styles" / "ink.style.safetensors"
    return ["--style", style, "--model", tiny_run, "--device", "cpu", "--strength", 0]


def done(*given: Any) -> None:
    assert main(["stylize", *(str(word) for word in given)]) == 0


def failed(capsys: Capture, *given: Any) -> str:
    capsys.readouterr()
    assert main(["stylize", *(str(word) for word in given)]) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.err.rpartition("error: ")[2]


def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let loading a model end the test: what is refused is refused before."""

    def load(*_: object, **__: object) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr("gan_style.stylizer.Stylizer.from_pretrained", load)


def named(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files)


# what is kept


def test_a_photo_keeps_all_that_belongs_to_it(words: list[Any], tmp_path: Path) -> None:
    profile = imagecodecs.cms_profile("adobergb")
    values = np.full((40, 50, 4), 120, np.uint8)
    values[:20, :, 3] = 0
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0)}
    photo = tmp_path / "x.png"
    Image.fromarray(values).save(photo, exif=exif, icc_profile=profile, dpi=(300, 300))
    for name, gps in (("a.png", False), ("b.webp", True)):
        done(photo, *words, "-o", tmp_path / name, *(["--keep-gps"] if gps else []))
        with Image.open(tmp_path / name) as image:
            assert (image.size, image.mode) == ((40, 50), "RGBA")
            assert np.asarray(image)[:, 30:, 3].max() == 0  # turned with the picture
            assert image.info["icc_profile"] == profile
            found = image.getexif()
            assert (found.get(0x0112), found[0x010F]) == (1, "Camera")
            assert bool(found.get_ifd(0x8825)) == gps


def test_16_bits_stay_16_bits_and_alpha_takes_the_size(words: list[Any], tmp_path: Path) -> None:
    values = np.full((40, 60, 4), 30_000, np.uint16)
    values[:, :30, 3] = 65_535
    values[:, 30:, 3] = 0
    (tmp_path / "x.png").write_bytes(imagecodecs.png_encode(values))
    done(tmp_path / "x.png", *words, "-o", tmp_path / "y.png", "--size", 80)
    painted = imagecodecs.png_decode((tmp_path / "y.png").read_bytes())
    assert painted.shape == (80, 120, 4)
    assert painted.dtype == np.uint16
    assert (painted[:, :50, 3] == 65_535).all()
    assert (painted[:, 70:, 3] == 0).all()
    assert np.abs(painted[..., :3].astype(int) - 30_000).max() < 257


def test_what_a_kind_cannot_keep_is_said_in_one_line(
    words: list[Any], tmp_path: Path, capsys: Capture
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a", "b"):
        Image.new("RGBA", (40, 40), (200, 0, 0, 0)).save(folder / f"{name}.png")
    Image.new("RGB", (40, 40)).save(folder / "c.png")
    done(folder, *words, "-o", tmp_path / "out", "--format", "jpg")
    told = capsys.readouterr().out
    assert "JPEG keeps no transparency: laid over white (2 of 3)" in told
    assert told.count("laid over white") == 1
    with Image.open(tmp_path / "out" / "a.jpg") as image:
        assert image.getpixel((5, 5)) == (255, 255, 255)


# kinds


def test_quality_and_format(photos: Path, words: list[Any], tmp_path: Path) -> None:
    sizes = []
    for quality in (20, 95, None):
        output = tmp_path / f"{quality}"
        chosen = ["--quality", quality] if quality else []
        done(photos, *words, "-o", output, "--format", "jpg", *chosen)
        assert named(output) == [f"{n}.jpg" for n in range(4)]
        sizes.append((output / "0.jpg").stat().st_size)
    assert sizes[0] < sizes[1] == sizes[2]


def test_the_same_kind_as_the_photo(
    photos: Path, words: list[Any], tmp_path: Path, capsys: Capture
) -> None:
    for number, suffix in ((1, "JPG"), (2, "webp"), (3, "bmp")):
        with Image.open(photos / f"{number}.png") as image:
            image.save(photos / f"{number}.{suffix}")
        (photos / f"{number}.png").unlink()
    done(photos, *words, "-o", tmp_path / "out", "--format", "same", "--quality", 90)
    assert named(tmp_path / "out") == ["0.png", "1.JPG", "2.webp", "3.png"]
    with Image.open(tmp_path / "out" / "1.JPG") as image:
        assert image.format == "JPEG"


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (["-o", "x.bmp"], "x.bmp: pictures are written as .png, .jpg, .webp, .avif or .tiff"),
        (["-o", "x.png", "--quality", 80], "--quality is 80, but PNG files lose nothing"),
        (["-o", "x.jpg", "--quality", 0], "--quality is 0; it must be a whole number at least 1"),
        (["-o", "x.jpg", "--quality", 101], "--quality is 101"),
        (["-o", "x.jpg", "--format", "png"], "--format is png, but --output is x.jpg"),
        (["-o", "out", "--format", "gif"], "'gif' is not one of"),
        (["-o", "x.png", "--force", "--skip-existing"], "--force and --skip-existing exclude"),
        (["-o", "file/x.png"], "file is a file, not a folder to write into"),
        (["-o", "file/deeper/x.png"], "file is a file, not a folder to write into"),
        (["-o", "-", "photos"], "standard output takes one photo"),
        (["-o", "out", "-"], "standard input is one photo"),
    ],
)
def test_mistakes_are_named_before_the_model_is_loaded(
    extra: list[Any], reason: str, photos: Path, words: list[Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: Capture,
) -> None:  # fmt: skip
    no_model(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    before = named(tmp_path)
    assert reason in failed(capsys, "photos/0.png", *words, *extra)
    assert named(tmp_path) == before


# folders


def test_what_is_no_picture_is_left_alone_and_counted(
    photos: Path, words: list[Any], tmp_path: Path, capsys: Capture
) -> None:
    for name in ("a.txt", "deeper/b.TXT", "clip.mov", "LICENSE", ".hidden.txt"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).touch()
    done(photos, *words, "-o", tmp_path / "out")
    told = capsys.readouterr().out
    assert "left alone: 4 files that are no pictures (.txt 2, " in told
    assert ".mov 1" in told
    assert "no ending 1" in told
    assert named(tmp_path / "out") == [f"{n}.png" for n in range(4)]


def test_sub_folders_keep_their_paths(photos: Path, words: list[Any], tmp_path: Path) -> None:
    for folder in ("one", "two/deeper"):
        (photos / folder).mkdir(parents=True)
        shutil.copy(photos / "0.png", photos / folder / "0.png")
    done(photos, *words, "-o", tmp_path / "out")
    paintings = ["0.png", "1.png", "2.png", "3.png", "one/0.png", "two/deeper/0.png"]
    assert named(tmp_path / "out") == paintings


def test_paintings_below_the_photos_are_not_painted_again(
    photos: Path, words: list[Any], capsys: Capture
) -> None:
    done(photos, *words, "-o", photos / "painted")
    shutil.copy(photos / "0.png", photos / "new.png")
    done(photos, *words, "-o", photos / "painted", "--skip-existing")
    assert named(photos / "painted") == [*(f"{n}.png" for n in range(4)), "new.png"]
    assert "there already: 4 of 5 paintings" in capsys.readouterr().out


def test_two_folders_with_one_name_between_them(
    photos: Path, words: list[Any], tmp_path: Path, capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    no_model(monkeypatch)
    other = shutil.copytree(photos, tmp_path / "other")
    told = failed(capsys, photos, other, *words, "-o", tmp_path / "out")
    assert f"{photos / '0.png'} and {other / '0.png'} would both become" in told
    assert not (tmp_path / "out").exists()


def test_skip_existing_goes_on_after_a_stop(
    photos: Path, words: list[Any], tmp_path: Path, capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    output = tmp_path / "out"
    output.mkdir()
    (output / "1.png").write_bytes(b"mine")
    told = failed(capsys, photos, *words, "-o", output)
    assert "1.png is there already; --force replaces it, --skip-existing keeps it" in told
    done(photos, *words, "-o", output, "--skip-existing")
    assert (output / "1.png").read_bytes() == b"mine"
    told = capsys.readouterr().out
    assert "there already: 1 of 4 paintings" in told
    assert f"painted 3 into {output}" in told
    no_model(monkeypatch)  # nothing is left to do
    done(photos, *words, "-o", output, "--skip-existing")
    assert "there already: 4 of 4 paintings" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_a_read_only_folder(
    photos: Path, words: list[Any], tmp_path: Path, capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    no_model(monkeypatch)
    (tmp_path / "locked").mkdir(mode=0o555)
    told = failed(capsys, photos, *words, "-o", tmp_path / "locked" / "out")
    assert f"{tmp_path / 'locked'} cannot be written into: no permission" in told


def test_a_folder_without_permission(
    photos: Path, words: list[Any], tmp_path: Path, capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    no_model(monkeypatch)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    told = failed(capsys, photos, *words, "-o", tmp_path / "out" / "deeper")
    assert f"{tmp_path} cannot be written into: no permission" in told


def test_a_disk_too_full_is_refused_before_the_model_is_loaded(
    photos: Path, words: list[Any], tmp_path: Path, capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (photos / "bad.jpg").write_text("no picture")
    needed = 4 * 60 * 50 * 2.2
    free = SimpleNamespace(free=needed - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: free)
    with monkeypatch.context() as patch:
        no_model(patch)
        told = failed(capsys, photos, *words, "-o", tmp_path / "out")
        assert "going to take about 26.4 kB" in told
        assert f"free at {tmp_path}" in told
        assert "to take about" in failed(
            capsys, photos, *words, "-o", tmp_path / "out", "--size", 99
        )
    free.free = needed
    done(photos, *words, "-o", tmp_path / "out")


def test_a_disk_that_fills_up_ends_the_run_and_keeps_what_is_painted(
    photos: Path, words: list[Any], tmp_path: Path, capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    replace = os.replace

    def full(source: Any, target: Any) -> None:
        if Path(target).name == "2.png":
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    capsys.readouterr()
    assert main([*map(str, ["stylize", photos, *words, "-o", tmp_path / "out"])]) == 2
    captured = capsys.readouterr()
    assert "2.png: cannot be written: no space left on device" in captured.err
    assert "what is painted is kept; --skip-existing goes on with the rest" in captured.out
    assert named(tmp_path / "out") == ["0.png", "1.png", "3.png"]
    monkeypatch.undo()
    done(photos, *words, "-o", tmp_path / "out", "--skip-existing")
    assert named(tmp_path / "out") == ["0.png", "1.png", "2.png", "3.png"]


def test_an_interruption_keeps_what_is_painted(
    photos: Path, words: list[Any], tmp_path: Path, capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from gan_style import Stylizer

    paint, calls = Stylizer.paint, []

    def interrupted(*given: Any, **options: Any) -> Any:
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return paint(*given, **options)

    monkeypatch.setattr(Stylizer, "paint", interrupted)
    assert main([*map(str, ["stylize", photos, *words, "-o", tmp_path / "out"])]) == 130
    assert named(tmp_path / "out") == ["0.png", "1.png"]
    assert "--skip-existing goes on" in capsys.readouterr().out


def test_a_photo_too_wide_for_the_kind_is_skipped(
    photos: Path, words: list[Any], tmp_path: Path, capsys: Capture
) -> None:
    Image.new("RGB", (17_000, 2)).save(photos / "wide.png")
    done(photos, *words, "-o", tmp_path / "out", "--format", "webp")
    told = capsys.readouterr().out
    assert f"skipped: {photos / 'wide.png'}: a painting of 17000x2 px cannot be written" in told
    assert len(named(tmp_path / "out")) == 4


# standard input and output


class Bytes(io.TextIOWrapper):
    """A standard stream that is no terminal."""


def piped(data: bytes = b"") -> Bytes:
    return Bytes(io.BytesIO(data))


def test_standard_input_and_output(
    photos: Path, words: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (40, 30), (10, 200, 30)).save(photos / "x.jpg", quality=100)
    for chosen, kind in (
        ([], "PNG"),
        (["--format", "webp"], "WEBP"),
        (["--format", "same"], "PNG"),
    ):
        monkeypatch.setattr(sys, "stdin", piped((photos / "x.jpg").read_bytes()))
        monkeypatch.setattr(sys, "stdout", out := piped())
        done("-", *words, "-o", "-", *chosen)
        monkeypatch.undo()
        with Image.open(io.BytesIO(out.buffer.getvalue())) as image:  # type: ignore[attr-defined]
            assert (image.format, image.size) == (kind, (40, 30))


def test_standard_output_holds_nothing_but_the_picture(photos: Path, words: list[Any]) -> None:
    command = [sys.executable, "-m", "gan_style", "stylize", *map(str, words), "-o", "-"]
    run = subprocess.run(
        [*command, str(photos / "0.png"), "--format", "jpg", "--quality", "40"],
        cwd=REPOSITORY, capture_output=True, check=True,
    )  # fmt: skip
    assert run.stdout.startswith(b"\xff\xd8")
    assert run.stdout.endswith(b"\xff\xd9")
    run = subprocess.run([*command, "-"], input=b"text", cwd=REPOSITORY, capture_output=True)
    assert (run.returncode, run.stdout) == (2, b"")
    assert b"standard input: not a picture that can be read" in run.stderr


def test_standard_input_into_a_file(
    photos: Path, words: list[Any], tmp_path: Path, capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "stdin", piped((photos / "0.png").read_bytes()))
    assert "has no name to be given in a folder" in failed(capsys, "-", *words, "-o", tmp_path)
    done("-", *words, "-o", tmp_path / "x.tiff")
    with Image.open(tmp_path / "x.tiff") as image, Image.open(photos / "0.png") as photo:
        assert image.tobytes() == photo.tobytes()


def test_a_terminal_is_no_picture(
    photos: Path, words: list[Any], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_model(monkeypatch)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert "standard output is the terminal" in failed(capsys, photos / "0.png", *words, "-o", "-")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    assert "nothing is piped" in failed(capsys, "-", *words, "-o", "x.png")


def test_a_profile_is_described(words: list[Any], tmp_path: Path) -> None:
    """A gray photo's painting has colors: it is written in sRGB, and says so."""
    profile = imagecodecs.cms_profile("gray", gamma=1.8)
    Image.new("L", (40, 40), 90).save(tmp_path / "x.png", icc_profile=profile)
    done(tmp_path / "x.png", *words, "-o", tmp_path / "y.png")
    with Image.open(tmp_path / "y.png") as image:
        described = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(described)


# masks


def mask_file(path: Path, left: int, right: int, size: tuple[int, int] = (60, 40)) -> Path:
    values = np.full((size[1], size[0]), left, np.uint8)
    values[:, size[0] // 2 :] = right
    Image.fromarray(values).save(path)
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def painting(tiny_run: Path) -> list[Any]:
    styles = tiny_run / "styles"
    words = ["--style", styles / "ink.style.safetensors", "--model", tiny_run, "--device", "cpu"]
    return [*words, "--style", styles / "oil.style.safetensors"]


def pixels_of(path: Path) -> Any:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_styles_go_where_their_masks_are(photo: Path, painting: list[Any], tmp_path: Path) -> None:
    left, right = (tmp_path / "left.png", 255, 0), (tmp_path / "right.png", 0, 255)
    both = ["--mask", mask_file(*left), "--mask", mask_file(*right)]
    done(photo, *painting, *both, "-o", tmp_path / "both.png")
    done(photo, *painting, *both[:2], "-o", tmp_path / "rest.png")
    done(photo, *painting[:6], *both[:2], "-o", tmp_path / "one.png")
    assert (pixels_of(tmp_path / "both.png") == pixels_of(tmp_path / "rest.png")).all()
    one, before = pixels_of(tmp_path / "one.png"), pixels_of(photo)
    assert (one[:, 30:] == before[:, 30:]).all()
    assert (one[:, :30] == pixels_of(tmp_path / "both.png")[:, :30]).all()
    assert (one[:, :30] != before[:, :30]).any()
    soft = [*both[:2], "--feather", 30]
    done(photo, *painting[:6], *soft, "-o", tmp_path / "soft.png")
    assert (pixels_of(tmp_path / "soft.png")[:, 31] != before[:, 31]).any()


def test_a_folder_has_a_mask_for_each_photo(
    photo: Path, painting: list[Any], tmp_path: Path, capsys: Capture
) -> None:
    photos, masks = tmp_path / "photos", tmp_path / "masks"
    photos.mkdir(), masks.mkdir()
    for name in ("a", "b", "c"):
        shutil.copy(photo, photos / f"{name}.png")
    mask_file(masks / "a.png", 0, 0)
    mask_file(masks / "b.png", 0, 0, (40, 60))  # of another photo
    out = tmp_path / "out"
    done(photos, *painting[:6], "--mask", masks, "-o", out)
    assert named(out) == ["a.png"]
    assert (pixels_of(out / "a.png") == pixels_of(photo)).all()
    said = capsys.readouterr()
    assert "b.png: the mask has 40x60 px, and the photo 60x40" in said.out + said.err
    assert f"c.png has no mask in {masks}" in said.out + said.err
    assert "2 of 3 photos were skipped" in said.out


def test_a_strength_map_says_how_much(photo: Path, painting: list[Any], tmp_path: Path) -> None:
    map_file = mask_file(tmp_path / "map.png", 0, 255)
    done(photo, *painting[:6], "--strength-map", map_file, "-o", tmp_path / "some.png")
    done(photo, *painting[:6], "-o", tmp_path / "whole.png")
    some, whole = pixels_of(tmp_path / "some.png"), pixels_of(tmp_path / "whole.png")
    assert (some[:, :30] == pixels_of(photo)[:, :30]).all()
    assert (some[:, 30:] == whole[:, 30:]).all()


@pytest.mark.parametrize(
    ("styles", "words", "said"),
    [
        (2, [], "0 of --mask, and 2 styles take 2 masks, or 1"),
        (2, ["--mask", "m.png"] * 3, "3 of --mask, and 2 styles take 2 masks"),
        (1, ["--mask", "m.png"] * 2, "2 of --mask, and one of --style"),
        (1, ["--feather", 5], "--feather softens the borders of masks; give --mask, too"),
        (1, ["--mask", "m.png", "--feather", 60], "--feather is 60"),
        (1, ["--mask", "nowhere.png"], "nowhere.png does not exist"),
        (1, ["--strength-map", "nowhere.png"], "nowhere.png does not exist"),
        (1, ["--protect", "hands"], "'hands' is not"),
        (1, ["--mask", "empty"], "no pictures in folder empty"),
        (1, ["--mask", "twice"], "both masks for photos named 'a'"),
    ],
)
def test_masks_that_cannot_be_meant_are_refused_before_any_work(
    styles: int,
    words: list[Any],
    said: str,
    photo: Path,
    painting: list[Any],
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_model(monkeypatch)
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    for folder in ("twice", "twice/more"):
        Path(folder).mkdir()
        mask_file(Path(folder) / "a.png", 0, 255)
    mask_file(Path("m.png"), 0, 255)
    chosen = painting if styles == 2 else painting[:6]
    assert said in failed(capsys, photo, *chosen, *words, "-o", tmp_path / "x.png")
