"""Models and style codes that are sent to the Hugging Face hub, and their cards."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hub_server import READER, WRITER, Hub
from PIL import Image

from gan_style import Stylizer
from gan_style.cli.main import main
from gan_style.errors import ModelError, RemoteError, StyleError
from gan_style.remote.card import Card, was_edited
from gan_style.remote.hub import Repository
from gan_style.sharing.hub import shared
from gan_style.shipped import BASE, named_styles
from gan_style.training_facts import TrainingFacts, read_facts

MODEL_FILES = [
    ".gitattributes",
    "README.md",
    "config.json",
    "examples.jpg",
    "model.safetensors",
    "styles/ink.style.safetensors",
    "styles/oil.style.safetensors",
    "thumbnails.jpg",
    "training.json",
]
JPEGS = {"examples.jpg", "thumbnails.jpg"}


def head(card: bytes | str) -> dict[str, Any]:
    text = card if isinstance(card, str) else card.decode()
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of two style codes of the shipped model."""
    folder = tmp_path_factory.mktemp("codes")
    for name in ("mosaic", "woodcut"):
        shutil.copy(named_styles()[name], folder)
    return folder


def test_a_model_is_pushed_and_painted_with_in_a_fresh_process(
    hub: Hub, tiny_run: Path, stylizer: Stylizer, tmp_path: Path, capsys: Any
) -> None:
    assert main(["push", str(tiny_run), "hf:me/mine", "--license", "cc-by-4.0", "--private"]) == 0
    told = capsys.readouterr().out
    assert f"pushed to {hub.url}/me/mine/commit/" in told
    assert "gan-style stylize PHOTO --model hf:me/mine --style STYLE" in told
    stored = hub.repositories["me/mine"]
    assert sorted(stored.files) == MODEL_FILES
    assert (stored.private, stored.messages[-1]) == (True, "Upload by gan-style push")

    Image.new("RGB", (48, 40), "teal").save(tmp_path / "photo.png")
    painted = tmp_path / "painted.png"
    program = (
        "from gan_style import Stylizer\n"
        "stylizer = Stylizer.from_pretrained('me/mine', device='cpu')\n"
        f"stylizer.stylize({str(tmp_path / 'photo.png')!r}, 'ink').save({str(painted)!r})\n"
    )
    fresh = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}
    subprocess.run(
        [sys.executable, "-c", program], env=os.environ | fresh, check=True, cwd=tmp_path
    )
    assert hub.downloads() == sorted({*MODEL_FILES} - {".gitattributes", *JPEGS})
    expected = stylizer.stylize(tmp_path / "photo.png", "ink")
    assert Image.open(painted).tobytes() == expected.tobytes()


def test_the_card_of_a_model(hub: Hub, stylizer: Stylizer) -> None:
    stylizer.push_to_hub("me/mine", license="cc-by-4.0", commit_message="First")
    files = hub.repositories["me/mine"].files
    assert hub.repositories["me/mine"].messages[-1] == "First"
    card = files["README.md"].decode()
    assert head(card) == {
        "library_name": "gan-style",
        "license": "cc-by-4.0",
        "pipeline_tag": "image-to-image",
        "tags": ["art", "gan", "gan-style", "image-to-image", "style-transfer"],
        "thumbnail": "https://huggingface.co/me/mine/resolve/main/examples.jpg",
    }
    for fact in (
        "# mine",
        'Stylizer.from_pretrained("me/mine")',
        "--model hf:me/mine --style ink",
        "| `ink` | 3 pictures |",
        "6 pictures in 2 styles and 4 photos to paint",
        "| Squares of photos seen | 8 |",
        "| Began with | random weights |",
        "| this model |",
        "`cc-by-4.0`, as its author states it",
    ):
        assert fact in card, fact
    assert not was_edited(card)
    assert all(name in files for name in re.findall(r"\]\((\w+\.jpg)\)", card))


def test_the_card_of_a_model_from_base_tells_of_the_pictures_of_base() -> None:
    facts = TrainingFacts({"mine": 20}, 3, 6, 1200, 90.0, "2026-11-28", "0.1.0", BASE)
    card = Card("mine", None, "a" * 16, False, {}, config="small", facts=facts).text()
    assert "20 pictures (3 of them held out) and 6 photos to paint, chosen by the author" in card
    told = " ".join(card.split())
    assert re.search(r"Training began with `base`.*Apache-2\.0.*2,663 artworks.*2,796 photos", told)
    assert "The author states none: ask" in card
    assert "license" not in head(card)
    begun = replace(facts, began_with="hf:user/first@v1")
    there = Card("mine", None, "a" * 16, False, {}, config="small", facts=begun).text()
    assert head(there)["base_model"] == "user/first"


