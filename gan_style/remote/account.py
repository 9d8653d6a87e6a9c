"""The account in Weights & Biases: on which server, and whether there is a key for it.

Asked without its library, which takes seconds to import and asks for a key where it finds none.
"""

import os
from contextlib import suppress
from netrc import NetrcParseError, netrc
from pathlib import Path
from urllib.parse import urlsplit

from gan_style.errors import RemoteError


def wandb_server() -> str:
    """The address of the server in use."""
    return (os.environ.get("WANDB_BASE_URL") or "https://api.wandb.ai").rstrip("/")


def has_wandb_key() -> bool:
    """Whether the environment or a netrc file has a key for the server."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    server = urlsplit(wandb_server()).netloc
    for file in (os.environ.get("NETRC", "~/.netrc"), "~/_netrc"):
        with suppress(OSError, NetrcParseError, UnicodeDecodeError):
            if netrc(Path(file).expanduser()).authenticators(server):
                return True
    return False


def require_wandb_key(wanted: str) -> None:
    """Raise RemoteError, which names what is `wanted`, if there is no key for the server."""
    if not has_wandb_key():
        raise RemoteError(f"{wanted}: not logged in to {wandb_server()}; run `wandb login` first")
