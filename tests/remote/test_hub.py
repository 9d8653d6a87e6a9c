"""Models and style codes that are downloaded from the Hugging Face hub."""

from dataclasses import replace
from pathlib import Path

import pytest
from hub_server import READER, Hub
from hub_server import Repository as Stored

from gan_style import StyleCode, Stylizer
from gan_style.errors import RemoteError
from gan_style.remote.hub import Repository, is_repository, repository_of
from gan_style.remote.places import fetch
from gan_style.shipped import named_styles


@pytest.fixture
def code() -> bytes:
    return named_styles()["mosaic"].read_bytes()


@pytest.fixture
def model(hub: Hub, stylizer: Stylizer, tmp_path: Path) -> dict[str, bytes]:
    """Put a model into the hub's me/mine, with files that nobody should download."""
    folder = stylizer.save_pretrained(tmp_path / "saved")
    files = {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }
    hub.repositories["me/mine"] = Stored()
    hub.repositories["me/mine"].commit(files | {"pytorch_model.bin": b"pickle", "big.zip": b""})
    return files


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("hf:user/name", Repository("user/name")),
        ("hf://user/name", Repository("user/name")),
        ("user/name/my style", Repository("user/name", "my style")),
        ("user/a.b@refs/pr/1", Repository("user/a.b", None, "refs/pr/1")),
        ("user/name/ink@v1.0", Repository("user/name", "ink", "v1.0")),
    ],
)
def test_parts_of_an_address(address: str, expected: Repository) -> None:
    assert repository_of(address) == expected
    assert repository_of(str(expected)) == expected


@pytest.mark.parametrize("address", ["", "name", "user/", "../name", "user/name/a/b", "a b/c"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(RemoteError, match="one is hf:user/name, hf:user/name/STYLE"):
        repository_of(address)


@pytest.mark.parametrize("place", ["./a/b", "/a", "a/b/c", "~/a", "a/b@1", Path("a/b"), "..//a"])
def test_paths_have_not_the_form_of_a_repository(place: object) -> None:
    assert not is_repository(place)
    assert is_repository("user/name-1.0")


def test_only_what_is_needed_of_a_model_is_downloaded(hub: Hub, model: dict[str, bytes]) -> None:
    folder = fetch("hf:me/mine", "model")
    found = {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*.*")}
    assert found == {name: data for name, data in model.items() if name != "thumbnails.jpg"}
    assert hub.downloads() == sorted(found)


def test_a_second_time_nothing_is_downloaded_and_no_network_is_needed(
    hub: Hub, model: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fetch("hf:me/mine", "model")
    hub.requests.clear()
    assert fetch("hf:me/mine", "model") == first
    assert hub.downloads() == []
    hub.status = 503
    assert fetch("hf:me/mine", "model") == first
    hub.requests.clear()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert fetch("hf:me/mine", "model") == first
    assert hub.requests == []


def test_the_one_style_of_a_repository_needs_no_name(hub: Hub, code: bytes) -> None:
    hub.repositories["me/style"] = Stored()
    hub.repositories["me/style"].commit({"tiles.style.safetensors": code, "model.bin": b"pickle"})
    file = fetch("hf:me/style", "style")
    assert (file.name, file.read_bytes()) == ("tiles.style.safetensors", code)
    assert hub.downloads() == ["tiles.style.safetensors"]


def test_one_of_several_styles_is_named(hub: Hub, model: dict[str, bytes]) -> None:
    assert fetch("hf:me/mine/oil", "style").read_bytes() == model["styles/oil.style.safetensors"]
    assert "styles/ink.style.safetensors" not in hub.downloads()
    for address, what in (("hf:me/mine", "has 2 styles"), ("hf:me/mine/inc", "no style 'inc'")):
        with pytest.raises(RemoteError, match=f"{what}; give one of: hf:me/mine/ink, hf:me/mine/o"):
            fetch(address, "style")


def test_an_older_revision(hub: Hub, code: bytes, tmp_path: Path) -> None:
    changed = replace(StyleCode.load(named_styles()["mosaic"]), name="changed")
    hub.repositories["me/style"] = Stored()
    first = hub.repositories["me/style"].commit({"a.style.safetensors": code})
    new = changed.save(tmp_path / "a.style.safetensors").read_bytes()
    hub.repositories["me/style"].commit({"a.style.safetensors": new})
    assert fetch("hf:me/style", "style").read_bytes() == new
    assert fetch(f"hf:me/style@{first}", "style").read_bytes() == code
    assert fetch(f"hf:me/style/a@{first}", "style").read_bytes() == code


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hf:me/none", "hf:me/none: there is no such repository, or it is private: log in"),
        ("hf:me/mine@v9", "hf:me/mine@v9: there is no such revision"),
        ("hf:me/empty", "hf:me/empty has no model.safetensors: it is not a model of gan_style"),
        ("hf:me/mine/ink", "hf:me/mine/ink names a style; the model is hf:me/mine"),
    ],
)
def test_what_is_not_there(hub: Hub, model: dict[str, bytes], address: str, message: str) -> None:
    hub.repositories["me/empty"] = Stored()
    hub.repositories["me/empty"].commit({"README.md": b"# Empty"})
    with pytest.raises(RemoteError, match=message) as caught:
        fetch(address, "model")
    assert "\n" not in str(caught.value)


def test_a_repository_without_styles(hub: Hub) -> None:
    hub.repositories["me/empty"] = Stored()
    hub.repositories["me/empty"].commit({"README.md": b"# Empty"})
    with pytest.raises(RemoteError, match=r"hf:me/empty has no style codes \(\*.style.safetens"):
        fetch("hf:me/empty", "style")


def test_a_private_model_needs_a_login(
    hub: Hub, model: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repositories["me/mine"].private = True
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(RemoteError, match=r"or it is private: log in with `hf auth login`, or set"):
        fetch("hf:me/mine", "model")
    Stylizer.from_pretrained("hf:me/mine", token=READER, device="cpu")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(RemoteError, match=r"refuses this login \(401\): log in with `hf auth"):
        fetch("hf:me/mine@main/", "model")


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, "this login may not do that"),
        (429, "too many requests"),
        (500, r"out of order \(500\); try again later"),
    ],
)
def test_a_hub_that_refuses(hub: Hub, status: int, message: str) -> None:
    hub.status = status
    with pytest.raises(RemoteError, match=f"^hf:me/mine: .*{message}") as caught:
        fetch("hf:me/mine", "model")
    assert "\n" not in str(caught.value)


