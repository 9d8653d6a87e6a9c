"""The exported page in Chromium: it paints there what ONNX Runtime paints here, and asks nobody."""

import functools
import urllib.request
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from local_server import running
from PIL import Image
from skimage import data

from gan_style import Stylizer
from gan_style.errors import ConfigError
from gan_style.sharing import web_page
from gan_style.sharing.onnx_export import ExportedGraph
from gan_style.sharing.onnx_runtime import OnnxStylizer
from gan_style.sharing.web_page import RUNTIME_ADDRESS, runtime_package, write_page
from gan_style.shipped import named_styles

pytest.importorskip("playwright", reason="needs playwright, of the extra dev")

from app_page import CHROMIUM, PATIENCE, chromium
from playwright.sync_api import Page, expect

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")


@pytest.fixture(scope="session")
def package(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fetch onnxruntime-web once into pytest's cache, or skip the test."""
    cache = getattr(pytestconfig, "cache", None)  # there is none with -p no:cacheprovider
    folder = cache.mkdir("npm") if cache else tmp_path_factory.mktemp("npm")
    file: Path = folder / RUNTIME_ADDRESS.rpartition("/")[2]
    if not file.is_file():
        try:
            with urllib.request.urlopen(RUNTIME_ADDRESS, timeout=60) as answer:
                content = answer.read()
        except OSError as error:
            pytest.skip(f"{RUNTIME_ADDRESS} cannot be fetched: {error}")
        file.write_bytes(content)
    return file


class Quiet(SimpleHTTPRequestHandler):
    """Any static server: it knows nothing but files."""

    def log_message(self, format: str, *values: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(
    shipped: Stylizer, exported: tuple[Path, list[ExportedGraph]], package: Path
) -> Iterator[str]:
    folder = exported[0].parent
    write_page(shipped, folder, runtime_package(package))
    handler = functools.partial(Quiet, directory=str(folder))
    with running(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as url:
        yield f"{url}/"


def painting_on(page: Page, file: Path) -> Image.Image:
    with page.expect_download() as download:
        page.get_by_text("Download PNG").click()
    download.value.save_as(file)
    return Image.open(file).convert("RGB")


@needs_chromium
@pytest.mark.long
def test_the_page_paints_as_onnx_runtime_does_here(
    address: str, exported: tuple[Path, list[ExportedGraph]], tmp_path: Path
) -> None:
    photo = Image.fromarray(data.astronaut()).resize((128, 96))
    photo.save(tmp_path / "photo.png")
    requested: list[str] = []
    broken: list[str] = []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.set_default_timeout(1000 * PATIENCE)
        page.on("request", lambda request: requested.append(request.url))
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("console", lambda said: broken.append(said.text) if said.type == "error" else None)
        page.goto(f"{address}?backend=wasm")
        expect(page.get_by_role("status")).to_have_text("Ready.")
        expect(page.locator("#backend")).to_contain_text("Runs on WebAssembly, one thread")
        expect(page.get_by_role("radio")).to_have_count(len(named_styles()))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator("#photo").set_input_files(tmp_path / "photo.png")
        page.get_by_role("radio", name="woodblock").check(force=True)
        page.get_by_role("button", name="Paint").click()
        expect(page.locator("#caption")).to_contain_text("128 x 96 px in")
        painted = painting_on(page, tmp_path / "painted.png")
        page.locator("#examples").set_input_files([tmp_path / "photo.png"] * 2)
        expect(page.get_by_role("status")).to_contain_text("my style 1: read from 2 pictures")
        page.locator("#other").select_option("woodcut")
        page.get_by_role("button", name="Paint").click()
        expect(page.locator("#caption")).to_contain_text("my style 1 + woodcut: 128 x 96 px")
        mixed = painting_on(page, tmp_path / "mixed.png")
    assert broken == []
    assert {url for url in requested if not url.startswith((address, "blob:", "data:"))} == set()
    expected = OnnxStylizer(exported[0]).stylize(photo, named_styles()["woodblock"])
    away = np.abs(np.asarray(painted, int) - np.asarray(expected, int))
    assert away.max() <= 2
    assert np.abs(np.asarray(mixed, int) - np.asarray(painted, int)).mean() > 3


def test_another_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.tgz").write_bytes(b"something")
    with pytest.raises(ConfigError, match="SHA-512"):
        runtime_package(tmp_path / "other.tgz")
    with pytest.raises(ConfigError, match=r"none\.tgz cannot be read"):
        runtime_package(tmp_path / "none.tgz")


def test_the_pages_files_are_in_the_package() -> None:
    for name in web_page.PAGE_FILES:
        text = (Path(web_page.__file__).parent / "web" / name).read_text(encoding="utf-8")
        assert "http://" not in text
        assert "https://" not in text
