"""A hub on this machine, as the library of the hub finds it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import WRITER, Hub, serve


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """Serve a hub, with an empty cache and the login of its user `me`."""
    constants = pytest.importorskip("huggingface_hub").constants
    with serve() as server:
        # read from the environment when the library is imported, which another test may have done
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # another protocol
        monkeypatch.setenv("HF_TOKEN", WRITER)
        yield server
