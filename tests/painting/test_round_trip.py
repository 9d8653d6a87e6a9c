"""Files of every kind, painted by nobody: what comes out is what went in."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms, features

from gan_style.data.formats import FORMATS
from gan_style.errors import PictureError, TooLargeError
from gan_style.painting.canvas import Canvas, read_canvas
from gan_style.painting.strips import to_8_bits
from gan_style.painting.writing import encode_canvas, what_is_lost, write_canvas

RANDOM = np.random.default_rng(0)
HEIGHT, WIDTH = 12, 17
SMOOTH = np.asarray(
    Image.fromarray(RANDOM.integers(100, 160, (3, 4, 3), dtype=np.uint8)).resize(
        (WIDTH, HEIGHT), Image.Resampling.BICUBIC
    )
)
"""Colors that other profiles know, too, without edges that a lossy kind would blur."""
HOLES = np.where(SMOOTH[..., 0] > 135, 0, SMOOTH[..., 1]).astype(np.uint8)
DEEP = SMOOTH.astype(np.uint16) * 257 + RANDOM.integers(-99, 99, SMOOTH.shape).astype(np.uint16)
DEEP_HOLES = HOLES.astype(np.uint16) * 200
GRAY = np.repeat(SMOOTH[..., :1], 3, 2)
DEEP_GRAY = np.repeat(DEEP[..., :1], 3, 2)

P3 = imagecodecs.cms_profile(
    "rgb",
    whitepoint=[0.3127, 0.329, 1.0],
    primaries=[0.68, 0.32, 1.0, 0.265, 0.69, 1.0, 0.15, 0.06, 1.0],
    gamma=2.2,
)
ADOBE = imagecodecs.cms_profile("adobergb")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

Made = tuple[bytes, np.ndarray[Any, Any], np.ndarray[Any, Any] | None, int]
"""A file, its color and alpha upright and as its profile has them, and how far they may be off."""


def pillow(
    kind: str,
    color: Any = SMOOTH,
    alpha: Any = None,
    *,
    mode: str | None = None,
    off: int = 0,
    expected: Any = None,
    **options: Any,
) -> Callable[[], Made]:
    def make() -> Made:
        image = Image.fromarray(color if alpha is None else np.dstack([color, alpha]))
        file = io.BytesIO()
        (image.convert(mode) if mode else image).save(file, kind, **options)
        return file.getvalue(), color if expected is None else expected, alpha, off

    return make


def indexed(kind: str, transparency: int | bytes | None) -> Callable[[], Made]:
    """Four colors, of which the second, or each by its byte, is transparent."""

    def make() -> Made:
        places = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH) % 4
        colors = np.array([[250, 0, 0], [0, 200, 0], [0, 0, 150], [90, 80, 70]], np.uint8)
        image = Image.fromarray(places, "L")
        image.putpalette(colors.tobytes())
        file = io.BytesIO()
        image.save(file, kind, **({} if transparency is None else {"transparency": transparency}))
        alpha = None
        if isinstance(transparency, int):
            alpha = np.where(places == transparency, 0, 255).astype(np.uint8)
        elif transparency:
            alpha = np.frombuffer(transparency, np.uint8)[places]
        return file.getvalue(), colors[places], alpha, 0

    return make


def frames(kind: str, **options: Any) -> Callable[[], Made]:
    def make() -> Made:
        file, first = io.BytesIO(), Image.fromarray(GRAY)
        first.save(
            file, kind, save_all=True, append_images=[Image.fromarray(255 - GRAY)], **options
        )
        return file.getvalue(), GRAY, None, 0

    return make


def deep_png(values: Any, color: Any, alpha: Any = None, key: bytes = b"") -> Callable[[], Made]:
    def make() -> Made:
        data = imagecodecs.png_encode(np.ascontiguousarray(values))
        if key:
            check = struct.pack(">I", zlib.crc32(b"tRNS" + key))
            chunk = struct.pack(">I", len(key)) + b"tRNS" + key + check
            data = data[:33] + chunk + data[33:]
        return data, color, alpha, 0

    return make


def deep_tiff(
    values: Any, color: Any, alpha: Any = None, off: int = 0, **options: Any
) -> Callable[[], Made]:
    def make() -> Made:
        file = io.BytesIO()
        big = {"byteorder": options.pop("byteorder")} if "byteorder" in options else {}
        with tifffile.TiffWriter(file, **big) as writer:
            writer.write(values, metadata=None, **options)
        return file.getvalue(), color, alpha, off

    return make


def premultiplied() -> Made:
    color = (DEEP.astype(np.uint64) * DEEP_HOLES[..., None] + 32767) // 65535
    values = np.dstack([color.astype(np.uint16), DEEP_HOLES])
    return deep_tiff(
        values, DEEP, DEEP_HOLES, off=5, photometric="rgb", extrasamples=["assocalpha"]
    )()


def one_transparent_color() -> Callable[[], Made]:
    color = SMOOTH.copy()
    color[2:5, 3:9] = (1, 2, 3)
    alpha = np.where((color == (1, 2, 3)).all(-1), 0, 255).astype(np.uint8)
    make = pillow("PNG", color, transparency=(1, 2, 3))
    return lambda: (make()[0], color, alpha, 0)


KEY = DEEP.copy()
KEY[3:6, 2:4] = (10, 20, 30)
KEY_ALPHA = np.where((KEY == (10, 20, 30)).all(-1), 0, 65535).astype(np.uint16)
BITS = np.repeat(np.where(SMOOTH[..., :1] > 130, 255, 0).astype(np.uint8), 3, 2)
LIGHT = Image.fromarray(SMOOTH)
CMYK = np.asarray(LIGHT.convert("CMYK").convert("RGB"))
LAB = np.asarray(LIGHT)
EXACT = {"quality": 100, "subsampling": 0}
LARGE = RANDOM.integers(0, 256, (4000, 5, 3), dtype=np.uint8)
PIXEL = np.array([[[9, 8, 7]]], np.uint8)

CASES: dict[str, Callable[[], Made]] = {
    "png": pillow("PNG"),
    "png gray": pillow("PNG", SMOOTH[..., 0], expected=GRAY),
    "png 1 bit": pillow("PNG", BITS[..., 0], mode="1", expected=BITS),
    "png alpha": pillow("PNG", SMOOTH, HOLES),
    "png gray alpha": pillow("PNG", SMOOTH[..., 0], HOLES, expected=GRAY),
    "png palette": indexed("PNG", None),
    "png palette, one transparent": indexed("PNG", 1),
    "png palette, degrees": indexed("PNG", bytes([255, 0, 120, 30])),
    "png color key": one_transparent_color(),
    "png frames": frames("PNG"),
    "png 16": deep_png(DEEP, DEEP),
    "png 16 alpha": deep_png(np.dstack([DEEP, DEEP_HOLES]), DEEP, DEEP_HOLES),
    "png 16 gray": deep_png(DEEP[..., 0], DEEP_GRAY),
    "png 16 gray alpha": deep_png(
        np.dstack([DEEP[..., 0], DEEP_HOLES]), DEEP_GRAY, DEEP_HOLES
    ),
    "png 16 color key": deep_png(KEY, KEY, KEY_ALPHA, struct.pack(">HHH", 10, 20, 30)),
    "png pixel": pillow("PNG", PIXEL),
    "png transparent pixel": pillow("PNG", PIXEL, np.array([[0]], np.uint8)),
    "png long": pillow("PNG", LARGE),
    "jpeg": pillow("JPEG", off=6, **EXACT),
    "jpeg gray": pillow("JPEG", SMOOTH[..., 0], expected=GRAY, off=4, **EXACT),
    "jpeg cmyk": pillow("JPEG", mode="CMYK", expected=CMYK, off=6, **EXACT),
    "tiff": pillow("TIFF"),
    "tiff alpha": pillow("TIFF", SMOOTH, HOLES),
    "tiff gray": pillow("TIFF", SMOOTH[..., 0], expected=GRAY),
    "tiff 1 bit": pillow("TIFF", BITS[..., 0], mode="1", expected=BITS),
    "tiff palette": indexed("TIFF", None),
    "tiff cmyk": pillow("TIFF", mode="CMYK", expected=CMYK),
    "tiff lab": pillow("TIFF", mode="LAB", expected=LAB, off=8),
    "tiff pages": frames("TIFF"),
    "tiff 16": deep_tiff(DEEP, DEEP, photometric="rgb"),
    "tiff 16 alpha": deep_tiff(
        np.dstack([DEEP, DEEP_HOLES]), DEEP, DEEP_HOLES, photometric="rgb",
        extrasamples=["unassalpha"],
    ),
    "tiff 16 premultiplied": premultiplied,
    "tiff 16 gray": deep_tiff(DEEP[..., 0], DEEP_GRAY, photometric="minisblack"),
    "tiff 16 white is zero": deep_tiff(65535 - DEEP[..., 0], DEEP_GRAY, photometric="miniswhite"),
    "tiff 16 planes": deep_tiff(
        np.moveaxis(DEEP, 2, 0), DEEP, photometric="rgb", planarconfig="separate"
    ),
    "tiff 16 lzw": deep_tiff(DEEP, DEEP, photometric="rgb", compression="lzw", predictor=True),
    "tiff 16 big-endian": deep_tiff(DEEP, DEEP, photometric="rgb", byteorder=">"),
    "tiff 16 tiles": deep_tiff(DEEP, DEEP, photometric="rgb", tile=(16, 16)),
    "webp": pillow("WEBP", lossless=True),
    "webp lossy": pillow("WEBP", off=25, quality=90),
    "webp alpha": pillow("WEBP", SMOOTH, HOLES, lossless=True, exact=True),
    "webp frames": frames("WEBP", lossless=True),
    "gif": indexed("GIF", None),
    "gif transparent": indexed("GIF", 1),
    "gif frames": frames("GIF"),
    "bmp": pillow("BMP"),
}  # fmt: skip
if features.check("avif"):
    CASES |= {
        "avif": pillow("AVIF", off=6, **EXACT | {"subsampling": "4:4:4"}),
        "avif alpha": pillow("AVIF", SMOOTH, HOLES, off=9, **EXACT | {"subsampling": "4:4:4"}),
    }


def assert_same(one: Any, other: Any, off: int = 0) -> None:
    assert one.shape == other.shape
    assert one.dtype == other.dtype
    assert np.abs(one.astype(int) - other.astype(int)).max(initial=0) <= off


def rewritten(data: bytes, path: Path, **options: Any) -> Canvas:
    """What is read of what is written of what is read."""
    canvas = read_canvas(data, **options)
    write_canvas(canvas.painted(canvas.pixels.copy()), path)
    return read_canvas(path, **options)


@pytest.mark.parametrize("name", CASES)
def test_pixels_and_alpha_come_out_as_they_went_in(name: str, tmp_path: Path) -> None:
    data, color, alpha, off = CASES[name]()
    canvas = read_canvas(data)
    seen = np.ones(color.shape[:2], bool) if alpha is None else alpha > 0
    assert_same(canvas.pixels[seen], color[seen], off)
    for kind in (each for each in FORMATS if each.written and each.deep):  # the lossless ones
        written = rewritten(data, tmp_path / f"x{kind.suffixes[0]}")
        assert_same(written.pixels, canvas.pixels)
        assert (written.alpha is None) == (alpha is None)
        if alpha is not None and written.alpha is not None:
            assert_same(written.alpha, alpha, off)


@pytest.mark.parametrize("name", ["png 16 alpha", "tiff 16", "png alpha", "png gray"])
def test_other_programs_read_the_same(name: str, tmp_path: Path) -> None:
    data, color, alpha, _ = CASES[name]()
    whole = color if alpha is None else np.dstack([color, alpha])
    seen = np.s_[:] if alpha is None else alpha > 0
    rewritten(data, tmp_path / "x.png")
    rewritten(data, tmp_path / "x.tif")
    png = imagecodecs.png_decode((tmp_path / "x.png").read_bytes())
    assert_same(png[seen], whole[seen])
    assert_same(tifffile.imread(tmp_path / "x.tif")[seen], whole[seen])
    for path in (tmp_path / "x.png", tmp_path / "x.tif"):
        with Image.open(path) as image:
            assert image.mode == ("RGB" if alpha is None else "RGBA")
            assert_same(np.asarray(image)[seen], to_8_bits(whole)[seen], 1)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
@pytest.mark.parametrize("name", ["png", "png alpha", "png 16 alpha"])
def test_lossy_kinds_keep_what_they_can(name: str, suffix: str, tmp_path: Path) -> None:
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    data, *_ = CASES[name]()
    canvas = read_canvas(data)
    write_canvas(canvas, tmp_path / f"x{suffix}", quality=100)
    written = read_canvas(tmp_path / f"x{suffix}")
    kind = next(each for each in FORMATS if suffix in each.suffixes)
    losses = list(what_is_lost(canvas, kind))
    assert any("16 were rounded" in loss for loss in losses) == ("16" in name)
    expected, alpha = to_8_bits(canvas.pixels), canvas.alpha
    if suffix == ".jpg" and alpha is not None:
        assert any("laid over white" in loss for loss in losses)
        share = (alpha / np.iinfo(alpha.dtype).max)[..., None]
        expected = (expected * share + 255 * (1 - share)).round().astype(np.uint8)
        assert written.alpha is None
        assert_same(written.pixels, expected, 40)  # its edges are sharp
        assert np.abs(written.pixels.astype(int) - expected).mean() < 3
    else:
        seen = np.s_[:] if alpha is None else alpha > 0
        assert_same(written.pixels[seen], expected[seen], 8)
        if alpha is not None and written.alpha is not None:
            assert_same(written.alpha, to_8_bits(alpha), 1)


# profiles


def pixels_of(path: Path) -> Any:
    if path.suffix == ".png":
        return imagecodecs.png_decode(path.read_bytes())
    if path.suffix == ".tif":
        return tifffile.imread(path)
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".avif"])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("profile", [P3, ADOBE], ids=["P3", "Adobe"])
def test_a_profile_is_painted_in_srgb_and_written_again(
    profile: bytes, depth: int, suffix: str, tmp_path: Path
) -> None:
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    if depth == 8:
        data, given = pillow("PNG", icc_profile=profile)()[:2]
    else:
        tags = [(34675, 7, len(profile), profile, True)]
        data, given = deep_tiff(DEEP, DEEP, photometric="rgb", extratags=tags)()[:2]
    canvas = read_canvas(data)
    in_srgb = ImageCms.profileToProfile(
        Image.fromarray(to_8_bits(given)), io.BytesIO(profile), ImageCms.createProfile("sRGB")
    )
    assert_same(to_8_bits(canvas.pixels), np.asarray(in_srgb), 1)
    assert np.abs(to_8_bits(canvas.pixels).astype(int) - SMOOTH).max() > 3  # it was converted
    path = tmp_path / f"x{suffix}"
    write_canvas(canvas, path, quality=100 if suffix in (".jpg", ".webp", ".avif") else None)
    with Image.open(path) as image:
        assert image.info["icc_profile"] == profile
    written, off = pixels_of(path), {".jpg": 6, ".avif": 6}.get(suffix, 2)
    if written.dtype == np.uint16:
        assert_same(written, given, 60)  # far below a step of 8 bits, which is 257
    else:
        assert_same(written, to_8_bits(given), off)


def test_the_profile_of_srgb_is_kept_and_nothing_is_converted(tmp_path: Path) -> None:
    canvas = rewritten(pillow("PNG", icc_profile=SRGB)()[0], tmp_path / "x.jpg")
    assert canvas.profile == SRGB
    assert rewritten(pillow("PNG")()[0], tmp_path / "y.jpg").profile is None
    assert rewritten(pillow("PNG", icc_profile=b"broken")()[0], tmp_path / "z.jpg").profile is None


def test_gray_of_a_profile_is_painted_in_srgb_and_says_so(tmp_path: Path) -> None:
    light = imagecodecs.cms_profile("gray", gamma=1.0)
    for name, color, alpha in (("gray", SMOOTH[..., 0], None), ("both", SMOOTH[..., 0], HOLES)):
        data, *_ = pillow("PNG", color, alpha, icc_profile=light)()
        canvas = rewritten(data, tmp_path / f"{name}.png")
        seen = np.s_[:] if alpha is None else alpha > 0
        assert (canvas.pixels[seen] > GRAY[seen] + 20).all()  # half the light looks far brighter
        assert canvas.profile is not None
        profile = ImageCms.ImageCmsProfile(io.BytesIO(canvas.profile))
        assert "sRGB" in ImageCms.getProfileDescription(profile)
        assert profile.profile.xcolor_space == "RGB "
    tags = [(34675, 7, len(light), light, True)]
    deep = deep_tiff(DEEP[..., 0], DEEP_GRAY, photometric="minisblack", extratags=tags)()[0]
    canvas = rewritten(deep, tmp_path / "deep.png")
    assert canvas.pixels.dtype == np.uint16
    assert (canvas.pixels > DEEP_GRAY + 20 * 257).all()
    data, *_ = pillow("PNG", SMOOTH[..., 0], icc_profile=ADOBE)()  # gray steps of an RGB profile
    assert rewritten(data, tmp_path / "rgb.png").profile == ADOBE


def ink_profile() -> bytes:
    """Four inks that all take light away alike: L* is 100, less 100 for a full ink."""
    steps = bytes(range(256))
    inks = [bin(node).count("1") for node in range(16)]  # how many are full at a corner
    corners = b"".join(bytes([max(0, 255 - 255 * full), 128, 128]) for full in inks)
    identity = struct.pack(">9i", *(65536 * (place % 4 == 0) for place in range(9)))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + 4 * steps + corners + 3 * steps
    name = b"four inks\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(79),
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061),
        b"A2B0": table,
    }
    place, listed, data = 128 + 4 + 12 * len(tags), b"", b""
    for tag, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        listed += tag + struct.pack(">II", place + len(data), len(content))
        data += padded
    head = struct.pack(
        ">I4sI4s4s4s12s4s4sIIIIIIiii48s", place + len(data), bytes(4), 0x02100000, b"prtr",
        b"CMYK", b"Lab ", bytes(12), b"acsp", *(bytes(4), 0, 0, 0, 0, 0, 0), 63190, 65536, 54061,
        bytes(48),
    )  # fmt: skip
    return head + struct.pack(">I", len(tags)) + listed + data


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk_of_a_profile_is_painted_in_srgb_and_says_so(kind: str, tmp_path: Path) -> None:
    file = io.BytesIO()
    ink = Image.new("CMYK", (40, 40), (0, 128, 0, 0))
    ink.save(file, kind, icc_profile=ink_profile(), **(EXACT if kind == "JPEG" else {}))
    canvas = rewritten(file.getvalue(), tmp_path / "x.png")
    assert np.abs(canvas.pixels.astype(int) - 118).max() <= 3  # L* 50, where CMYK says magenta
    assert canvas.profile is not None
    profile = ImageCms.ImageCmsProfile(io.BytesIO(canvas.profile))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


def test_the_same_file_is_written_every_time(tmp_path: Path) -> None:
    data, *_ = pillow("PNG", SMOOTH[..., 0], icc_profile=imagecodecs.cms_profile("gray"))()
    canvas = read_canvas(data)
    for kind in (each for each in FORMATS if each.written):
        if kind.name != "AVIF" or features.check("avif"):
            assert encode_canvas(canvas, kind) == encode_canvas(canvas, kind)


# metadata

ROTATED = {  # what a camera stores, so that the orientation makes it upright
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright, 2).swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


def described(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Camera"
    exif[ExifTags.Base.Artist] = "Zoë".encode()
    exif[ExifTags.Base.ImageWidth] = 4321
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.DateTimeOriginal: "2026:01:02 03:04:05",
        ExifTags.Base.ExposureTime: 0.01,
        ExifTags.Base.ExifImageWidth: 4321,
        ExifTags.Base.MakerNote: b"offsets",
    }
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (52.0, 31.0, 12.0)}
    return exif


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
@pytest.mark.parametrize("orientation", ROTATED)
def test_pictures_come_out_upright(orientation: int, suffix: str, tmp_path: Path) -> None:
    for name, upright in (("8", SMOOTH), ("16", DEEP)):
        stored = np.ascontiguousarray(ROTATED[orientation](upright))
        source = io.BytesIO()
        if name == "8":
            Image.fromarray(stored).save(source, "PNG", exif=described(orientation), dpi=(300, 150))
        else:
            tag = (274, "H", 1, orientation, True)
            with tifffile.TiffWriter(source) as writer:
                writer.write(
                    stored, photometric="rgb", metadata=None, extratags=[tag],
                    resolution=(300, 150), resolutionunit="INCH",
                )  # fmt: skip
        canvas = read_canvas(source.getvalue())
        assert_same(canvas.pixels, upright)
        assert canvas.dpi is not None
        assert [round(n) for n in canvas.dpi] == ([300, 150] if orientation < 5 else [150, 300])
        write_canvas(canvas, tmp_path / f"x{suffix}")
        with Image.open(tmp_path / f"x{suffix}") as image:
            assert image.size == (WIDTH, HEIGHT)
            assert image.getexif().get(ExifTags.Base.Orientation, 1) == 1


@pytest.mark.parametrize("keep_gps", [False, True])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".avif"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_and_resolution_are_kept(
    kind: str, suffix: str, keep_gps: bool, tmp_path: Path
) -> None:
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    exif = described(6)
    if kind == "TIFF":
        del exif[ExifTags.Base.ImageWidth]  # it is the picture's own there
    if kind == "WEBP":
        exif[ExifTags.Base.XResolution] = exif[ExifTags.Base.YResolution] = 240.0
        exif[ExifTags.Base.ResolutionUnit] = 2
    data, *_ = pillow(kind, exif=exif.tobytes(), dpi=(240, 240))()
    canvas = rewritten(data, tmp_path / f"x{suffix}", keep_gps=keep_gps)
    assert canvas.dpi is not None
    assert [round(number) for number in canvas.dpi] == [240, 240]
    with Image.open(tmp_path / f"x{suffix}") as image:
        found = image.getexif()
        details = found.get_ifd(ExifTags.IFD.Exif)
        place = found.get_ifd(ExifTags.IFD.GPSInfo)
    assert found[ExifTags.Base.Make] == "Camera"
    artist = "Zo??" if kind == "TIFF" else "Zoë"  # so Pillow wrote it
    assert found[ExifTags.Base.Artist].encode("latin-1").decode() == artist
    assert found.get(ExifTags.Base.Orientation, 1) == 1
    assert round(found[ExifTags.Base.XResolution]) == 240
    assert details[ExifTags.Base.DateTimeOriginal] == "2026:01:02 03:04:05"
    assert details[ExifTags.Base.ExposureTime] == 0.01
    assert ExifTags.Base.MakerNote not in details
    assert 4321 not in (found.get(ExifTags.Base.ImageWidth), details.get(40962))
    assert place == ({1: "N", 2: (52.0, 31.0, 12.0)} if keep_gps else {})


def test_a_picture_without_description_gets_none(tmp_path: Path) -> None:
    for suffix in (".png", ".tif", ".jpg", ".webp"):
        for kind in ("PNG", "TIFF", "JPEG", "WEBP"):
            canvas = rewritten(pillow(kind)()[0], tmp_path / f"x{suffix}")
            assert (canvas.exif, canvas.dpi, canvas.profile) == (None, None, None), kind


def test_broken_exif_does_not_spoil_a_picture() -> None:
    canvas = read_canvas(pillow("PNG", exif=b"Exif\0\0nonsense")()[0])
    assert canvas.exif is None
    assert_same(canvas.pixels, SMOOTH)


# HEIC


def heic() -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    return pillow("HEIF", exif=described(), quality=-1, chroma=444)()[0]


def test_heic_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.heic").write_bytes(heic())
    canvas = read_canvas(tmp_path / "x.heic")
    assert canvas.pixels.shape == SMOOTH.shape
    assert np.abs(canvas.pixels.astype(int) - SMOOTH).mean() < 4
    assert canvas.exif is not None


def test_heic_without_its_plugin_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.heic").write_bytes(heic())
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(
        PictureError, match=r"x\.heic: HEIC needs .*pip install 'gan-style\[heic\]'"
    ):
        read_canvas(tmp_path / "x.heic")


# what cannot be read


@pytest.mark.parametrize("name", ["png 16 alpha", "tiff 16", "tiff 16 lzw", "avif", "png alpha"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6])
def test_truncated_files_are_refused(name: str, share: float, tmp_path: Path) -> None:
    if name not in CASES:
        pytest.skip("this Pillow has no AVIF")
    data, *_ = CASES[name]()
    (tmp_path / "x").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(PictureError, match="x: "):
        read_canvas(tmp_path / "x")


def test_more_than_the_memory_is_refused_by_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (300, 200)).save(tmp_path / "x.png")
    monkeypatch.setattr("gan_style.painting.canvas.free_memory", lambda device: 590_000)
    with pytest.raises(TooLargeError, match=r"x\.png: reading a picture of 300x200 px takes"):
        read_canvas(tmp_path / "x.png")
    monkeypatch.setattr("gan_style.painting.canvas.free_memory", lambda device: 610_000)
    assert read_canvas(tmp_path / "x.png").pixels.shape == (200, 300, 3)


def test_what_is_no_picture_is_named() -> None:
    with pytest.raises(PictureError, match="standard input: not a picture that can be read"):
        read_canvas(b"some text", name="standard input")
    with pytest.raises(PictureError, match="standard input: nothing there"):
        read_canvas(b"", name="standard input")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK", "I;16", "F", "1"])
def test_pictures_in_memory(mode: str) -> None:
    image = Image.new("F", (4, 3), 0.5) if mode == "F" else Image.new(mode, (4, 3))
    canvas = read_canvas(image)
    assert canvas.pixels.shape == (3, 4, 3)
    assert (canvas.alpha is not None) == (mode in ("RGBA", "LA"))
