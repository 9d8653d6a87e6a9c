import json
import os
import struct
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from gan_style.checkpoint import save_checkpoint
from gan_style.errors import StyleError
from gan_style.shipped import STYLE_SUFFIX
from gan_style.sizes import READING_SIDE, READING_SIDES
from gan_style.style_code import (
    MAXIMUM_HASHES,
    THUMBNAIL_SIDE,
    StyleCode,
    is_style_file,
    make_thumbnail,
    picture_hash,
)


def noise(width: int = 40, height: int = 30, seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def style(
    mean: list[float], spread: list[float] | None = None, name: str = "one", model: str = "m"
) -> StyleCode:
    deviation = spread or [0.0] * len(mean)
    return StyleCode(torch.tensor(mean), torch.tensor(deviation), name=name, model=model)


@pytest.fixture
def whole() -> StyleCode:
    """A style with everything in it."""
    return StyleCode(
        mean=torch.randn(128, generator=torch.Generator().manual_seed(0)),
        spread=torch.rand(128, generator=torch.Generator().manual_seed(1)),
        name="Käthe's Öl & Kohle",
        model="0123456789abcdef",
        count=3,
        hashes=tuple(picture_hash(noise(seed=s)) for s in range(3)),
        thumbnail=make_thumbnail([noise()]),
    )


# ---------------------------------------------------------------------- files


def test_saved_and_loaded_it_is_the_same(whole: StyleCode, tmp_path: Path) -> None:
    file = tmp_path / f"mine{STYLE_SUFFIX}"
    assert whole.save(file) == file
    again = StyleCode.load(file)
    assert torch.equal(again.mean, whole.mean)
    assert torch.equal(again.spread, whole.spread)
    for field in ("name", "model", "count", "hashes"):
        assert getattr(again, field) == getattr(whole, field), field
    assert again.thumbnail is not None
    assert again.thumbnail.size == (THUMBNAIL_SIDE, THUMBNAIL_SIDE)


def test_the_thumbnail_looks_like_it(tmp_path: Path) -> None:
    picture = Image.linear_gradient("L").resize((128, 128)).convert("RGB")
    saved = StyleCode(torch.zeros(4), torch.zeros(4), thumbnail=picture).save(tmp_path / "x")
    again = StyleCode.load(saved).thumbnail
    assert again is not None
    assert again.mode == "RGB"
    difference = np.abs(np.asarray(again, float) - np.asarray(picture, float))
    assert difference.mean() < 4


def test_the_least_style_goes_there_and_back(tmp_path: Path) -> None:
    again = StyleCode.load(str(StyleCode(torch.ones(2), torch.zeros(2)).save(str(tmp_path / "x"))))
    assert again.mean.tolist() == [[1.0, 1.0]]
    assert again.sides == (READING_SIDE,)
    assert (again.name, again.model, again.count) == ("style", "", 1)
    assert again.hashes == ()
    assert again.thumbnail is None


def test_codes_of_half_precision_are_saved_in_float32(tmp_path: Path) -> None:
    half = StyleCode(torch.ones(3).half(), torch.zeros(3).half())
    assert StyleCode.load(half.save(tmp_path / "x")).mean.dtype == torch.float32


def test_a_code_that_is_a_part_of_a_batch_can_be_saved(tmp_path: Path) -> None:
    batch = torch.arange(12.0).view(3, 4)
    saved = StyleCode(batch.T[1], batch.T[2]).save(tmp_path / "x")
    assert StyleCode.load(saved).mean.tolist() == [[1.0, 5.0, 9.0]]


@pytest.mark.parametrize("count", [5000, 50_000])
def test_a_style_of_many_pictures_is_under_100_kilobytes(
    whole: StyleCode, tmp_path: Path, count: int
) -> None:
    hashes = tuple(f"{i:032x}" for i in range(count))
    big = StyleCode(
        mean=torch.randn(len(READING_SIDES), 512),
        spread=torch.rand(len(READING_SIDES), 512),
        sides=READING_SIDES,
        name="n" * 200,
        model=whole.model,
        count=count,
        hashes=hashes,
        thumbnail=make_thumbnail([noise(300, 300, s) for s in range(4)]),  # noise packs worst
    )
    file = big.save(tmp_path / "big.style.safetensors")
    assert file.stat().st_size < 100_000
    again = StyleCode.load(file)
    assert again.count == count
    assert again.hashes == hashes[:MAXIMUM_HASHES]


def test_missing_folders_are_made_and_files_replaced(whole: StyleCode, tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "mine.style.safetensors"
    style([1.0]).save(file)
    whole.save(file)
    assert StyleCode.load(file).name == whole.name
    assert [f.name for f in file.parent.iterdir()] == [file.name]  # nothing temporary is left


def test_saving_is_whole_or_not_at_all(
    whole: StyleCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = style([1.0], name="before").save(tmp_path / "mine.style.safetensors")

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        whole.save(file)
    assert StyleCode.load(file).name == "before"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(os.name != "posix", reason="rights as POSIX has them")
def test_a_style_can_be_read_by_those_who_can_read_other_files(tmp_path: Path) -> None:
    """Styles are for sharing: they get the rights of any new file."""
    (tmp_path / "plain").write_text("")
    file = style([1.0]).save(tmp_path / "mine.style.safetensors")
    assert file.stat().st_mode == (tmp_path / "plain").stat().st_mode


# ---------------------------------------------------------------------- files that are wrong


def facts(**changes: object) -> dict[str, str]:
    values = {"name": "x", "model": "m", "count": 1, "format": 1} | changes
    return {"gan_style_code": json.dumps({k: v for k, v in values.items() if v is not None})}


def tensors(**changes: torch.Tensor | None) -> dict[str, torch.Tensor]:
    values = {
        "mean": torch.zeros(4),
        "spread": torch.zeros(4),
        "hashes": torch.zeros(16, dtype=torch.uint8),
    } | changes
    return {k: v for k, v in values.items() if v is not None}


def test_the_file_that_the_following_ones_differ_from_is_right(tmp_path: Path) -> None:
    save_file(tensors(), tmp_path / "x", facts())
    assert StyleCode.load(tmp_path / "x").hashes == ("00" * 16,)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StyleError, match=r"style code .*none.style.safetensors does not exist"):
        StyleCode.load(tmp_path / "none.style.safetensors")


@pytest.mark.parametrize(
    "content", [b"", b"no style", b"\xff" * 100, struct.pack("<Q", 2**60), b"\x89PNG\r\n\x1a\n"]
)
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.style.safetensors").write_bytes(content)
    with pytest.raises(StyleError, match=r"x.style.safetensors is not a style code.*encode"):
        StyleCode.load(tmp_path / "x.style.safetensors")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StyleError, match="is not a style code"):
        StyleCode.load(tmp_path)


@pytest.mark.parametrize("kept", [8, 100, -1])
def test_a_truncated_file_is_refused(whole: StyleCode, tmp_path: Path, kept: int) -> None:
    file = whole.save(tmp_path / "x.style.safetensors")
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(StyleError, match="is not a style code"):
        StyleCode.load(file)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"other": "{}"},
        {"gan_style_code": "no JSON"},
        {"gan_style_code": "[]"},
        {"gan_style_code": "{}"},
        facts(name=None),
        facts(model=None),
        facts(count=None),
        facts(count="many"),
        facts(count=[1]),
    ],
)
def test_safetensors_of_others_are_refused(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    save_file(tensors(), tmp_path / "x", metadata)
    with pytest.raises(StyleError, match="is not a style code"):
        StyleCode.load(tmp_path / "x")


def test_a_model_is_named_as_such(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "m.safetensors", {}, {"kind": "model"})
    with pytest.raises(StyleError, match=r"m.safetensors is a model or checkpoint.*--model"):
        StyleCode.load(tmp_path / "m.safetensors")


def test_style_files_are_told_from_others(whole: StyleCode, tmp_path: Path) -> None:
    assert is_style_file(whole.save(tmp_path / "x"))
    save_file(tensors(), tmp_path / "other")
    (tmp_path / "text").write_text("no style")
    assert not any(is_style_file(tmp_path / name) for name in ("other", "text", "none", "."))


@pytest.mark.parametrize("missing", ["mean", "spread", "hashes"])
def test_a_style_file_without_one_of_its_parts_is_refused(tmp_path: Path, missing: str) -> None:
    save_file(tensors(**{missing: None}), tmp_path / "x", facts())
    with pytest.raises(StyleError, match=f"is not a style code.*{missing}"):
        StyleCode.load(tmp_path / "x")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean": torch.zeros(5)}, r"mean \(1, 5\) and spread \(1, 4\)"),
        ({"mean": torch.zeros(1, 2, 2), "spread": torch.zeros(1, 2, 2)}, "of one shape"),
        ({"mean": torch.zeros(2, 2), "spread": torch.zeros(2, 2)}, r"read at \[288\] px.* 2 codes"),
        ({"mean": torch.tensor([0, 0, 0, torch.nan])}, "not finite"),
        ({"spread": torch.tensor([0, 0, 0, torch.inf])}, "not finite"),
    ],
)
def test_a_style_file_with_a_wrong_code_is_refused(
    tmp_path: Path, changes: dict[str, torch.Tensor], message: str
) -> None:
    save_file(tensors(**changes), tmp_path / "x", facts())
    with pytest.raises(StyleError, match=message):
        StyleCode.load(tmp_path / "x")


