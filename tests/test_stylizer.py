"""Use of a trained model from Python."""

import json
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import gan_style
from gan_style import StyleCode, Stylizer
from gan_style.color import transfer_luminance
from gan_style.data.images import to_tensor
from gan_style.errors import CheckpointError, ModelError, PictureError, StyleError, TooLargeError
from gan_style.painting.budget import refuse_too_large_painting
from gan_style.shipped import SHIPPED, named_styles


@pytest.fixture(scope="module")
def code(stylizer: Stylizer, collection: Path) -> StyleCode:
    return stylizer.encode(sorted((collection / "styles" / "ink").iterdir()), "ink")


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(60, 200, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC)


def distance(first: Image.Image, second: Image.Image) -> float:
    return (to_tensor(first) - to_tensor(second)).abs().mean().item()


# loading


@pytest.mark.parametrize(
    "place", ["", "model.safetensors", "checkpoints/step-00000004.safetensors"]
)
def test_run_folder_model_and_checkpoint_are_one_model(
    stylizer: Stylizer, tiny_run: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = Stylizer.from_pretrained(tiny_run / place, device="cpu")
    for each in (stylizer, loaded):  # a model of four steps makes much of bfloat16's rounding
        monkeypatch.setattr(each, "precision", "float32")
    assert loaded.id == stylizer.id
    own = stylizer.encode(picture(160, 120))
    own_painting, exported = (m.stylize(picture(160, 120), own) for m in (loaded, stylizer))
    other = stylizer.stylize(picture(160, 120), stylizer.encode(picture(160, 120, seed=5)))
    # exports have half precision: far less than another style
    assert distance(own_painting, exported) < distance(exported, other) / 7


def test_other_checkpoints_can_be_painted_with(tiny_run: Path, tmp_path: Path) -> None:
    best = Stylizer.from_pretrained(
        str(tiny_run / "checkpoints" / "best.safetensors"), device="cpu"
    )
    assert best.stylize(picture(40, 32), best.encode(picture(40, 32))).size == (40, 32)
    (tmp_path / "checkpoints").mkdir()  # of a run that has not come to its end
    for name in ("best", "step-00000002"):
        there = tiny_run / "checkpoints" / f"{name}.safetensors"
        (tmp_path / "checkpoints" / there.name).symlink_to(there)
    assert Stylizer.from_pretrained(tmp_path, device="cpu").id == best.id


def test_what_is_no_model_is_refused(tiny_run: Path, collection: Path, tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "pickled.pt")
    (tmp_path / "notes.txt").write_text("no model")
    cases = {
        tmp_path / "nowhere": "does not exist",
        tmp_path: "no model in",
        tmp_path / "foreign.safetensors": "not written by gan_style",
        tmp_path / "pickled.pt": "can run code",
        tmp_path / "notes.txt": "damaged or no checkpoint",
        next((tiny_run / "styles").iterdir()): "is a style code, not a model.*--style",
        collection / "photos" / "0.png": "is a picture, not a model; a model is a run folder",
        SHIPPED / "base.discriminator.safetensors": "is a discriminator, not a model",
    }
    for path, reason in cases.items():
        with pytest.raises((ModelError, CheckpointError), match=reason) as caught:
            Stylizer.from_pretrained(path)
        assert str(path) in str(caught.value)


def test_a_device_that_is_not_here_is_refused(tiny_run: Path) -> None:
    with pytest.raises(ValueError, match=r"'tpu'.*allowed: auto"):
        Stylizer.from_pretrained(tiny_run, device="tpu")


# encoding


def test_a_code_tells_what_it_was_made_from(stylizer: Stylizer, code: StyleCode) -> None:
    assert (code.name, code.count, code.model) == ("ink", 3, stylizer.id)
    assert code.sides == (192, 288)  # it was made of small pictures
    assert code.mean.shape == code.spread.shape == (2, 16)
    assert len(set(code.hashes)) == 3
    assert code.thumbnail is not None
    assert (code.spread > 0).any()


def test_a_code_is_the_mean_over_pictures_in_any_order_and_form(
    stylizer: Stylizer, code: StyleCode, collection: Path
) -> None:
    paths = sorted((collection / "styles" / "ink").iterdir())
    singles = torch.stack([stylizer.encode(path).mean for path in paths])
    torch.testing.assert_close(code.mean, singles.mean(0))
    torch.testing.assert_close(code.spread, singles.std(0, correction=0))
    opened = [Image.open(path) for path in reversed(paths)]
    torch.testing.assert_close(stylizer.encode(opened).mean, code.mean)
    assert not stylizer.encode(str(paths[0])).spread.any()


def test_a_bad_picture_is_logged_and_left_out(
    stylizer: Stylizer, collection: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = collection / "photos" / "0.png"
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    both = stylizer.encode([bad, good])
    assert caplog.messages[0].startswith(f"skipped: {bad}: ")
    assert caplog.messages[1:] == ["1 of 2 pictures were skipped"]
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    assert torch.equal(both.mean, stylizer.encode(good).mean)
    assert both.count == 1
    with pytest.raises(PictureError, match="no picture of 1 can be read"):
        stylizer.encode(bad)
    with pytest.raises(PictureError, match="no picture of 0"):
        stylizer.encode([])


def test_a_folder_is_encoded_as_its_pictures(
    stylizer: Stylizer, code: StyleCode, collection: Path
) -> None:
    found = stylizer.encode(collection / "styles" / "ink")
    assert torch.equal(found.mean, code.mean)
    assert (found.name, found.count) == ("ink", 3)
    assert stylizer.encode(collection / "photos" / "0.png").name == "0"
    assert stylizer.encode(picture(40, 40)).name == "style"


@pytest.mark.parametrize("size", [(1, 1), (20, 3), (33, 47), (400, 20)])
def test_pictures_of_any_size_have_a_code(stylizer: Stylizer, size: tuple[int, int]) -> None:
    assert torch.isfinite(stylizer.encode(picture(*size)).mean).all()


# styles


def test_styles_of_a_run_have_names(stylizer: Stylizer, tiny_run: Path) -> None:
    styles = stylizer.styles
    assert list(styles) == ["ink", "oil"]
    assert len(styles) == 2
    assert "ink" in styles
    assert "tar" not in styles
    assert styles["ink"] is styles["ink"]
    assert styles["ink"].model == stylizer.id
    assert styles.get("tar") is None
    assert repr(styles) == "styles(ink, oil)"
    newest = max((tiny_run / "checkpoints").glob("step-*"))
    assert list(Stylizer.from_pretrained(newest, device="cpu").styles) == ["ink", "oil"]


def test_styles_of_base_are_those_that_are_shipped() -> None:
    base = Stylizer.from_pretrained(device=torch.device("cpu"))
    assert base.styles.keys() == named_styles().keys()
    assert {code.model for code in base.styles.values()} == {base.id}
    with pytest.raises(
        StyleError, match=r"style woodblok does not exist; did you mean woodblock\?"
    ):
        base.style("woodblok")


def test_a_style_is_found_however_it_is_given(
    stylizer: Stylizer, code: StyleCode, collection: Path, tiny_run: Path, tmp_path: Path
) -> None:
    assert stylizer.style(code) is code
    assert torch.equal(stylizer.style("ink").mean, stylizer.styles["ink"].mean)
    folder = collection / "styles" / "ink"
    file = code.save(tmp_path / "mine.style.safetensors")
    for given in (str(file), file, folder, str(folder), sorted(folder.iterdir())):
        assert torch.equal(stylizer.style(given).mean, code.mean), given
    opened = Image.open(folder / "0.png")
    assert torch.equal(stylizer.style(opened).mean, stylizer.style(folder / "0.png").mean)


def test_what_is_there_comes_before_a_name(
    stylizer: Stylizer, collection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(collection / "styles")
    assert stylizer.style("ink").mean is not stylizer.styles["ink"].mean


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("inc", r"style inc does not exist; did you mean ink\?.*: ink, oil"),
        ("water", r"style water does not exist\. A style is a code file.*: ink, oil$"),
        ("woodblock", "belongs to the model 'base'.* not to the one in use; it has ink, oil"),
        ("https://a.org/b.png", "style https://a.org/b.png is an address; download"),
        (Path("https://a.org/b.png"), "is an address"),
        ("none.style.safetensors", "none.style.safetensors does not exist"),
    ],
)
def test_a_style_that_is_not_there_is_named(
    stylizer: Stylizer, given: str | Path, message: str
) -> None:
    for call in (stylizer.style, lambda style: stylizer.stylize(picture(40, 40), style)):
        with pytest.raises(StyleError, match=message):
            call(given)


def test_a_model_is_no_style(stylizer: Stylizer, tiny_run: Path) -> None:
    with pytest.raises(StyleError, match=r"model or checkpoint, not a style code.*--model"):
        stylizer.style(tiny_run / "model.safetensors")


# saving


def test_a_saved_model_is_the_same(stylizer: Stylizer, tmp_path: Path) -> None:
    folder = stylizer.save_pretrained(tmp_path / "mine")
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*.*")) == [
        "README.md",
        "config.json",
        "model.safetensors",
        "styles/ink.style.safetensors",
        "styles/oil.style.safetensors",
        "thumbnails.jpg",
        "training.json",
    ]
    config = json.loads((folder / "config.json").read_text())
    assert config == {
        "format_version": 1,
        "gan_style_version": gan_style.__version__,
        "code_dim": 16,
        "size": "small",
        "supersampling": 1.0,
    }
    loaded = Stylizer.from_pretrained(folder, device="cpu")
    assert (loaded.id, list(loaded.styles)) == (stylizer.id, ["ink", "oil"])
    one, two = (each.stylize(picture(40, 32), "ink") for each in (stylizer, loaded))
    assert one.tobytes() == two.tobytes()
    styles = (folder / "styles" / "ink.style.safetensors").read_bytes()
    assert styles == stylizer._style_files["ink"].read_bytes()


