"""The page served: to this machine only unless it is told otherwise, and without the internet."""

import os
import socket
from pathlib import Path
from threading import Event

from gan_style.app.desk import Desk
from gan_style.app.folder import DAY
from gan_style.errors import ConfigError

FIRST_PORT, _TRIED = 7860, 20
LOOPBACK = "127.0.0.1"
_PACKAGES = ("gradio", "gradio_client")
_EVERY = 10 * 60  # seconds between two looks for copies that are a day old
_QUEUE = 40  # events that wait at most
_SESSIONS = 100  # browsers whose state is kept


def free_port(host: str, port: int | None) -> int:
    """The port that was asked for, or the first free one from FIRST_PORT on.

    Raises:
        ConfigError: it is taken, or cannot be used.
    """
    wanted = [port] if port is not None else range(FIRST_PORT, FIRST_PORT + _TRIED)
    for number in wanted:
        if (problem := _problem(host, number)) is None:
            return number
    if port is None:
        raise ConfigError(f"ports {FIRST_PORT} to {wanted[-1]} are all taken; give a --port")
    raise ConfigError(f"--port is {port}, which cannot be used at {host}: {problem}")


def _problem(host: str, port: int) -> str | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return None


class Server:
    """The page at an address.

    Args:
        desk: what it works with.
        host: at which it can be reached.
        port: free; see `free_port`.

    Raises:
        ConfigError: Gradio is not installed.
    """

    def __init__(self, desk: Desk, host: str, port: int) -> None:
        _keep_to_this_machine(desk.folder.cache)
        try:
            from gan_style.app.page import STYLE, THEME, build_page
        except ImportError as error:
            if error.name not in _PACKAGES:
                raise
            raise ConfigError(
                f"the page needs Gradio ({error}): pip install 'gan-style[app]'"
            ) from error
        from gan_style.app.uploads import LARGEST

        self.desk = desk
        self._page = build_page(desk, (_EVERY, DAY))
        self._page.queue(max_size=_QUEUE, default_concurrency_limit=1)
        _, address, _ = self._page.launch(
            server_name=host,
            server_port=port,
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            max_file_size=LARGEST,
            state_session_capacity=_SESSIONS,
            footer_links=[],
            ssr_mode=False,
            mcp_server=False,
            enable_monitoring=False,
            theme=THEME,
            css=STYLE,
        )
        self.address = address

    def wait(self) -> None:
        """Serve until Ctrl-C."""
        try:
            Event().wait()
        finally:
            self._page.close(verbose=False)
            self.desk.studio.close()


def _keep_to_this_machine(cache: Path) -> None:
    """Tell Gradio, before it is imported, to call nobody, to record nothing, and where to work."""
    os.environ |= {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_RUN_HISTORY": "False",
        "GRADIO_SHARE": "False",
        "GRADIO_TEMP_DIR": str(cache),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
    }
    for name in ("GRADIO_ALLOWED_PATHS", "GRADIO_ROOT_PATH", "GRADIO_WATCH_DIRS"):
        os.environ.pop(name, None)