def test_a_thumbnail_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    save_file(tensors(thumbnail=torch.arange(50, dtype=torch.uint8)), tmp_path / "x", facts())
    with pytest.raises(StyleError, match="is not a style code"):
        StyleCode.load(tmp_path / "x")


def test_a_thumbnail_that_is_cut_off_is_found_when_it_is_loaded(
    whole: StyleCode, tmp_path: Path
) -> None:
    """And not by whoever looks at it later."""
    parts = load_file(whole.save(tmp_path / "x"))
    parts["thumbnail"] = parts["thumbnail"][: len(parts["thumbnail"]) // 2].clone()
    save_file(parts, tmp_path / "x", facts())
    with pytest.raises(StyleError, match="is not a style code"):
        StyleCode.load(tmp_path / "x")


# ---------------------------------------------------------------------- values


def test_mean_and_spread_have_to_be_of_one_shape() -> None:
    with pytest.raises(StyleError, match=r"style 'odd': mean \(1, 3\) and spread \(1, 2\)"):
        StyleCode(torch.zeros(3), torch.zeros(2), name="odd")
    with pytest.raises(StyleError, match=r"mean \(1, 1, 3\)"):
        StyleCode(torch.zeros(1, 1, 3), torch.zeros(1, 1, 3))


@pytest.mark.parametrize("sides", [(), (288,), (288, 288), (512, 288), (0, 288), (1, 2, 3)])
def test_there_is_one_ascending_side_for_each_code(sides: tuple[int, ...]) -> None:
    with pytest.raises(StyleError, match=r"one ascending side for each of its 2 codes"):
        StyleCode(torch.zeros(2, 3), torch.zeros(2, 3), sides=sides)


# ---------------------------------------------------------------------- sizes


def read_at_three() -> StyleCode:
    mean = torch.tensor([[0.0, 8.0], [2.0, 4.0], [3.0, 0.0]])
    return StyleCode(mean, mean / 10, "sized", "m", sides=(128, 256, 1024))


@pytest.mark.parametrize(
    ("side", "code"),
    [
        (128, [0.0, 8.0]),
        (256, [2.0, 4.0]),
        (1024, [3.0, 0.0]),
        (512, [2.5, 2.0]),  # half of the way from 256 to 1024, in octaves
        (128 * 2**0.5, [1.0, 6.0]),
        (64, [0.0, 8.0]),  # beyond the ends it is theirs
        (4000, [3.0, 0.0]),
    ],
)
def test_between_sides_a_code_is_interpolated(side: float, code: list[float]) -> None:
    assert read_at_three().at(side).tolist() == pytest.approx(code)


def test_a_code_of_one_side_is_the_same_at_all() -> None:
    assert {tuple(style([1.0, 2.0]).at(side).tolist()) for side in (32, 288, 999)} == {(1.0, 2.0)}


def test_mixed_styles_have_the_sides_of_all() -> None:
    plain = StyleCode(torch.tensor([4.0, 4.0]), torch.zeros(2), "plain", "m", sides=(512,))
    mixed = StyleCode.mix([read_at_three(), plain], [1, 1])
    assert mixed.sides == (128, 256, 512, 1024)
    assert mixed.mean.tolist() == [[2.0, 6.0], [3.0, 4.0], [3.25, 3.0], [3.5, 2.0]]
    assert mixed.spread[:, 0].tolist() == pytest.approx([0.0, 0.1, 0.125, 0.15])


def test_a_variant_is_moved_alike_at_all_sides() -> None:
    sized = read_at_three()
    moved = (sized.perturb(3).mean - sized.mean) / sized.spread.clamp(min=1e-9)
    assert moved[1, 0].item() == pytest.approx(moved[2, 0].item())
    assert moved[0, 1].item() == pytest.approx(moved[1, 1].item())


def test_sides_are_saved_and_files_of_format_1_have_one(tmp_path: Path) -> None:
    again = StyleCode.load(read_at_three().save(tmp_path / "x"))
    assert again.sides == (128, 256, 1024)
    assert torch.equal(again.mean, read_at_three().mean)
    save_file(tensors(), tmp_path / "old", facts())
    assert StyleCode.load(tmp_path / "old").sides == (READING_SIDE,)


def test_a_file_of_a_later_format_is_refused(tmp_path: Path) -> None:
    save_file(tensors(), tmp_path / "x", facts(format=3))
    with pytest.raises(StyleError, match="format 3, and this version reads up to 2"):
        StyleCode.load(tmp_path / "x")


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_a_code_has_to_be_finite(bad: float) -> None:
    with pytest.raises(StyleError, match=r"style 'bad'.*not finite"):
        StyleCode(torch.tensor([0, bad]), torch.zeros(2), name="bad")
    with pytest.raises(StyleError, match=r"style 'bad'.*not finite"):
        StyleCode(torch.zeros(2), torch.tensor([0, bad]), name="bad")


def test_style_error_is_a_user_error() -> None:
    assert issubclass(StyleError, ValueError)


def test_a_style_is_a_value_that_does_not_change() -> None:
    one = style([1.0])
    with pytest.raises(FrozenInstanceError):
        one.name = "two"  # type: ignore[misc]


def test_repr_is_one_line_without_numbers_or_thumbnail(whole: StyleCode) -> None:
    assert repr(whole) == (
        'StyleCode("Käthe\'s Öl & Kohle", model 0123456789abcdef, 3 pictures, d=128)'
    )
    assert repr(style([1.0], model="")) == "StyleCode('one', model unknown, 1 picture, d=1)"


# ---------------------------------------------------------------------- arithmetic


def test_mix_is_the_weighted_mean() -> None:
    one, two = style([1.0, 0.0], [0.5, 0.0], "oil"), style([3.0, 4.0], [0.1, 0.2], "ink")
    mixed = StyleCode.mix([one, two], [1, 3])
    assert mixed.mean[0].tolist() == pytest.approx([2.5, 3.0])
    assert mixed.spread[0].tolist() == pytest.approx([0.2, 0.15])
    assert (mixed.name, mixed.model, mixed.count) == ("oil + ink", "m", 2)


def test_mix_looks_at_the_proportion_of_weights_only() -> None:
    styles = [style([1.0, 5.0]), style([2.0, -1.0]), style([0.0, 0.5])]
    one, two = StyleCode.mix(styles, [1, 2, 3]), StyleCode.mix(styles, [0.1, 0.2, 0.3])
    assert torch.allclose(one.mean, two.mean)


def test_mix_of_one_style_is_that_style() -> None:
    one = style([1.0, -2.0], [0.1, 0.2])
    assert torch.equal(StyleCode.mix([one], [7]).mean, one.mean)
    assert torch.allclose(StyleCode.mix([one, one], [2, 5]).mean, one.mean)


@pytest.mark.parametrize(("share", "expected"), [(0, 2.0), (1, 6.0), (0.25, 3.0), (1.5, 8.0)])
def test_interpolation(share: float, expected: float) -> None:
    between = style([2.0]).interpolate(style([6.0]), share)
    assert between.mean.item() == pytest.approx(expected)


@pytest.mark.parametrize("weights", [[1, -1], [0, 0], [torch.nan, 1], [torch.inf, 1], [1e-12, 0]])
def test_weights_that_have_no_sum_are_refused(weights: list[float]) -> None:
    with pytest.raises(StyleError, match="has to differ from 0"):
        StyleCode.mix([style([1.0]), style([2.0])], weights)


@pytest.mark.parametrize(("count", "weights"), [(2, [1.0]), (1, [1.0, 2.0]), (0, [])])
def test_each_style_needs_its_weight(count: int, weights: list[float]) -> None:
    with pytest.raises(StyleError, match=f"{count} styles with {len(weights)} weights"):
        StyleCode.mix([style([1.0])] * count, weights)


def test_styles_of_different_models_are_not_mixed() -> None:
    one, two = style([1.0], name="oil", model="aa"), style([1.0], name="ink", model="")
    with pytest.raises(StyleError, match=r"different models.*'oil' of aa, 'ink' of no model"):
        one.interpolate(two, 0.5)


def test_codes_of_different_lengths_are_not_mixed() -> None:
    with pytest.raises(StyleError, match="length"):
        StyleCode.mix([style([1.0]), style([1.0, 2.0])], [1, 1])


def test_variants_follow_the_seed() -> None:
    one = style([1.0, 2.0], [0.5, 0.5], "oil")
    state = torch.get_rng_state()
    variant = one.perturb(3)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one.perturb(3).mean, variant.mean)
    assert not torch.equal(one.perturb(4).mean, variant.mean)
    assert variant.name == "oil #3"
    assert variant.model == "m"


