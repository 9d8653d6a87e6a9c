"""What all tests share: no network, no account, a home of their own, few threads."""

import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"


def pytest_configure() -> None:
    """Set the environment before torch or wandb is imported; subprocesses inherit it."""
    home = tempfile.mkdtemp(prefix="gan-style-home-")
    os.environ.setdefault("OMP_NUM_THREADS", str(min(2, os.cpu_count() or 1)))
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        del os.environ[name]
    os.environ |= {
        "HOME": home,  # no key in ~/.netrc, no weights in ~/.cache
        "NETRC": f"{home}/.netrc",
        "XDG_CACHE_HOME": f"{home}/.cache",
        "TORCH_HOME": f"{home}/.cache/torch",
        "WANDB_BASE_URL": "http://127.0.0.1:9",  # nobody listens there
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_SILENT": "true",
    }


def pytest_unconfigure() -> None:
    """Remove the home that pytest_configure made."""
    if Path(os.environ["HOME"]).name.startswith("gan-style-home-"):
        shutil.rmtree(os.environ["HOME"], ignore_errors=True)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"tests do not use the network: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of pictures and weights beside the checkout, or skip the test."""
    if not SHARED.is_dir():
        pytest.skip(f"needs {SHARED}, which is not on this machine")
    return SHARED
