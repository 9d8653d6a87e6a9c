"""How long the page that `gan-style export --web` wrote takes to paint in Chromium.

    gan-style export --web page
    python benchmarks/web.py page [--sizes 256 512] [--backend wasm] [--screenshot FILE.png]
        [--width 1280]

The page is served as any static server would, and paints scikit-image's astronaut in the first of
its styles. Prints what the page itself says: size, seconds, backend. Needs Chromium and playwright.
"""

import argparse
import functools
import shutil
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright
from skimage import data

PATIENCE = 900_000  # ms


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *values: object) -> None:
        pass


def measure(page: Page, address: str, options: argparse.Namespace) -> None:
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page.goto(f"{address}?backend={options.backend}")
    expect(page.locator("#status")).to_have_text("Ready.")
    print(page.locator("#backend").text_content())
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "astronaut.png")
        Image.fromarray(data.astronaut()).save(photo)
        page.locator("#photo").set_input_files(photo)
    for size in options.sizes:
        if page.locator(f"#size option[value='{size}']").count() == 0:
            raise SystemExit(f"the page has no size {size}")
        page.locator("#size").select_option(str(size))
        page.locator("#paint").click()
        side = min(size, 512)  # the photo has no more
        expect(page.locator("#caption")).to_contain_text(f"{side} x {side} px in")
        expect(page.locator("#download")).to_be_visible()
        print(page.locator("#caption").text_content())
    if options.screenshot:
        page.screenshot(path=options.screenshot, full_page=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("page", type=Path, help="the folder")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--backend", choices=("wasm", "auto"), default="wasm")
    parser.add_argument("--screenshot", type=Path)
    parser.add_argument("--width", type=int, default=1280)
    options = parser.parse_args()
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    handler = functools.partial(Quiet, directory=str(options.page))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, sync_playwright() as playwright:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": options.width, "height": 900})
        measure(page, f"http://127.0.0.1:{server.server_port}/", options)
        browser.close()
        server.shutdown()


if __name__ == "__main__":
    main()
