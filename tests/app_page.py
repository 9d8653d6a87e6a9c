"""The page as its tests use it: the server in a process, a browser, and requests without one."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

PATIENCE = 240.0  # seconds; a busy machine takes many times as long as a quiet one
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_OPTIONS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
expect.set_options(timeout=1000 * PATIENCE)


@contextmanager
def served(folder: Path, *words: str) -> Iterator[str]:
    """`gan-style app` on a free port; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])  # two workers that looked for one would find the same
    options = ["--folder", str(folder), "--port", port, *words]
    command = [sys.executable, "-m", "gan_style", "app", *options]
    log = folder.with_suffix(".log")
    with log.open("wb") as file:
        server = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=file, text=True, cwd=folder.parent
        )
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line.startswith("gan_style is at http://127.0.0.1:"), line + log.read_text()
        yield line.split()[3]
    finally:
        server.terminate()
        server.wait(PATIENCE)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Somebody who has the page open, and notes where the browser turns to."""

    def __init__(self, browser: Browser, address: str, width: int = 1280) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900})
        self.address = address
        self.requested: list[str] = []
        self.broken: list[str] = []
        self.page: Page
        self.come_back()

    def come_back(self) -> None:
        """Open the page in a new tab of the browser."""
        self.page = self.context.new_page()
        self.page.set_default_timeout(1000 * PATIENCE)
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.on("pageerror", lambda error: self.broken.append(str(error)))
        self.page.on("dialog", lambda dialog: self.broken.append(f"dialog {dialog.message}"))
        self.page.goto(self.address)
        expect(self.page.locator("#styles button img").first).to_be_visible()

    def leave(self) -> None:
        self.page.close()

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()

    @property
    def panel(self) -> Any:
        """What the open tab shows."""
        return self.page.locator("[role=tabpanel]:visible")

    def drop(self, *files: Path) -> None:
        """Give files to the first place of the open tab that takes some, and wait for them."""
        place = self.panel.locator("input[type=file]").first
        clear = self.panel.get_by_label("Clear").first
        if not place.count() or clear.is_visible():
            clear.click()
        self.panel.locator("input[type=file]").first.set_input_files([str(each) for each in files])
        expect(self.panel.locator(".file-preview tr").first).to_be_visible()

    def choose(self, style: str) -> None:
        name = self.page.get_by_text(style, exact=True)
        self.page.locator("#styles button").filter(has=name).first.click()
        expect(self.page.locator("#chosen-style")).to_contain_text(style)

    def file(self, name: str) -> Any:
        """The link to a file that can be downloaded."""
        return self.page.locator(f'a[download="{name}"]').first

    def paint(self) -> None:
        self.page.click("#paint")

    def told(self, text: str) -> None:
        """Wait for a message."""
        expect(self.page.get_by_test_id("toast-body").filter(has_text=text).first).to_be_visible()

    def close(self) -> None:
        assert self.broken == []
        hosts = {url.split("/")[2] for url in self.requested if url.startswith(("http", "ws"))}
        assert hosts == {self.address.split("/")[2]}, hosts
        self.context.close()


def until(is_reached: Callable[[], Any], what: str) -> Any:
    ended = time.monotonic() + PATIENCE
    while time.monotonic() < ended:
        if found := is_reached():
            return found
        time.sleep(0.2)
    raise AssertionError(what)


def upload(address: str, name: str, content: bytes) -> list[str]:
    """Send a file as the browser does, under any name; gives where it is kept."""
    boundary = uuid.uuid4().hex
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    request = urllib.request.Request(
        f"{address}gradio_api/upload",
        body,
        {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    return list(json.load(urllib.request.urlopen(request, timeout=PATIENCE)))


def call(address: str, function: int, data: list[Any]) -> dict[str, Any]:
    """Do what the browser does when a button is pressed, with whatever data; gives the answer."""
    session = uuid.uuid4().hex
    body = json.dumps({"data": data, "fn_index": function, "session_hash": session}).encode()
    headers = {"Content-Type": "application/json"}
    join = urllib.request.Request(f"{address}gradio_api/queue/join", body, headers)
    urllib.request.urlopen(join, timeout=PATIENCE).close()
    place = f"{address}gradio_api/queue/data?session_hash={session}"
    with urllib.request.urlopen(place, timeout=PATIENCE) as lines:
        for line in lines:
            if line.startswith(b"data:"):
                message = json.loads(line[5:])
                if message["msg"] == "process_completed":
                    return dict(message)
    raise AssertionError("no answer")


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def function_of(address: str, element: str) -> tuple[int, int]:
    """The number of what a button does, and how many values it takes."""
    with urllib.request.urlopen(f"{address}config", timeout=PATIENCE) as answer:
        config = json.load(answer)
    button = next(
        each["id"] for each in config["components"] if each["props"].get("elem_id") == element
    )
    found = next(each for each in config["dependencies"] if [button, "click"] in each["targets"])
    return found["id"], len(found["inputs"])


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True
