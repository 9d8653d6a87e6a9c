"""Models and style codes fetched from a server of this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from wandb_server import KEY, Given, WandbServer, wandb_server

from gan_style.errors import RemoteError
from gan_style.pretrained import code_at, read_model
from gan_style.remote.places import fetch
from gan_style.shipped import SHIPPED, named_styles


@pytest.fixture(autouse=True, scope="module")
def _no_service_left_behind() -> Iterator[None]:
    yield
    import wandb

    wandb.teardown()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[WandbServer]:
    with wandb_server() as state:
        monkeypatch.setenv("WANDB_BASE_URL", state.url)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
        monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
        yield state


def test_models_and_styles_are_fetched_once(
    server: WandbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = named_styles()["woodblock"]
    server.given["mine-model:v3"] = Given(
        "model", {"model.safetensors": (SHIPPED / "base.safetensors").read_bytes()}
    )
    server.given["mine-ink:v0"] = Given("style", {"ink.style.safetensors": code.read_bytes()})
    read = read_model("wandb:me/gan-style/mine-model:v3")
    assert read.config == read_model("base").config
    found = code_at("wandb:me/gan-style/mine-ink")  # the latest
    assert found is not None
    assert found.name == "woodblock"
    assert server.downloads == 2

    monkeypatch.delenv("WANDB_API_KEY")  # a version that is here needs neither key nor server
    monkeypatch.setitem(server.given, "mine-model:v3", Given("model", {}))
    assert read_model("wandb:me/gan-style/mine-model:v3").path == read.path
    assert server.downloads == 2


def test_a_folder_of_several_models_is_returned_whole(server: WandbServer) -> None:
    server.given["run:v1"] = Given("model", {"model.safetensors": b"1", "other.safetensors": b"2"})
    folder = fetch("wandb:me/gan-style/run:v1", "model")
    assert sorted(path.name for path in folder.iterdir()) == [
        "model.safetensors",
        "other.safetensors",
    ]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("wandb:me/gan-style/mine-model:v4", "cannot be fetched: there is nothing of that name"),
        ("wandb:me/gan-style/mine-model:v3", "is of type 'model'; wanted is a style"),
        ("wandb:me/gan-style/empty:v0", "has no file that could be the style"),
        ("wandb:mine-model:v3", "is no address of an artifact, which is written wandb:ENTITY/"),
        ("wandb:me/../x/y:v1", "is no address of an artifact"),
    ],
)
def test_what_is_no_style_is_refused(server: WandbServer, address: str, told: str) -> None:
    server.given["mine-model:v3"] = Given("model", {"model.safetensors": b"weights"})
    server.given["empty:v0"] = Given("style", {"read.me": b""})
    with pytest.raises(RemoteError) as caught:
        fetch(address, "style")
    assert told in str(caught.value)
    assert str(caught.value).startswith(address)
    assert "\n" not in str(caught.value)


def test_a_download_that_fails_leaves_nothing(server: WandbServer, tmp_path: Path) -> None:
    given = Given("model", {"model.safetensors": b"weights"})
    server.given["mine-model:v3"] = given
    told = server.manifest
    server.manifest = lambda name: told(name) | {"contents": {}}  # type: ignore[method-assign]
    with pytest.raises(RemoteError, match="cannot be fetched"):
        fetch("wandb:me/gan-style/mine-model:v3", "model")
    assert not list((tmp_path / "cache" / "gan-style").rglob("*.safetensors"))
    server.manifest = told  # type: ignore[method-assign]
    assert fetch("wandb:me/gan-style/mine-model:v3", "model").read_bytes() == b"weights"


def test_without_a_key_nothing_is_asked(
    server: WandbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    with pytest.raises(
        RemoteError, match=r"not logged in to http://127\.0\.0\.1:\d+; run `wandb login`"
    ):
        fetch("wandb:me/gan-style/mine-model:v3", "model")


def test_a_server_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("gan_style.remote.artifacts._SECONDS", 1)
    with pytest.raises(RemoteError, match=r"^wandb:me/p/n:v1 cannot be fetched: .*127\.0\.0\.1:9"):
        fetch("wandb:me/p/n:v1", "model")