def test_a_base_that_is_saved_keeps_codes_and_names(tmp_path: Path) -> None:
    base = Stylizer.from_pretrained(device="cpu")
    loaded = Stylizer.from_pretrained(base.save_pretrained(tmp_path), device="cpu")
    assert loaded.id == base.id
    assert torch.equal(loaded.sample_style(3).mean, base.sample_style(3).mean)
    assert list(loaded.styles) == list(base.styles)


def test_a_card_that_was_edited_is_kept(stylizer: Stylizer, tmp_path: Path) -> None:
    card = stylizer.save_pretrained(tmp_path) / "README.md"
    generated = card.read_text()
    stylizer.save_pretrained(tmp_path, force=True, license="mit")
    assert "license: mit" in card.read_text()
    card.write_text(generated.replace("## Styles", "## My styles"))
    stylizer.save_pretrained(tmp_path, force=True)
    assert "## My styles" in card.read_text()


def test_saving_replaces_nothing_unless_forced(stylizer: Stylizer, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors", "styles/oil.style.safetensors"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("mine")
        with pytest.raises(ModelError, match=rf"{name} is there already; --force"):
            stylizer.save_pretrained(tmp_path)
        assert [f.read_text() for f in tmp_path.rglob("*.*")] == ["mine"]
        file.unlink()
    stylizer.save_pretrained(tmp_path)
    stylizer.save_pretrained(tmp_path, force=True)
    Stylizer.from_pretrained(tmp_path, device="cpu").save_pretrained(tmp_path, force=True)
    assert Stylizer.from_pretrained(tmp_path, device="cpu").id == stylizer.id


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"supersampling": 2.0}, r"config.json says .*supersampling=2.0, but model.safetensors"),
        ({"code_dim": 17}, "config.json says model.code_dim=17"),
        ({"size": "tall"}, "config.json: model.size is 'tall'"),
        ({"layers": 3}, "config.json: unknown: layers"),
        (
            {"format_version": 2},
            "config.json has format_version 2; this version of gan_style reads 1",
        ),
        (None, "config.json does not describe a gan_style model"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(
    stylizer: Stylizer, tmp_path: Path, changes: dict[str, object] | None, message: str
) -> None:
    file = stylizer.save_pretrained(tmp_path) / "config.json"
    config = json.loads(file.read_text())
    file.write_text("no JSON" if changes is None else json.dumps(config | changes))
    with pytest.raises(ModelError, match=message) as caught:
        Stylizer.from_pretrained(tmp_path)
    assert "\n" not in str(caught.value)


# painting


@pytest.mark.parametrize("size", [(1, 1), (20, 3), (3, 20), (33, 47), (64, 31), (400, 33)])
@pytest.mark.parametrize("strength", [0.4, 1.0])
def test_a_painting_has_the_size_of_its_photo(
    stylizer: Stylizer, code: StyleCode, size: tuple[int, int], strength: float
) -> None:
    painted = stylizer.stylize(picture(*size), code, strength)
    assert (painted.size, painted.mode) == (size, "RGB")


def test_size_sets_the_short_side(stylizer: Stylizer, code: StyleCode) -> None:
    assert stylizer.stylize(picture(60, 40), code, size=80).size == (120, 80)
    assert stylizer.stylize(picture(60, 40), code, size=32).size == (48, 32)
    with pytest.raises(ValueError, match="size is 8; it must be a whole number at least 32"):
        stylizer.stylize(picture(60, 40), code, size=8)


def test_a_picture_in_memory_is_read_as_its_file_is(
    stylizer: Stylizer, code: StyleCode, tmp_path: Path
) -> None:
    glass = picture(40, 32).convert("RGBA")
    glass.putalpha(Image.linear_gradient("L").resize(glass.size))
    glass.save(tmp_path / "glass.png")
    painted = stylizer.stylize(glass, code)
    assert distance(painted, stylizer.stylize(tmp_path / "glass.png", code)) == 0
    assert distance(painted, stylizer.stylize(glass.convert("RGB"), code)) > 0.01


def test_strength_0_gives_the_photo_back(stylizer: Stylizer, code: StyleCode) -> None:
    for size in ((33, 47), (5, 5)):
        assert stylizer.stylize(picture(*size), code, 0).tobytes() == picture(*size).tobytes()


def test_more_strength_leads_further_from_the_photo_without_jumps(
    stylizer: Stylizer, code: StyleCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stylizer, "precision", "float32")  # its rounding makes jumps of its own
    photo = picture(48, 40)
    strengths = [0, 0.02, 0.25, 0.5, 0.75, 1]
    painted = [stylizer.stylize(photo, code, strength) for strength in strengths]
    away = [distance(photo, picture) for picture in painted]
    assert away[0] == 0
    assert away[1] < 0.1 * away[-1]
    assert away[-1] > 0.01
    assert all(more > 0.8 * less for less, more in pairwise(away))
    for strength in (0.4999, 0.9999):
        near = stylizer.stylize(photo, code, strength)
        assert distance(near, painted[strengths.index(round(strength, 2))]) < 0.01


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_other_strengths_are_refused(stylizer: Stylizer, code: StyleCode, strength: float) -> None:
    with pytest.raises(ValueError, match=r"strength is .*; it must be"):
        stylizer.stylize(picture(40, 40), code, strength)


def test_keep_color_takes_only_light_and_dark(stylizer: Stylizer, code: StyleCode) -> None:
    photo = picture(48, 40)
    painted = stylizer.stylize(photo, code)
    kept = stylizer.stylize(photo, code, keep_color=True)
    ours, theirs, paint = (np.asarray(p.convert("YCbCr"), int) for p in (kept, photo, painted))
    light = paint[..., 0]
    inside = (light > 110) & (light < 145)  # far enough from black and white for every color
    assert inside.any()
    assert np.abs(ours - theirs)[inside][:, 1:].max() <= 3
    assert np.abs(ours - paint)[inside][:, 0].max() <= 3
    assert np.abs(paint - theirs)[inside][:, 1:].mean() > 3


def test_colors_of_a_gray_photo_are_gray() -> None:
    gray = picture(9, 7).convert("L").convert("RGB")
    values = np.asarray(transfer_luminance(gray, picture(9, 7, seed=1)), int)
    assert (values.max(2) - values.min(2)).max() <= 2


def test_the_same_painting_twice_and_the_photo_untouched(
    stylizer: Stylizer, code: StyleCode, tmp_path: Path
) -> None:
    photo = picture(40, 36)
    photo.save(tmp_path / "photo.png")
    first = stylizer.stylize(photo, code)
    assert first.tobytes() == stylizer.stylize(tmp_path / "photo.png", code).tobytes()
    assert photo.tobytes() == picture(40, 36).tobytes()


def test_styles_differ(stylizer: Stylizer, code: StyleCode) -> None:
    other = stylizer.encode(picture(60, 50, seed=3))
    assert not torch.equal(other.mean, code.mean)


def test_a_code_of_another_model_is_refused(stylizer: Stylizer, code: StyleCode) -> None:
    with pytest.raises(StyleError, match=f"'ink' was made by model abc, this one is {stylizer.id}"):
        stylizer.stylize(picture(40, 40), replace(code, model="abc"))
    forged = replace(code, mean=torch.zeros(2, 3), spread=torch.zeros(2, 3))
    with pytest.raises(StyleError, match="has 3 numbers, the model 16"):
        stylizer.stylize(picture(40, 40), forged)


def test_a_photo_that_cannot_be_read_is_named(stylizer: Stylizer, code: StyleCode) -> None:
    with pytest.raises(PictureError, match=r"nowhere\.jpg: no such file"):
        stylizer.stylize("nowhere.jpg", code)


def test_a_code_comes_back_from_its_file(
    stylizer: Stylizer, code: StyleCode, tmp_path: Path
) -> None:
    loaded = StyleCode.load(code.save(tmp_path / "ink.style.safetensors"))
    painted = (stylizer.stylize(picture(40, 40), style) for style in (code, loaded))
    assert next(painted).tobytes() == next(painted).tobytes()


def test_a_sample_is_between_two_codes_learned_from(stylizer: Stylizer) -> None:
    learned = torch.eye(16)[:3, None]
    drawing = Stylizer(stylizer.model, stylizer.id, stylizer.device, learned)
    drawn = torch.cat([drawing.sample_style(seed).mean for seed in range(40)])
    shares = drawn[:, :3].sort(dim=1).values
    assert torch.allclose(shares.sum(1), torch.ones(40))
    assert (shares[:, 0] == 0).all()  # of one it has nothing
    assert shares[:, 1].min() >= 0.25
    assert {tuple((row == 0).tolist()) for row in drawn[:, :3]} == {  # of every pair
        (True, False, False),
        (False, True, False),
        (False, False, True),
    }
    assert torch.equal(drawing.sample_style(5).mean[0], drawn[5])


# the package


LIGHT = """
import sys, gan_style
assert {"Stylizer", "train", "Config", "__version__"} <= set(dir(gan_style))
heavy = {"torch", "numpy", "PIL", "omegaconf", "torchvision"} & set(sys.modules)
assert not heavy, heavy
from gan_style import Config, GanStyleError, load_config
assert not {"torch", "PIL"} & set(sys.modules)
from gan_style import *
assert Stylizer.__module__ == "gan_style.stylizer" and gan_style.Stylizer is Stylizer
assert callable(train) and callable(evaluate) and callable(optimize)
"""


def test_importing_the_package_imports_no_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="'gan_style' has no attribute 'Styliser'"):
        gan_style.Styliser  # noqa: B018


def test_version_is_that_of_the_distribution() -> None:
    declared = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert f'version = "{gan_style.__version__}"' in declared


def test_a_painting_too_large_for_the_memory_is_refused_before_it_is_decoded(
    stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan_style.memory.free_memory", lambda device: int(1e9))
    style = stylizer.encode(Image.new("RGB", (64, 64), "red"))
    photo = Image.new("RGB", (400, 300))
    monkeypatch.setattr("gan_style.stylizer.open_picture", pytest.fail)
    with pytest.raises(TooLargeError, match=r"133332x99999 px .* size (\d+) ") as refused:
        stylizer.stylize(photo, style, size=99_999)
    monkeypatch.undo()
    monkeypatch.setattr("gan_style.memory.free_memory", lambda device: int(1e9))
    fits = int(str(refused.value).rpartition("size ")[2].split()[0])
    assert 5000 < fits < 10_000
    refuse_too_large_painting(photo, fits)  # and what the message names is not refused