def test_the_facts_of_a_run_go_with_its_model(tiny_run: Path, tmp_path: Path) -> None:
    facts = read_facts(tiny_run / "training.json")
    assert facts is not None
    assert facts.pictures == {"ink": 3, "oil": 3}
    assert (facts.photos, facts.squares, facts.began_with) == (4, 8, None)
    assert facts.errors.keys() == {"content", "stroke", "gram"}
    one = Stylizer.from_pretrained(tiny_run, device="cpu").save_pretrained(tmp_path / "one")
    two = Stylizer.from_pretrained(one, device="cpu").save_pretrained(tmp_path / "two")
    assert read_facts(two / "training.json") == facts
    assert "| Squares of photos seen | 8 |" in (two / "README.md").read_text()


@pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"pictures": 3}'])
def test_facts_that_cannot_be_read_are_left_out(text: str, tmp_path: Path) -> None:
    (tmp_path / "training.json").write_text(text)
    assert read_facts(tmp_path / "training.json") is None


def test_thumbnails_are_left_out_if_they_are_not_wanted(hub: Hub, stylizer: Stylizer) -> None:
    stylizer.push_to_hub("me/mine", thumbnails=False)
    files = hub.repositories["me/mine"].files
    assert "thumbnails.jpg" not in files
    assert "none of them is in this repository" in files["README.md"].decode()
    loaded = Stylizer.from_pretrained("me/mine", device="cpu")
    assert loaded.styles["ink"].thumbnail is None
    assert loaded.styles["ink"].mean.equal(stylizer.styles["ink"].mean)
    assert stylizer.styles["ink"].thumbnail is not None


def test_saving_and_pushing_at_once(hub: Hub, stylizer: Stylizer, tmp_path: Path) -> None:
    with pytest.raises(RemoteError, match="push_to_hub=True needs repo_id"):
        stylizer.save_pretrained(tmp_path / "mine", push_to_hub=True)
    folder = stylizer.save_pretrained(
        tmp_path / "mine", repo_id="me/mine", push_to_hub=True, private=True
    )
    stored = hub.repositories["me/mine"]
    assert stored.private
    assert sorted(stored.files) == MODEL_FILES
    assert stored.files["README.md"] == (folder / "README.md").read_bytes()


def test_a_card_that_was_edited_at_the_hub_is_kept(
    hub: Hub, stylizer: Stylizer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "gan_style")
    stylizer.push_to_hub("me/mine")
    stored = hub.repositories["me/mine"]
    stylizer.push_to_hub("me/mine", license="mit")
    assert head(stored.files["README.md"])["license"] == "mit"
    edited = stored.files["README.md"].replace(b"# mine", b"# My inks")
    stored.commit({"README.md": edited})
    stylizer.push_to_hub("me/mine", license="cc0-1.0")
    assert stored.files["README.md"] == edited
    assert "README.md of hf:me/mine was edited, and is kept" in caplog.text


def test_a_folder_is_written_edited_and_pushed(
    hub: Hub, tiny_run: Path, tmp_path: Path, capsys: Any
) -> None:
    folder = tmp_path / "to_send"
    words = ["push", str(tiny_run), "hf:me/mine", "-o", str(folder)]
    assert main(words) == 0
    assert "has what would be sent to hf:me/mine" in capsys.readouterr().out
    assert hub.requests == []
    assert main(words) == 2
    assert "is there already; --force (force=True) replaces it" in capsys.readouterr().err
    card = (folder / "README.md").read_text().replace("# mine", "# My inks")
    (folder / "README.md").write_text(card)
    assert main([*words, "--force"]) == 0
    assert (folder / "README.md").read_text() == card
    assert main(["push", str(folder), "hf:me/mine"]) == 0
    stored = hub.repositories["me/mine"].files
    assert sorted(stored) == MODEL_FILES
    assert stored["README.md"].decode() == card


def test_codes_of_the_shipped_model(hub: Hub, codes: Path, capsys: Any) -> None:
    one = str(codes / "mosaic.style.safetensors")
    assert main(["push", one, "hf:me/tiles"]) == 0
    assert "gan-style stylize PHOTO --style hf:me/tiles -o" in capsys.readouterr().out
    files = hub.repositories["me/tiles"].files
    assert sorted({*files} - JPEGS) == [".gitattributes", "README.md", "mosaic.style.safetensors"]
    assert files["mosaic.style.safetensors"] == Path(one).read_bytes()
    card = files["README.md"].decode()
    assert "--style hf:me/tiles -o painted.png" in card
    assert "The model is `base`" in card
    assert Stylizer.from_pretrained(device="cpu").style("hf:me/tiles").name == "mosaic"

    assert main(["push", str(codes), "hf:me/two", "--no-thumbnails"]) == 0
    assert "--style hf:me/two/STYLE" in capsys.readouterr().out
    files = hub.repositories["me/two"].files
    assert "thumbnails.jpg" not in files
    assert "--style hf:me/two/mosaic" in files["README.md"].decode()


