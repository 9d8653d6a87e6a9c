"""The whole page in a browser: what people do there, and what nobody should."""

import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from gan_style.app.trainings import Run
from gan_style.config import config_to_dict, load_config

pytest.importorskip("gradio", reason="needs the extra app")
pytest.importorskip("playwright", reason="needs playwright, of the extra dev")

from app_page import CHROMIUM, Visitor, call, chromium, function_of, served, status, until, upload
from playwright.sync_api import Browser, expect

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium"),
    pytest.mark.timeout(900),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the work folder of the server."""
    return tmp_path_factory.mktemp("app") / "work"


@pytest.fixture(scope="module")
def address(work: Path, tiny: list[str]) -> Iterator[str]:
    """Start the server, with trainings of a small model that end by the clock alone."""
    words = [word for word in tiny if not word.startswith(("data.styles=", "train.steps="))]
    config = work.parent / "tiny.yaml"
    values = config_to_dict(load_config(None, [*words, "train.minutes=1"]))
    config.write_text(yaml.safe_dump(values))
    with served(work, "--config", str(config), "--device", "cpu") as found:
        yield found
    for folder in (work / "runs").iterdir():
        Run(folder).stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a browser for all tests."""
    with chromium() as started:
        yield started


@pytest.fixture
def visitor(browser: Browser, address: str) -> Iterator[Visitor]:
    """Open the page anew, and check in the end that nothing broke and nobody else was asked."""
    found = Visitor(browser, address)
    yield found
    found.close()


def paintings(work: Path) -> dict[str, Path]:
    """Those that are written whole, by name."""
    return {
        path.name: path for path in (work / "paintings").glob("*.png") if path.stat().st_size > 0
    }


def large_png(path: Path, side: int) -> Path:
    """Write a PNG that is small as a file, and huge as a picture of one bit a pixel."""
    row = b"\0" * (1 + side // 8)
    packed = zlib.compressobj(9)
    data = b"".join(packed.compress(row) for _ in range(side)) + packed.flush()

    def chunk(kind: bytes, content: bytes) -> bytes:
        ends = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + ends

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", data), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def test_a_photo_is_painted_where_it_is_drawn_on(
    visitor: Visitor, work: Path, tmp_path: Path
) -> None:
    photo = tmp_path / "cat.png"
    noise = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((240, 160), Image.Resampling.BICUBIC).save(photo)
    visitor.drop(photo)
    visitor.choose("woodcut")
    page = visitor.page
    page.get_by_text("Paint only a part of the photo").click()
    canvas = page.locator("#drawing canvas").first
    expect(canvas).to_be_visible()
    page.wait_for_timeout(3000)  # the photo fades in
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle[0] - 20, middle[1])
    page.mouse.down()
    page.mouse.move(middle[0] + 20, middle[1], steps=4)
    page.mouse.up()
    page.wait_for_timeout(1000)
    visitor.paint()
    file = until(lambda: paintings(work).get("cat-woodcut.png"), "no painting")
    link = visitor.file("cat-woodcut.png")
    expect(link).to_be_visible()
    changed = (np.asarray(Image.open(file)) != np.asarray(Image.open(photo))).any(2)
    rows, columns = np.nonzero(changed)
    assert 0.01 < changed.mean() < 0.6
    assert rows.max() - rows.min() < 159 or columns.max() - columns.min() < 239
    assert not changed[:8].any()  # as it was, to the bit
    with page.expect_download() as download:
        link.click()
    assert Path(download.value.path()).read_bytes() == file.read_bytes()


@pytest.mark.long
def test_two_browsers_get_their_own_paintings(
    visitor: Visitor, browser: Browser, address: str, work: Path, collection: Path, tmp_path: Path
) -> None:
    other = Visitor(browser, address, width=390)
    pairs = ((visitor, "mosaic", "mine"), (other, "pencil", "yours"))
    for each, style, name in pairs:
        shutil.copy(collection / "photos" / "0.png", tmp_path / f"{name}.png")
        each.drop(tmp_path / f"{name}.png")
        each.choose(style)
    for each, _, _ in pairs:
        each.paint()
    for each, style, name in pairs:
        file = f"{name}-{style}.png"
        expect(each.file(file)).to_be_visible()
        links = each.page.locator("a[download]").all()
        made = {link.get_attribute("download") for link in links} - {f"{name}.png"}
        assert made == {file}
        assert file in paintings(work)
    wide = "document.documentElement.scrollWidth"
    assert other.page.evaluate(wide) <= 390
    for tab in ("My style", "Mix", "Compare", "Video"):
        other.tab(tab)
        assert other.page.evaluate(wide) <= 390
    other.close()


def ask_to_train(visitor: Visitor, pictures: list[Path], name: str, minutes: str) -> None:
    """Fill in what the tab My style asks for, and press the button."""
    visitor.tab("My style")
    visitor.drop(*pictures)
    check = visitor.page.locator("#check textarea")
    expect(check).to_have_value(re.compile(f"{len(pictures)} pictures"))
    visitor.panel.get_by_label("Name", exact=True).fill(name)
    visitor.panel.get_by_label("Minutes").fill(minutes)
    visitor.page.click("#train")
    expect(visitor.page.locator("#run input")).to_have_value(name)


@pytest.fixture
def pictures(collection: Path, tmp_path: Path) -> list[Path]:
    """Make eight pictures of a style."""
    made = [tmp_path / f"{number}.png" for number in range(8)]
    for number, picture in enumerate(made):
        shutil.copy(collection / "styles" / "ink" / f"{number % 3}.png", picture)
    return made