def test_no_network(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:9 cannot be reached, and it is not in"):
        fetch("hf:me/mine", "model")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(RemoteError, match=r"network is not to be used \(HF_HUB_OFFLINE, or local_"):
        fetch("hf:me/mine", "model")


def test_a_hub_that_does_not_answer(
    hub: Hub, model: dict[str, bytes], stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fetch("hf:me/mine", "model")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_ETAG_TIMEOUT", 0.2)
    hub.released.clear()
    assert fetch("hf:me/mine", "model") == first
    with pytest.raises(RemoteError, match=f"{hub.url} does not answer, and it is not in the cache"):
        fetch("hf:me/other", "model")
    with pytest.raises(RemoteError, match=f"hf:me/other: {hub.url} does not answer$"):
        stylizer.push_to_hub("me/other")


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan_style.remote.hub.find_spec", lambda name: None)
    with pytest.raises(RemoteError, match=r"needs huggingface_hub: pip install 'gan-style\[hub\]'"):
        fetch("hf:me/mine", "model")


# from Python


def test_python_finds_user_and_name_at_the_hub(
    hub: Hub, model: dict[str, bytes], stylizer: Stylizer, tmp_path: Path
) -> None:
    cache = tmp_path / "other"
    found = Stylizer.from_pretrained("me/mine", device="cpu", cache_dir=cache)
    assert (found.id, list(found.styles)) == (stylizer.id, ["ink", "oil"])
    assert (cache / "models--me--mine").is_dir()
    head = hub.repositories["me/mine"].head
    hub.repositories["me/mine"].commit({"model.safetensors": b"broken"})
    old = Stylizer.from_pretrained("me/mine", device="cpu", revision=head)
    assert old.id == stylizer.id


def test_a_folder_on_this_machine_comes_first(
    hub: Hub, stylizer: Stylizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stylizer.save_pretrained("runs/mine")
    assert Stylizer.from_pretrained("runs/mine", device="cpu").id == stylizer.id
    assert hub.requests == []
    with pytest.raises(RemoteError, match=r"^runs/mein is not on this machine; hf:runs/me"):
        Stylizer.from_pretrained("runs/mein", device="cpu")


def test_a_part_in_the_cache_is_not_taken_for_the_whole(
    hub: Hub, model: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch("hf:me/mine/ink", "style")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:9 cannot be reached"):
        fetch("hf:me/mine", "model")