def test_a_code_that_joins_a_model_leaves_the_card(
    hub: Hub, stylizer: Stylizer, tmp_path: Path
) -> None:
    stylizer.push_to_hub("me/mine")
    before = dict(hub.repositories["me/mine"].files)
    code = replace(stylizer.styles["ink"], name="late")
    file = code.save(tmp_path / "late.style.safetensors")
    assert main(["push", str(file), "hf:me/mine"]) == 0
    after = hub.repositories["me/mine"].files
    assert after == before | {"styles/late.style.safetensors": file.read_bytes()}


def test_a_code_of_another_model_names_it(
    hub: Hub, stylizer: Stylizer, tmp_path: Path, codes: Path
) -> None:
    file = stylizer.styles["ink"].save(tmp_path / "ink.style.safetensors")
    assert main(["push", str(file), "hf:me/ink"]) == 0
    card = hub.repositories["me/ink"].files["README.md"].decode()
    assert f"the model whose id is `{stylizer.id}`" in card
    assert "examples.jpg" not in hub.repositories["me/ink"].files
    with pytest.raises(StyleError, match="belong to 2 models"):
        shared([codes, file]).write(tmp_path / "both", Repository("me/both"))


def test_the_shipped_model_is_not_shared(hub: Hub, tmp_path: Path) -> None:
    base = Stylizer.from_pretrained(device="cpu")
    with pytest.raises(ModelError, match="comes with gan_style, which everybody has"):
        base.push_to_hub("me/base")
    assert hub.requests == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["base", "hf:me/base"], "base comes with gan_style: everybody has it"),
        (["mosaic", "hf:me/tiles"], "mosaic comes with gan_style: everybody has it"),
        (["nowhere", "hf:me/mine"], "nowhere does not exist; share a model, or style codes"),
        (["RUN", "RUN", "hf:me/mine"], "share one model at a time"),
        (["RUN", "me/mine"], "me/mine is no address to send to; one is hf:user/name"),
        (["RUN", "hf:me/mine/ink"], "hf:me/mine/ink cannot be sent to"),
        (["RUN", "hf:me/mine@main"], "hf:me/mine@main cannot be sent to"),
        (["RUN", "hf:me/mine", "--license", "My own!"], "--license is 'My own!'"),
    ],
)
def test_what_cannot_be_pushed(
    hub: Hub, tiny_run: Path, words: list[str], message: str, capsys: Any
) -> None:
    given = [str(tiny_run) if word == "RUN" else word for word in words]
    assert main(["push", *given]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert hub.requests == []


@pytest.mark.parametrize(
    ("token", "repository", "message"),
    [
        (None, "me/mine", "there is no login: run `hf auth login`, or set HF_TOKEN"),
        ("hf_wrong", "me/mine", r"the hub refuses this login \(401\): log in with `hf auth login`"),
        (READER, "me/mine", r"\(403\): You have no rights in me; a token needs the right to write"),
        (WRITER, "others/mine", r"\(403\): You have no rights in others"),
    ],
)
def test_logins_that_are_refused(
    hub: Hub,
    stylizer: Stylizer,
    monkeypatch: pytest.MonkeyPatch,
    token: str | None,
    repository: str,
    message: str,
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(RemoteError, match=f"^hf:{repository}: .*{message}") as caught:
        stylizer.push_to_hub(repository, token=token)
    assert "\n" not in str(caught.value)
    assert hub.repositories == {}


def test_pushing_without_a_network(
    hub: Hub, stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(RemoteError, match=r"http://127\.0\.0\.1:9 cannot be reached"):
        stylizer.push_to_hub("me/mine")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(RemoteError, match="HF_HUB_OFFLINE is set: unset it"):
        stylizer.push_to_hub("me/mine")


def test_a_command_takes_user_and_name_for_a_path(hub: Hub, tmp_path: Path, capsys: Any) -> None:
    Image.new("RGB", (48, 40), "teal").save(tmp_path / "photo.png")
    paint = [
        "stylize",
        str(tmp_path / "photo.png"),
        "--style",
        "ink",
        "-o",
        str(tmp_path / "p.png"),
    ]
    assert main([*paint, "--model", "me/mine"]) == 2
    assert "model me/mine does not exist" in capsys.readouterr().err
    assert hub.requests == []
