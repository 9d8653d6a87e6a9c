"""Use of a trained model from Python."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from gan_style import StyleCode, Stylizer
from gan_style.color import transfer_luminance
from gan_style.data.images import to_tensor
from gan_style.errors import CheckpointError, ModelError, PictureError, StyleError


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
    stylizer: Stylizer, tiny_run: Path, place: str
) -> None:
    loaded = Stylizer.from_pretrained(tiny_run / place, "cpu")
    assert loaded.id == stylizer.id
    own = stylizer.encode(picture(160, 120))
    own_painting, exported = (m.stylize(picture(160, 120), own) for m in (loaded, stylizer))
    other = stylizer.stylize(picture(160, 120), stylizer.encode(picture(160, 120, seed=5)))
    # exports have half precision: far less than another style
    assert distance(own_painting, exported) < distance(exported, other) / 7


def test_other_checkpoints_can_be_painted_with(tiny_run: Path, tmp_path: Path) -> None:
    best = Stylizer.from_pretrained(str(tiny_run / "checkpoints" / "best.safetensors"), "cpu")
    assert best.stylize(picture(40, 32), best.encode(picture(40, 32))).size == (40, 32)
    (tmp_path / "checkpoints").mkdir()  # of a run that has not come to its end
    for name in ("best", "step-00000002"):
        there = tiny_run / "checkpoints" / f"{name}.safetensors"
        (tmp_path / "checkpoints" / there.name).symlink_to(there)
    assert Stylizer.from_pretrained(tmp_path, "cpu").id == best.id


def test_what_is_no_model_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "pickled.pt")
    (tmp_path / "notes.txt").write_text("no model")
    cases = {
        tmp_path / "nowhere": "does not exist",
        tmp_path: "no model in",
        tmp_path / "foreign.safetensors": "not written by gan_style",
        tmp_path / "pickled.pt": "can run code",
        tmp_path / "notes.txt": "damaged or no checkpoint",
        next((tiny_run / "styles").iterdir()): "not written by gan_style",
    }
    for path, reason in cases.items():
        with pytest.raises((ModelError, CheckpointError), match=reason) as caught:
            Stylizer.from_pretrained(path)
        assert str(path) in str(caught.value)


def test_a_device_that_is_not_here_is_refused(tiny_run: Path) -> None:
    with pytest.raises(ValueError, match=r"'tpu'.*allowed: auto"):
        Stylizer.from_pretrained(tiny_run, "tpu")


# encoding


def test_a_code_tells_what_it_was_made_from(stylizer: Stylizer, code: StyleCode) -> None:
    assert (code.name, code.count, code.model) == ("ink", 3, stylizer.id)
    assert code.mean.shape == code.spread.shape == (16,)
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


def test_a_bad_picture_is_reported_and_left_out(
    stylizer: Stylizer, collection: Path, tmp_path: Path
) -> None:
    good = collection / "photos" / "0.png"
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    said: list[str] = []
    both = stylizer.encode([bad, good], report=said.append)
    assert said[0].startswith(f"skipped: {bad}: ")
    assert said[1:] == ["1 of 2 pictures were skipped"]
    assert torch.equal(both.mean, stylizer.encode(good).mean)
    assert both.count == 1
    with pytest.raises(PictureError, match="no picture of 1 can be read"):
        stylizer.encode(bad, report=said.append)
    with pytest.raises(PictureError, match="no picture of 0"):
        stylizer.encode([])


@pytest.mark.parametrize("size", [(1, 1), (20, 3), (33, 47), (400, 20)])
def test_pictures_of_any_size_have_a_code(stylizer: Stylizer, size: tuple[int, int]) -> None:
    assert torch.isfinite(stylizer.encode(picture(*size)).mean).all()


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
    with pytest.raises(ValueError, match="size is 8; allowed: at least 32"):
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
    stylizer: Stylizer, code: StyleCode
) -> None:
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
    with pytest.raises(ValueError, match=r"strength is .*; allowed: 0 to 1"):
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
    forged = replace(code, mean=torch.zeros(3), spread=torch.zeros(3))
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


def test_a_sample_is_between_two_codes_learnt_from(stylizer: Stylizer) -> None:
    learned = torch.eye(16)[:3]
    drawing = Stylizer(stylizer.model, stylizer.id, stylizer.device, learned)
    drawn = torch.stack([drawing.sample(seed).mean for seed in range(40)])
    shares = drawn[:, :3].sort(dim=1).values
    assert torch.allclose(shares.sum(1), torch.ones(40))
    assert (shares[:, 0] == 0).all()  # of one it has nothing
    assert shares[:, 1].min() >= 0.25
    assert {tuple((row == 0).tolist()) for row in drawn[:, :3]} == {  # of every pair
        (True, False, False),
        (False, True, False),
        (False, False, True),
    }
    assert torch.equal(drawing.sample(5).mean, drawn[5])
