"""`gan-style app`: the page in the browser."""

import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gan_style.cli.command import Command, existing
from gan_style.options import device_option, option

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class App(Command):
    """Open the page in the browser: paint photos and videos, learn a style, mix and compare.

    It is served to this machine alone, needs no internet, and sends nothing anywhere. Needs the
    extra `app`. Ctrl-C ends it; trainings that it began go on.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style app --open",
        "gan-style app --port 8000 --folder my_work",
        "gan-style app --host 0.0.0.0",
    )

    folder: str = option("gan_style_app", metavar="FOLDER")
    """Where paintings, codes, runs and uploads are kept."""
    port: int | None = option(None, at_least=1, at_most=65535)
    """Of the address; the first free one from 7860 on if not given."""
    host: str = option(
        "127.0.0.1", pattern=r"[\w.:-]+", allowed="a name or an address", metavar="ADDRESS"
    )
    """At which it can be reached; 0.0.0.0 lets all of the network in, without a password."""
    open: bool = False
    """Open the page in the browser."""
    config: str | None = option(None, metavar="CONFIG.yaml")
    """Options with which trainings begin; those of `gan-style train` if not given."""
    device: str = device_option()
    """Where to run."""

    def run(self) -> None:
        """Serve until Ctrl-C."""
        config = existing(self.config).resolve() if self.config else None
        from gan_style.app.server import Server, free_port

        port = free_port(self.host, self.port)
        if config is not None:
            from gan_style.config import load_config

            load_config(str(config))  # what is wrong with it is said now
        from gan_style.app.desk import Desk

        desk = Desk.at(Path(self.folder), self.device, config)
        server = Server(desk, self.host, port)
        if self.host not in _LOOPBACK:
            print(f"anybody who can reach {self.host} can use this page: there is no password")
        print(
            f"gan_style is at {server.address} (work folder {desk.folder.root}; Ctrl-C ends it)",
            flush=True,
        )
        if self.open:
            webbrowser.open(server.address)
        server.wait()
