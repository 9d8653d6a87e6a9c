import io
import os
import re
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from gan_style.data.grid import picture_grid
from gan_style.data.images import (
    center_box,
    center_crop,
    evenly,
    find_pictures,
    from_bytes,
    group_pictures,
    open_picture,
    picture_size,
    read_picture,
    reduce_short_side,
    resize_short_side,
    save_picture,
    to_bytes,
    to_image,
    to_tensor,
)
from gan_style.data.opening import MAX_PIXELS
from gan_style.errors import PictureError

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def noise(width: int = 40, height: int = 30) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def pixels(image: Image.Image) -> list[list[tuple[int, int, int]]]:
    assert image.mode == "RGB"
    return [[tuple(map(int, pixel)) for pixel in row] for row in np.asarray(image)]


def png_header(width: int, height: int) -> bytes:
    """Return a valid PNG of that size with almost no data: a decompression bomb."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "gif"])
def test_lossless_kinds_are_read_exactly(tmp_path: Path, suffix: str) -> None:
    picture = Image.new("RGB", (3, 2), RED)
    picture.putpixel((2, 1), BLUE)
    picture.save(tmp_path / f"x.{suffix}", **({"lossless": True} if suffix == "webp" else {}))
    assert pixels(read_picture(tmp_path / f"x.{suffix}")) == [[RED] * 3, [RED, RED, BLUE]]


def test_jpeg_is_read_whatever_its_name(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10), (90, 120, 200)).save(tmp_path / "x", "JPEG", quality=100)
    (tmp_path / "x").rename(tmp_path / "x.png")
    image = read_picture(tmp_path / "x.png")
    assert image.size == (20, 10)
    assert np.abs(np.asarray(image).astype(int) - (90, 120, 200)).max() <= 3


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_honoured(tmp_path: Path, suffix: str, orientation: int) -> None:
    upright = np.zeros((16, 32, 3), np.uint8)  # red, green over blue, white
    upright[:8, :16], upright[:8, 16:], upright[8:, :16], upright[8:, 16:] = RED, GREEN, BLUE, WHITE
    stored = {  # what a camera writes, so that the orientation makes it upright (EXIF 2.3, 4.6.4)
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"jpg": {"quality": 100, "subsampling": 0}, "webp": {"lossless": True}}
    Image.fromarray(np.ascontiguousarray(stored)).save(
        tmp_path / f"x.{suffix}", exif=exif, **options.get(suffix, {})
    )
    image = read_picture(tmp_path / f"x.{suffix}")
    difference = np.asarray(image).astype(int) - upright
    assert image.size == (32, 16)
    assert np.abs(difference).max() <= 8
    assert not image.info


def test_broken_orientation_does_not_spoil_a_picture(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), RED).save(tmp_path / "x.png", exif=b"Exif\0\0nonsense")
    assert pixels(read_picture(tmp_path / "x.png"))[0][0] == RED


def test_transparency_lies_over_white(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (3, 1))
    for x, alpha in enumerate((0, 51, 255)):
        picture.putpixel((x, 0), (255, 0, 0, alpha))
    picture.save(tmp_path / "x.png")
    # 51 is a fifth: 255 * 4 / 5 = 204 of white remains
    assert pixels(read_picture(tmp_path / "x.png")) == [[WHITE, (255, 204, 204), RED]]


def test_gray_transparency_lies_over_white(tmp_path: Path) -> None:
    picture = Image.new("LA", (3, 1))
    for x, alpha in enumerate((0, 51, 255)):
        picture.putpixel((x, 0), (0, alpha))
    picture.save(tmp_path / "x.png")
    assert pixels(read_picture(tmp_path / "x.png")) == [[WHITE, (204,) * 3, (0,) * 3]]


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_palette_transparency_lies_over_white(tmp_path: Path, suffix: str) -> None:
    picture = Image.new("P", (3, 1))
    picture.putpalette([*RED, *GREEN, *BLUE])
    for x in range(3):
        picture.putpixel((x, 0), x)
    picture.save(tmp_path / f"x.{suffix}", transparency=1)
    assert pixels(read_picture(tmp_path / f"x.{suffix}")) == [[RED, WHITE, BLUE]]


def test_palette_with_degrees_of_transparency(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([0, 0, 0, *BLUE])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "x.png", transparency=bytes([51, 255]))
    assert pixels(read_picture(tmp_path / "x.png")) == [[(204,) * 3, BLUE]]


def test_one_transparent_color_becomes_white(tmp_path: Path) -> None:
    picture = Image.new("RGB", (2, 1), RED)
    picture.putpixel((1, 0), GREEN)
    picture.save(tmp_path / "x.png", transparency=RED)
    assert pixels(read_picture(tmp_path / "x.png")) == [[WHITE, GREEN]]


def test_cmyk_tiff(tmp_path: Path) -> None:
    picture = Image.new("CMYK", (3, 1))
    for x, ink in enumerate([(0, 0, 0, 0), (0, 255, 255, 0), (0, 0, 0, 255)]):
        picture.putpixel((x, 0), ink)
    picture.save(tmp_path / "x.tif")
    assert pixels(read_picture(tmp_path / "x.tif")) == [[WHITE, RED, (0, 0, 0)]]


def test_cmyk_jpeg_stored_inverted_as_adobe_does(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "x.jpg", quality=100)
    assert b"Adobe" in (tmp_path / "x.jpg").read_bytes()
    difference = np.asarray(read_picture(tmp_path / "x.jpg")).astype(int) - RED
    assert np.abs(difference).max() <= 3


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_gray_keeps_its_brightness(tmp_path: Path, suffix: str) -> None:
    values = np.array([[0, 257, 32768, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / f"x.{suffix}")
    # 32768 / 257 = 127.5 (and a little more)
    expected = [[(0,) * 3, (1,) * 3, (128,) * 3, (255,) * 3]]
    assert pixels(read_picture(tmp_path / f"x.{suffix}")) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.2, 1.0], [0, 51, 255]),  # of 1
        ([0.0, 51.0, 255.0], [0, 51, 255]),  # of 255
        ([0.0, 257.0, 65535.0], [0, 1, 255]),  # of 65535
        ([0.0, 1e5, 1e6], [0, 26, 255]),  # of its largest: 25.5 rounds to even
        ([-3.0, float("nan"), float("inf")], [0, 0, 0]),
    ],
)
def test_float_tiff(tmp_path: Path, values: list[float], expected: list[int]) -> None:
    Image.fromarray(np.array([values], np.float32)).save(tmp_path / "x.tif")
    assert pixels(read_picture(tmp_path / "x.tif")) == [[(gray,) * 3 for gray in expected]]


def test_32_bit_gray_and_one_bit(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 32768, 65535]], np.int32)).save(tmp_path / "x.tif")
    assert pixels(read_picture(tmp_path / "x.tif")) == [[(0,) * 3, (128,) * 3, (255,) * 3]]
    bits = Image.new("1", (2, 1))
    bits.putpixel((1, 0), 1)
    bits.save(tmp_path / "x.png")
    assert pixels(read_picture(tmp_path / "x.png")) == [[(0,) * 3, WHITE]]


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_first_frame(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in (RED, BLUE)]
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"x.{suffix}", save_all=True, append_images=frames[1:], **options)
    assert pixels(read_picture(tmp_path / f"x.{suffix}"))[4][4] == RED


def test_a_color_profile_is_applied(tmp_path: Path) -> None:
    gray = Image.new("RGB", (4, 4), (128, 128, 128))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    gray.save(tmp_path / "same.png", icc_profile=srgb)
    assert pixels(read_picture(tmp_path / "same.png"))[0][0] == (128, 128, 128)
    names = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ", b"s\0R\0G\0B": b"t\0R\0G\0B"}
    swapped = re.sub(b"|".join(names), lambda name: names[name[0]], srgb)  # red is blue there
    Image.new("RGB", (4, 4), RED).save(tmp_path / "swapped.png", icc_profile=swapped)
    assert pixels(read_picture(tmp_path / "swapped.png"))[0][0] == BLUE
    gray.save(tmp_path / "broken.png", icc_profile=b"nonsense")
    image = read_picture(tmp_path / "broken.png")
    assert pixels(image)[0][0] == (128, 128, 128)
    assert not image.info


def bad_files(folder: Path) -> dict[str, Path]:
    """Make files that cannot be read, named by a word of the reason."""
    whole = io.BytesIO()
    noise().save(whole, "JPEG")
    data = {
        "empty": b"",
        "not a picture": b"this is text",
        "truncated": whole.getvalue()[: len(whole.getvalue()) // 2],
        "more than 178956970 pixels": png_header(20_000, 20_000),
    }
    files = {}
    for i, (reason, content) in enumerate(data.items()):
        files[reason] = folder / f"{i}.jpg"
        files[reason].write_bytes(content)
    files["no such file"] = folder / "absent.jpg"
    files["a link to a missing file"] = folder / "link.jpg"
    files["a link to a missing file"].symlink_to(folder / "gone.jpg")
    files["a folder, not a file"] = folder / "folder.jpg"
    files["a folder, not a file"].mkdir()
    files["not a regular file"] = folder / "pipe.jpg"
    os.mkfifo(files["not a regular file"])
    return files


def test_bad_files_are_named_with_the_reason(tmp_path: Path) -> None:
    for reason, path in bad_files(tmp_path).items():
        with pytest.raises(PictureError) as caught:
            read_picture(path)
        assert str(path) in str(caught.value)
        assert reason in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_truncated_files_of_every_kind(tmp_path: Path, kind: str, share: float) -> None:
    whole = io.BytesIO()
    noise().save(whole, kind)
    (tmp_path / "x.jpg").write_bytes(whole.getvalue()[: int(len(whole.getvalue()) * share)])
    with pytest.raises(PictureError, match=r"x\.jpg: \w+"):
        read_picture(tmp_path / "x.jpg")


def test_bytes_flipped_at_random_never_raise_anything_else(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    for kind in ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"):
        whole = io.BytesIO()
        noise().save(whole, kind)
        for _ in range(15):
            data = bytearray(whole.getvalue())
            for place in random.integers(0, min(len(data), 400), 6):
                data[place] = random.integers(256)
            (tmp_path / "x").write_bytes(data)
            with suppress(PictureError):
                assert read_picture(tmp_path / "x").mode == "RGB"


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    noise().save(tmp_path / "x.png")
    monkeypatch.setattr(Image, "open", refuse)  # root may read everything
    with pytest.raises(PictureError, match=r"x\.png: permission denied"):
        read_picture(tmp_path / "x.png")


def test_a_picture_of_one_pixel(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), BLUE).save(tmp_path / "x.png")
    assert pixels(resize_short_side(read_picture(tmp_path / "x.png"), 3)) == [[BLUE] * 3] * 3


def test_large_jpegs_are_decoded_smaller_but_not_too_small(tmp_path: Path) -> None:
    noise(1600, 1000).save(tmp_path / "x.jpg")
    assert read_picture(tmp_path / "x.jpg").size == (1600, 1000)
    assert read_picture(tmp_path / "x.jpg", short_side=100).size == (400, 250)  # a quarter
    assert read_picture(tmp_path / "x.jpg", short_side=600).size == (1600, 1000)
    assert picture_size(tmp_path / "x.jpg") == (1600, 1000)


def test_the_limit_of_pixels_is_pillow_s() -> None:
    assert Image.MAX_IMAGE_PIXELS is not None
    assert 2 * Image.MAX_IMAGE_PIXELS <= MAX_PIXELS < 2 * Image.MAX_IMAGE_PIXELS + 2


def test_bytes_floats_and_back() -> None:
    picture = Image.new("RGB", (3, 2), (0, 51, 255))
    assert to_bytes(picture).shape == (3, 2, 3)
    assert to_bytes(picture).dtype == torch.uint8
    expected = torch.tensor([0.0, 0.2, 1.0])[:, None, None].expand(3, 2, 3)
    assert torch.equal(to_tensor(picture), expected)
    assert torch.equal(from_bytes(torch.tensor([51], dtype=torch.uint8)), torch.tensor([0.2]))
    assert list(to_image(to_tensor(noise())).tobytes()) == list(noise().tobytes())


def test_to_image_clamps_rounds_and_refuses_other_shapes() -> None:
    values = torch.tensor([-1.0, 0.5, float("nan")])[:, None, None]
    assert pixels(to_image(values)) == [[(0, 128, 0)]]  # 127.5 rounds to even
    assert pixels(to_image(torch.full((3, 1, 1), 2.0, dtype=torch.bfloat16))) == [[WHITE]]
    with pytest.raises(ValueError, match=r"\(1, 3, 4, 4\)"):
        to_image(torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize(
    ("size", "short", "expected"),
    [
        ((40, 30), 15, (20, 15)),
        ((30, 40), 60, (60, 80)),
        ((1000, 3), 1, (333, 1)),
        ((5, 5), 5, (5, 5)),
    ],
)
def test_resize_short_side(size: tuple[int, int], short: int, expected: tuple[int, int]) -> None:
    assert resize_short_side(Image.new("RGB", size), short).size == expected


def test_pictures_are_found_sorted_at_any_depth_and_grouped(tmp_path: Path) -> None:
    names = ["b.JPG", "a.png", "sub/deep/c.webp", "sub/d.tiff", "other/e.gif", "other/f.HEIC"]
    ignored = ["notes.txt", ".hidden.png", ".cache/f.png", "sub/._d.png", "clip.mov", "Thumbs.db"]
    for name in names + ignored:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_pictures(tmp_path)]
    assert found == ["a.png", "b.JPG", *sorted(names[2:])]
    groups = {name: len(paths) for name, paths in group_pictures(tmp_path).items()}
    assert groups == {tmp_path.name: 2, "other": 2, "sub": 2}


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.png").touch()
    (tmp_path / "real" / "loop").symlink_to(tmp_path)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "linked").symlink_to(tmp_path / "real")
    found = find_pictures(tmp_path / "root")
    assert [path.name for path in found] == ["a.png"]


def test_a_missing_folder_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="absent is missing"):
        find_pictures(tmp_path / "absent")
    with pytest.raises(ValueError, match="file is not a folder"):
        find_pictures(tmp_path / "file")


def test_pictures_are_reduced_and_never_enlarged() -> None:
    large, small = Image.new("RGB", (40, 30)), Image.new("RGB", (8, 6))
    assert reduce_short_side(large, 15).size == (20, 15)
    assert reduce_short_side(small, 15) is small
    assert reduce_short_side(small, 6) is small


def test_grid_places_pictures_on_white() -> None:
    red, blue = (to_tensor(Image.new("RGB", (10, 6), color)) for color in (RED, BLUE))
    grid = picture_grid([[red, blue], [blue]], gap=2)
    assert grid.size == (2 + 10 + 2 + 10 + 2, 2 + 6 + 2 + 6 + 2)
    rows = pixels(grid)
    assert [rows[4][x] for x in (0, 2, 11, 12, 13, 14, 23, 24)] == [
        WHITE, RED, RED, WHITE, WHITE, BLUE, BLUE, WHITE,
    ]  # fmt: skip
    assert rows[12][5] == BLUE
    assert rows[12][18] == WHITE


def test_grid_fits_different_sizes_and_leaves_room_for_headings() -> None:
    wide, small = (to_tensor(Image.new("RGB", size, RED)) for size in ((40, 20), (5, 5)))
    grid = picture_grid([[wide], [small]], headings=["a heading much too long", "more"], gap=4)
    assert grid.size == (48, 4 + 20 + 24 + 44)
    rows = pixels(grid)
    assert [rows[4 + 20 + 24 + 20][x] for x in (3, 4, 43, 44)] == [WHITE, RED, RED, WHITE]
    assert any(pixel != WHITE for row in rows[:24] for pixel in row)


def test_a_photo_and_its_paintings_leave_no_gaps_in_a_grid() -> None:
    lying, upright = (to_tensor(Image.new("RGB", size, RED)) for size in ((30, 20), (20, 30)))
    grid = picture_grid([[lying, lying], [upright, upright]], gap=2)
    assert grid.size == (2 + 2 * 32, 2 + 22 + 47)
    for top, bottom in ((2, 22), (24, 69)):
        for row in pixels(grid)[top:bottom]:
            assert {*row[2:32], *row[34:64]} == {RED}


def test_in_a_row_of_a_grid_others_fit_the_first() -> None:
    photo, style = (to_tensor(Image.new("RGB", size, RED)) for size in ((30, 20), (10, 30)))
    grid = picture_grid([[photo, style, photo]], gap=2)
    assert grid.height == 24
    row = pixels(grid)[12]
    assert [row[x] for x in (34, 35, 41, 42)] == [WHITE, RED, RED, WHITE]  # 7 of its 10 px


@pytest.mark.parametrize("rows", [[], [[]]])
def test_an_empty_grid_is_refused(rows: list[list[torch.Tensor]]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        picture_grid(rows)


@pytest.mark.parametrize("name", ["x.png", "new/folder/x.JPG", "x.jpeg"])
def test_save_picture(tmp_path: Path, name: str) -> None:
    save_picture(Image.new("RGB", (8, 8), RED), tmp_path / name)
    with Image.open(tmp_path / name) as image:
        assert image.format == ("PNG" if name.endswith("png") else "JPEG")
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == [Path(name).name]


def test_save_picture_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_picture(Image.new("RGB", (8, 8), RED), tmp_path / "x.png")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(PictureError, match=r"x\.png: cannot be written: no space left"):
        save_picture(Image.new("RGB", (8, 8), BLUE), tmp_path / "x.png")
    assert pixels(read_picture(tmp_path / "x.png"))[0][0] == RED
    assert len(list(tmp_path.iterdir())) == 1


def test_save_picture_refuses_what_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PictureError, match=r"written as \.png, \.jpg or \.jpeg"):
        save_picture(noise(), tmp_path / "x.webp")
    with pytest.raises(PictureError, match="cannot be written"):
        save_picture(noise(), tmp_path / "file" / "x.png")


def test_a_picture_is_opened_from_memory_or_from_its_file(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (6, 4), (*RED, 0))
    picture.save(tmp_path / "x.png")
    for given in (picture, tmp_path / "x.png", str(tmp_path / "x.png")):
        assert pixels(open_picture(given)) == [[WHITE] * 6] * 4
    with pytest.raises(PictureError, match="no such file"):
        open_picture(tmp_path / "y.png")


def test_the_hint_for_decoding_concerns_files_alone(tmp_path: Path) -> None:
    picture = Image.new("RGB", (800, 640), RED)
    picture.save(tmp_path / "x.jpg")
    assert open_picture(tmp_path / "x.jpg", 80).size == (200, 160)
    assert open_picture(picture, 80).size == (800, 640)


@pytest.mark.parametrize(
    ("size", "longest", "box"),
    [
        ((40, 30), 1.0, (5, 0, 35, 30)),
        ((30, 41), 1.0, (0, 5, 30, 35)),
        ((30, 100), 1.5, (0, 27, 30, 72)),
        ((900, 100), 4, (250, 0, 650, 100)),
        ((399, 100), 4, (0, 0, 399, 100)),
    ],
)
def test_the_middle_is_cut_out(
    size: tuple[int, int], longest: float, box: tuple[int, int, int, int]
) -> None:
    assert center_box(*size, longest) == box
    picture = noise(*size)
    assert center_crop(picture, longest).tobytes() == picture.crop(box).tobytes()


def test_items_are_chosen_evenly() -> None:
    assert evenly(range(10), 3) == [0, 3, 6]
    assert evenly(range(10), 3, to_last=True) == [0, 4, 9]
    assert evenly(range(10), 1) == evenly(range(10), 1, to_last=True) == [0]
    for to_last in (False, True):
        assert evenly("abc", 3, to_last=to_last) == evenly("abc", 9, to_last=to_last) == [*"abc"]
        assert evenly("abc", 0, to_last=to_last) == []
