"""What all tests share: no network, no account, a home of their own, few threads."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # importing it imports torch, which pytest_configure has to precede
    from hub_server import Hub

    from gan_style import Stylizer

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --long."""
    parser.addoption("--long", action="store_true", help="run the tests that take minutes, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that take minutes, unless they are asked for."""
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment before torch or wandb is imported; subprocesses inherit it."""
    home = tempfile.mkdtemp(prefix="gan-style-home-")
    workers = config.getoption("numprocesses", None) or 1  # they share the cores, and inherit this
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, min(2, (os.cpu_count() or 1) // workers))))
    for name in [name for name in os.environ if name.startswith(("WANDB_", "HF_"))]:
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


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make styles/ink and styles/oil of three small pictures each, and photos/ of four."""
    import numpy as np
    from PIL import Image

    folder = tmp_path_factory.mktemp("collection")
    random = np.random.default_rng(0)
    for place, coarse in (("styles/ink", 4), ("styles/oil", 12), ("photos", 6)):
        (folder / place).mkdir(parents=True)
        for number in range(4 if place == "photos" else 3):
            values = random.integers(0, 256, (coarse, coarse, 3), dtype=np.uint8)
            picture = Image.fromarray(values).resize((60, 50), Image.Resampling.BICUBIC)
            picture.save(folder / place / f"{number}.png")
    return folder


@pytest.fixture(scope="session")
def tiny(collection: Path) -> list[str]:
    """Return overrides with which a run takes seconds: four steps on tiny crops, no W&B."""
    return [
        f"data.styles={collection / 'styles'}",
        f"data.content={collection / 'photos'}",
        *("data.size=48", "data.crop=40", "data.max_examples=2", "model.code_dim=16"),
        *(
            "train.init=null",
            "train.minutes=null",
            "train.steps=4",
            "train.batch_size=2",
            "train.warmup=0",
            "train.device=cpu",
        ),
        "train.precision=float32",
        *("run.log_every=1", "run.sample_every=2", "run.checkpoint_every=2"),
        "tracking.wandb=off",
    ]


@pytest.fixture(scope="session")
def tiny_run(tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train once for all tests; copy the folder before changing anything in it."""
    from gan_style.config import load_config
    from gan_style.training.run import train

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    return train(load_config(None, [*tiny, f"run.dir={folder}"]))


@pytest.fixture(scope="session")
def stylizer(tiny_run: Path) -> "Stylizer":
    """Load the model of `tiny_run`."""
    from gan_style import Stylizer

    return Stylizer.from_pretrained(tiny_run, device="cpu")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Iterator[Hub]":
    """Serve a Hugging Face hub on this machine, with an empty cache and the login of `me`."""
    pytest.importorskip("huggingface_hub")
    from hub_server import WRITER, serve

    constants = import_module("huggingface_hub.constants")
    with serve() as server:
        # read from the environment when the library is imported, which another test may have done
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # another protocol
        # the page, which another test may have opened in this process, forbids the network
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setenv("HF_TOKEN", WRITER)
        yield server