@pytest.mark.long
def test_a_style_is_learned_and_painted_in(
    visitor: Visitor, work: Path, pictures: list[Path]
) -> None:
    ask_to_train(visitor, pictures, "ink", "0.1")
    expect(visitor.page.locator("#progress")).to_contain_text("Finished")
    expect(visitor.page.locator("#report textarea")).to_have_value(re.compile("training"))
    expect(visitor.file("ink.style.safetensors")).to_be_visible()
    visitor.tab("Paint")
    visitor.drop(pictures[0])
    visitor.choose("ink")
    visitor.paint()
    until(lambda: "0-ink.png" in paintings(work), "not painted")


@pytest.mark.long
def test_a_training_outlives_the_page_is_stopped_and_gone_on_with(
    visitor: Visitor, work: Path, pictures: list[Path]
) -> None:
    ask_to_train(visitor, pictures, "long", "30")
    expect(visitor.page.locator("#progress")).to_contain_text("left")
    run = Run(work / "runs" / "long")
    visitor.leave()
    assert run.is_training
    visitor.come_back()
    visitor.tab("My style")
    progress = visitor.page.locator("#progress")
    expect(progress).to_contain_text("left")
    visitor.page.click("#stop")
    expect(progress).to_contain_text("Stopped")
    assert not run.is_training
    visitor.page.click("#go-on")
    expect(progress).to_contain_text("left")
    assert run.is_training
    visitor.page.click("#stop")
    expect(progress).to_contain_text("Stopped")


def test_styles_are_mixed_and_compared(visitor: Visitor, work: Path, collection: Path) -> None:
    page = visitor.page
    visitor.tab("Mix")
    preview = page.locator("#preview img")
    expect(preview).to_be_visible()
    first = preview.get_attribute("src")
    visitor.panel.locator("input[type=number]").first.fill("0.1")
    page.keyboard.press("Tab")
    until(lambda: preview.get_attribute("src") != first, "the preview stayed as it was")
    visitor.panel.get_by_label("Name", exact=True).fill("half & half <b>")
    page.click("#keep-mix")
    code = work / "codes" / "half-half-b.style.safetensors"
    expect(visitor.file(code.name)).to_be_visible()
    assert code.is_file()
    visitor.tab("Paint")
    visitor.choose("half-half-b")
    visitor.tab("Compare")
    visitor.drop(collection / "photos" / "0.png")
    visitor.panel.get_by_label("0.5").first.check()
    page.click("#compare")
    expect(page.locator("#sheet img")).to_be_visible()
    (sheet,) = (work / "sheets").iterdir()
    assert Image.open(sheet).width > 2.5 * 288  # the photo, and two strengths


@pytest.mark.long
def test_hostile_files_are_refused_in_a_line_and_the_page_lives_on(
    visitor: Visitor, address: str, collection: Path, tmp_path: Path, work: Path
) -> None:
    page = visitor.page
    huge = large_png(tmp_path / "huge.png", 40_000)
    assert huge.stat().st_size < 1_000_000
    archive = tmp_path / "holiday.jpg"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a.txt", "no picture")
    photo = tmp_path / "<img src=x onerror=alert(1)>.png"
    shutil.copy(collection / "photos" / "0.png", photo)
    visitor.choose("pencil")
    visitor.drop(huge)
    visitor.paint()
    visitor.told("huge.png: more than 178956970 pixels")
    visitor.drop(archive, photo)  # one bad file does not keep the other from being painted
    visitor.paint()
    visitor.told("holiday.jpg: not a picture that can be read")
    until(lambda: [name for name in paintings(work) if "onerror" in name], "not painted")
    assert page.locator("img[src=x]").count() == 0
    many = [tmp_path / f"{number}.png" for number in range(300)]
    for each in many:
        each.write_bytes(b"x")
    visitor.drop(*many)
    visitor.paint()
    visitor.told("300 files; at most 50")
    visitor.drop(collection / "photos" / "1.png")
    visitor.paint()
    until(lambda: "1-pencil.png" in paintings(work), "the page is dead")


def test_no_path_from_the_browser_is_opened(address: str, work: Path) -> None:
    kept = upload(address, "../../../x.png", b"x")
    assert [Path(place).name for place in kept] == ["x.png"]
    assert Path(kept[0]).is_relative_to(work / "cache")
    secret = work.parent / "secret.png"
    Image.new("RGB", (40, 40)).save(secret)
    function, count = function_of(address, "paint")
    for path in ("/etc/passwd", str(secret), f"{kept[0]}/../../../../secret.png"):
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        answer = call(address, function, [[file], *[None] * (count - 1)])
        assert not answer["success"]
        assert not list((work / "paintings").glob("*secret*"))
        assert status(f"{address}gradio_api/file={path}") == 403
    assert status(f"{address}gradio_api/file={work / 'tiny.yaml'}") == 403
    assert status(f"{address}gradio_api/file={work.parent / 'tiny.yaml'}") == 403


def test_everything_is_reached_by_the_keyboard(visitor: Visitor) -> None:
    page, reached = visitor.page, set[str]()
    page.locator("body").click(position={"x": 2, "y": 2})
    look = """() => { const e = document.activeElement; const near = e.closest('[id]');
        return `${e.tagName} ${e.type ?? ''} ${near ? near.id : ''} ${e.innerText ?? ''}` }"""
    for _ in range(70):
        page.keyboard.press("Tab")
        reached.add(" ".join(page.evaluate(look).split()))
    for part in ("styles", "INPUT range", "INPUT checkbox", "INPUT radio", "paint Paint"):
        assert [each for each in reached if part in each], (part, sorted(reached))
