"""How much memory the page in the browser takes, and how long a painting, over many paintings.

    python benchmarks/app.py [--paintings N] [--side PIXELS] [--styles N] [--json FILE]

Starts `gan-style app` with a work folder of its own, opens it in Chromium, and paints noise of
--side pixels again and again as a person would: a photo is dropped, a style chosen, the button
pressed. The table has the resident memory of the server when the page has been opened, after the
first painting, after 10 and after all, and the median of the seconds from the button to the file.
Needs the extra `dev`, and Chromium; reads /proc, so Linux.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from timing import table

_PATIENCE = 600_000  # milliseconds


def memory(process: int) -> float:
    """Resident memory of a process in MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000


def open_page(page: Page, address: str) -> None:
    page.set_default_timeout(_PATIENCE)
    page.goto(address)
    page.locator("#styles button img").first.wait_for()


def paint(page: Page, photo: Path, style: int, made: Path) -> float:
    """Paint a photo; returns the seconds it took."""
    before = len(list(made.iterdir()))
    clear = page.get_by_label("Clear").first
    if clear.is_visible():
        clear.click()
    page.locator("input[type=file]").first.set_input_files(str(photo))
    page.locator(".file-preview tr").filter(has_text=photo.stem).first.wait_for()
    page.locator("#styles button").nth(style).click()
    began = time.perf_counter()
    page.click("#paint")
    page.locator("a[download]", has_text="KB").last.wait_for()
    while len(list(made.iterdir())) == before or page.locator(".progress-text:visible").count():
        time.sleep(0.05)
    return time.perf_counter() - began


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    words = ["-m", "gan_style", "app", "--folder", str(folder / "work")]
    server = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    rng = np.random.default_rng(0)
    seconds, megabytes = [], {}
    try:
        address = server.stdout.readline().split()[3]
        with sync_playwright() as playwright:
            place = shutil.which("chromium") or shutil.which("chromium-browser")
            browser = playwright.chromium.launch(executable_path=place, args=["--no-sandbox"])
            page = browser.new_page()
            open_page(page, address)
            megabytes["start"] = memory(server.pid)
            for number in range(1, options.paintings + 1):
                photo = folder / f"photo{number}.jpg"
                noise = rng.integers(0, 256, (8, 12, 3), dtype=np.uint8)
                size = (options.side * 3 // 2, options.side)
                Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(photo)
                style = number % options.styles
                seconds.append(paint(page, photo, style, folder / "work" / "paintings"))
                if number in (1, 10, options.paintings):
                    megabytes[str(number)] = memory(server.pid)
            browser.close()
    finally:
        server.terminate()
        server.wait()
    return {"megabytes": megabytes, "seconds": seconds, "side": options.side}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--paintings", type=int, default=100)
    parser.add_argument("--side", type=int, default=288, help="short side of the photos")
    parser.add_argument("--styles", type=int, default=6, help="different styles that are painted")
    parser.add_argument("--json", type=Path, help="write the numbers there, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options, Path(folder))
    rows = [(when, f"{value:.0f}") for when, value in found["megabytes"].items()]
    print(table(("after paintings", "memory, MB"), rows))
    print(f"median {median(found['seconds']):.2f} s a painting of {options.side} px")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