def test_variants_spread_as_the_pictures_do() -> None:
    one = style([1.0, -2.0, 5.0], [0.5, 2.0, 0.0])
    drawn = torch.stack([one.perturb(seed).mean for seed in range(1000)])
    assert torch.allclose(drawn.mean(0), one.mean, atol=0.25)
    assert torch.allclose(drawn.std(0), one.spread, rtol=0.1, atol=1e-6)


def test_variants_of_a_single_picture_are_its_code() -> None:
    assert torch.equal(style([1.0, 2.0]).perturb(5).mean, torch.tensor([[1.0, 2.0]]))


# ---------------------------------------------------------------------- hashes, thumbnails


def test_hash_is_of_size_and_pixels() -> None:
    picture = noise(40, 30)
    assert picture_hash(picture) == picture_hash(picture.copy())
    assert len(bytes.fromhex(picture_hash(picture))) == 16
    assert picture_hash(picture) != picture_hash(noise(40, 30, 1))
    # the same bytes in another shape
    reshaped = Image.frombytes("RGB", (30, 40), picture.tobytes())
    assert picture_hash(reshaped) != picture_hash(picture)
    changed = picture.copy()
    changed.putpixel((39, 29), (1, 2, 3))
    assert picture_hash(changed) != picture_hash(picture)


def test_hash_does_not_depend_on_the_mode() -> None:
    gray = Image.linear_gradient("L")
    assert picture_hash(gray) == picture_hash(gray.convert("RGB"))


@pytest.mark.parametrize(("count", "cells"), [(1, 1), (2, 1), (3, 1), (4, 2), (9, 2)])
def test_thumbnail_shows_one_picture_or_four(count: int, cells: int) -> None:
    colors = [(20 * i + 10, 0, 250 - 20 * i) for i in range(count)]
    square = make_thumbnail([Image.new("RGB", (50, 80), c) for c in colors])
    assert square.size == (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    side = THUMBNAIL_SIDE // cells
    shown = [
        square.getpixel((x * side + side // 2, y * side + side // 2))
        for y in range(cells)
        for x in range(cells)
    ]
    assert shown == colors[: cells**2]
