from collections.abc import Iterable
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from shutil import copytree
from time import sleep

import numpy as np
import pytest
import torch
from PIL import Image

from gan_style.config import DataConfig
from gan_style.data.dataset import Batch
from gan_style.data.training_data import TrainingData, draw_ahead
from gan_style.distributed import Ranks
from gan_style.errors import DataError


def save_noise(path: Path, seed: int, width: int = 60, height: int = 48) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)


@pytest.fixture
def config(tmp_path: Path) -> DataConfig:
    """Three styles of five pictures and seven photos; picture i of a kind is of one gray, i + 1."""
    for style in range(3):
        for i in range(5):
            path = tmp_path / "styles" / f"style{style}" / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (60, 48), (100 * style, i + 1, 0)).save(path)
    (tmp_path / "photos").mkdir()
    for i in range(7):
        Image.new("RGB", (60, 48), (0, 0, i + 1)).save(tmp_path / "photos" / f"{i}.png")
    styles, photos = str(tmp_path / "styles"), str(tmp_path / "photos")
    sides = {"size": 48, "crop": 32}
    return DataConfig(styles=styles, content=photos, max_examples=4, destylized=0, **sides)


def assert_equal(first: Batch, second: Batch) -> None:
    assert torch.equal(first.content, second.content)
    assert torch.equal(first.style, second.style)
    assert torch.equal(first.style_index, second.style_index)


def photos_in(batch: Batch) -> list[int]:
    return [round(255 * float(blue)) - 1 for blue in batch.content[:, 2, 0, 0]]


def test_shapes_ranges_and_every_set_shows_the_style_it_says(config: DataConfig) -> None:
    data = TrainingData(config, 8, 0)
    assert [style.name for style in data.styles] == ["style0", "style1", "style2"]
    assert data.content_count == 7
    assert data.in_memory
    sizes = set()
    for batch in islice(data.batches(), 40):
        sets, examples = batch.style.shape[:2]
        sizes.add(examples)
        assert sets * examples == 8
        assert batch.content.shape == (8, 3, 32, 32)
        assert batch.style.shape == (sets, examples, 3, 32, 32)
        assert batch.content.dtype == batch.style.dtype == torch.float32
        assert batch.style_index.shape == (sets,)
        assert batch.style_index.dtype == torch.int64
        red = (batch.style[:, :, 0] * 2.55).round()
        assert torch.equal(red, batch.style_index[:, None, None, None].expand_as(red).float())
        assert len(set(batch.style_index.tolist())) == min(sets, 3)  # as different as can be
        for pictures in batch.style[:, :, 1, 0, 0]:
            assert len(set(pictures.tolist())) == examples
    assert sizes == {1, 2, 4}  # 3 does not divide 8


def test_a_set_larger_than_its_style_repeats_pictures(config: DataConfig) -> None:
    for path in Path(config.styles).rglob("[1-4].png"):
        path.unlink()
    data = TrainingData(config, 4, 0)
    assert {batch.style.shape[1] for batch in islice(data.batches(), 20)} == {1, 2, 4}


def test_each_picture_its_own_style(config: DataConfig) -> None:
    data = TrainingData(replace(config, picture_is_style=True, held_out=0), 8, 0)
    assert len(data.styles) == 15
    assert data.styles[5].name == "style1/0"
    for batch in islice(data.batches(), 10):
        assert batch.style.shape == (8, 1, 3, 32, 32)
        assert len(set(batch.style_index.tolist())) == 8
        greens = (batch.style[:, 0, 1, 0, 0] * 255).round().long() - 1
        assert torch.equal(batch.style_index % 5, greens)


def examples_in(batches: Iterable[Batch]) -> set[tuple[int, int]]:
    """(style, picture) of all that a batch shows, as `config` has painted them."""
    return {
        (round(2.55 * float(red)), round(255 * float(green)) - 1)
        for batch in batches
        for red, green in batch.style[:, :, :2, 0, 0].flatten(0, 1)
    }


def test_pictures_held_out_are_shown_by_validation_alone(config: DataConfig) -> None:
    data = TrainingData(replace(config, held_out=0.4), 8, 0)
    assert data.held_out_count == 6  # two of five, of each of three styles
    assert [len(style.paths) for style in data.styles] == [5, 5, 5]
    trained = examples_in(data.batch(step) for step in range(60))
    held_out = examples_in([data.validation()])
    everything = {(style, picture) for style in range(3) for picture in range(5)}
    assert len(held_out) == 6
    assert trained == everything - held_out == examples_in([data.training()])
    assert_equal(data.validation(), data.validation())


@pytest.mark.parametrize(("styles", "sets"), [(1, 1), (2, 2), (3, 4), (15, 8)])
def test_validation_has_a_large_set_of_each_style(
    config: DataConfig, tmp_path: Path, styles: int, sets: int
) -> None:
    for number in range(styles):
        copytree(Path(config.styles) / "style0", tmp_path / "many" / f"{number:02d}")
    data = TrainingData(replace(config, styles=str(tmp_path / "many")), 8, 0)
    batch = data.validation()
    assert batch.style.shape[:2] == (sets, 16 // sets)
    assert len(batch.content) == 16
    assert len(set(batch.style_index.tolist())) == min(styles, 8)


def test_where_a_picture_is_a_style_whole_styles_are_held_out(config: DataConfig) -> None:
    config = replace(config, held_out=0.2, picture_is_style=True)
    data = TrainingData(config, 8, 0)
    assert (data.held_out_count, len(data.styles)) == (3, 15)
    trained = examples_in(data.batch(step) for step in range(30))
    held_out = examples_in([data.validation()])
    assert data.validation().style.shape[:2] == (16, 1)
    assert (len(trained), len(held_out)) == (12, 3)
    assert not trained & held_out


def test_of_few_pictures_none_is_held_out(config: DataConfig) -> None:
    data = TrainingData(replace(config, held_out=0.1), 8, 0)
    assert data.held_out_count == 0
    assert len(examples_in(data.batch(step) for step in range(40))) == 15
    assert len(examples_in([data.validation()])) >= 12  # four of five, of each


def test_every_photo_comes_before_any_comes_again(config: DataConfig) -> None:
    data = TrainingData(config, 4, 0)
    drawn = [photo for batch in islice(data.batches(), 14) for photo in photos_in(batch)]
    rounds = [drawn[i : i + 7] for i in range(0, 56, 7)]
    assert all(sorted(photos) == list(range(7)) for photos in rounds)
    assert len(set(map(tuple, rounds))) > 1


def test_a_batch_depends_on_seed_and_step_only(config: DataConfig) -> None:
    data, again = (TrainingData(config, 8, 5) for _ in range(2))
    state = torch.get_rng_state()
    for step, batch in zip((3, 4, 5), data.batches(3), strict=False):
        assert_equal(batch, again.batch(step))
    assert torch.equal(torch.get_rng_state(), state)
    assert photos_in(data.batch(0)) != photos_in(TrainingData(config, 8, 6).batch(0))
    far = data.batch(2**31)
    assert torch.isfinite(far.content).all()


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_give_the_same_batches_in_the_same_order(config: DataConfig, workers: int) -> None:
    for i in range(4):
        save_noise(Path(config.content) / f"noise{i}.png", i)
    inside = TrainingData(config, 8, 0)
    outside = TrainingData(replace(config, memory_gb=0, workers=workers), 8, 0)
    assert not outside.in_memory
    state = torch.get_rng_state()
    batches = outside.batches(2)
    for step in (2, 3, 4):
        assert_equal(next(batches), inside.batch(step))
    batches.close()  # type: ignore[attr-defined]
    assert torch.equal(torch.get_rng_state(), state)


def test_squares_are_cut_at_random_places_scales_and_sides(config: DataConfig) -> None:
    ramp = np.zeros((48, 96, 3), np.uint8)
    ramp[..., 0] = np.arange(96) * 2  # red grows to the right by 2 a pixel
    ramp[..., 1] = np.arange(48)[:, None] * 4  # green grows downwards by 4
    for path in Path(config.content).iterdir():
        Image.fromarray(ramp).save(path)
    data = TrainingData(config, 8, 0)
    squares = torch.cat([batch.content for batch in islice(data.batches(), 25)]) * 255
    across = (squares[:, 0, 16, 24] - squares[:, 0, 16, 8]) / 16 / 2  # pixels a pixel
    down = (squares[:, 1, 24, 16] - squares[:, 1, 8, 16]) / 16 / 4
    assert 70 <= int((across < 0).sum()) <= 130  # half of 200 are mirrored
    assert torch.allclose(across.abs(), down, atol=0.06)  # and none is stretched
    assert 0.85 <= float(down.min()) < 0.93  # 32 / (1 + 0.15) = 27.8 pixels of the picture
    assert 1.08 < float(down.max()) <= 1.2  # 32 / (1 - 0.15) = 37.6
    assert float(squares[:, 0].min()) < 10
    assert float(squares[:, 0].max()) > 180


def test_squares_keep_their_fine_contrast_at_every_scale(config: DataConfig) -> None:
    """What is blurred here is painted blurred: strokes are fine contrast above all."""
    for i, path in enumerate(sorted(Path(config.content).iterdir())):
        strokes = np.random.default_rng(i).integers(0, 256, (24, 30, 3), np.uint8)
        Image.fromarray(strokes).resize((60, 48), Image.Resampling.BICUBIC).save(path)

    def contrast(jitter: float) -> float:
        data = TrainingData(replace(config, scale_jitter=jitter), 8, 0)
        squares = torch.cat([batch.content for batch in islice(data.batches(), 20)])
        return squares.diff(dim=3).std().item()

    assert contrast(0.15) > 0.92 * contrast(0)


def test_a_square_of_one_color_is_drawn_again(config: DataConfig) -> None:
    plain = np.full((48, 200, 3), 255, np.uint8)
    plain[:, 150:] = np.random.default_rng(0).integers(0, 256, (48, 50, 3), np.uint8)
    for path in Path(config.content).iterdir():
        Image.fromarray(plain).save(path)
    data = TrainingData(config, 8, 0)
    squares = torch.cat([batch.content for batch in islice(data.batches(), 25)]).flatten(1)
    flat = int((squares.amax(1) == squares.amin(1)).sum())
    assert flat < 60  # of 200; two in three places have nothing, so one try gives about 140
    assert flat > 0  # a square without any contrast is taken after a few tries


def test_without_jitter_squares_are_cut_as_they_are(config: DataConfig) -> None:
    for i, path in enumerate(sorted(Path(config.content).iterdir())):
        save_noise(path, i)
    photos = [np.asarray(Image.open(path)) for path in sorted(Path(config.content).iterdir())]
    data = TrainingData(replace(config, scale_jitter=0), 4, 0)
    square = (data.batch(0).content[0] * 255).round().byte().permute(1, 2, 0).numpy()
    found = [
        (left, top)
        for photo in photos
        for side in (photo, photo[:, ::-1])
        for left in range(60 - 32 + 1)
        for top in range(48 - 32 + 1)
        if np.array_equal(side[top : top + 32, left : left + 32], square)
    ]
    assert len(found) == 1


def test_a_crop_as_large_as_the_picture(config: DataConfig) -> None:
    data = TrainingData(replace(config, crop=48, scale_jitter=0.5), 2, 0)
    assert data.batch(0).content.shape == (2, 3, 48, 48)


@pytest.mark.parametrize("size", [(1, 1), (2000, 3), (3, 2000), (33, 500)])
def test_tiny_and_very_long_pictures(config: DataConfig, size: tuple[int, int]) -> None:
    for path in Path(config.content).iterdir():
        Image.new("RGB", size, (0, 0, 255)).save(path)
    data = TrainingData(config, 2, 0)
    assert data.batch(0).content.shape == (2, 3, 32, 32)
    (picture, _), _ = data.samples(2)
    long = 72 if max(size) > 1 else 48
    expected = (3, 48, long) if size[0] > size[1] else (3, long, 48)
    assert tuple(picture.shape) == expected
    assert torch.equal(picture[2], torch.ones(expected[1:]))


def test_very_long_pictures_are_cut_to_four_times_their_width(config: DataConfig) -> None:
    colors = np.zeros((10, 1000, 3), np.uint8)
    colors[:, 480:520, 0] = 255  # the middle 40 of 1000, all that remains
    for path in Path(config.content).iterdir():
        Image.fromarray(colors).save(path)
    data = TrainingData(config, 8, 0)
    assert float(data.batch(0).content[:, 0].min()) == 1
    memory = data._batches.memory
    assert {tuple(memory[path].shape) for path in data._batches.content.paths} == {(3, 48, 192)}


def test_memory_holds_uint8_at_the_short_side(config: DataConfig) -> None:
    data = TrainingData(replace(config, size=96), 8, 0)
    shapes = {(tuple(p.shape), p.dtype) for p in data._batches.memory.values()}
    assert shapes == {((3, 96, 120), torch.uint8)}
    bytes_needed = 22 * 3 * 96 * 120
    for share, inside in ((1.001, True), (0.999, False)):
        fits = replace(config, size=96, memory_gb=share * bytes_needed / 1e9)
        assert TrainingData(fits, 8, 0).in_memory is inside


@pytest.mark.parametrize("memory_gb", [2.0, 0.0])
def test_bad_pictures_are_logged_and_others_take_their_place(
    config: DataConfig, memory_gb: float, caplog: pytest.LogCaptureFixture
) -> None:
    save_noise(Path(config.content) / "broken.png", 0)
    broken = Path(config.content) / "broken.png"
    broken.write_bytes(broken.read_bytes()[:3000])  # the header is whole
    (Path(config.styles) / "style1" / "fake.jpg").write_text("text")
    data = TrainingData(replace(config, memory_gb=memory_gb, workers=0), 8, 0)
    assert data.content_count == (7 if memory_gb else 8)
    for batch in islice(data.batches(), 4):
        assert set(photos_in(batch)) <= set(range(7))
    lines = caplog.messages
    assert sum("fake.jpg: not a picture" in line for line in lines) == 1
    assert sum("broken.png: " in line for line in lines) == 1
    count = "skipped 2 of 24 pictures in all" if memory_gb else "skipped 1 of 24 pictures in all"
    assert count in lines
    assert len(lines) == 3


def test_broken_files_of_workers_are_logged_in_the_main_process(
    config: DataConfig, caplog: pytest.LogCaptureFixture
) -> None:
    save_noise(Path(config.content) / "broken.png", 0)
    broken = Path(config.content) / "broken.png"
    broken.write_bytes(broken.read_bytes()[:3000])
    data = TrainingData(replace(config, memory_gb=0, workers=1), 8, 0)
    batches = data.batches()
    for _ in range(4):
        next(batches)
    batches.close()  # type: ignore[attr-defined]
    (line,) = caplog.messages
    assert "broken.png" in line
    assert line.endswith("(1 while training)")


def test_few_pictures_are_warned_of(config: DataConfig, caplog: pytest.LogCaptureFixture) -> None:
    TrainingData(config, 8, 0).warn_of_few_pictures()
    assert [line.partition(" has only 5")[0] for line in caplog.messages] == [
        f"style style{number}" for number in range(3)
    ]
    caplog.clear()
    TrainingData(replace(config, picture_is_style=True), 8, 0).warn_of_few_pictures()
    assert not caplog.messages


def test_refused_if_nothing_can_be_decoded(config: DataConfig) -> None:
    for path in Path(config.content).iterdir():
        save_noise(path, 0)
        path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataError, match=rf"in {config.content}: none of 7 can be read"):
        TrainingData(config, 8, 0)
    data = TrainingData(replace(config, memory_gb=0, workers=0), 8, 0)
    with pytest.raises(DataError, match="no picture of content can be read any more"):
        data.batch(0)


def test_samples_are_whole_fixed_and_spread_over_the_collections(config: DataConfig) -> None:
    data = TrainingData(config, 8, 0)
    content, styles = data.samples(2)
    assert [round(255 * float(picture[2, 0, 0])) for picture in content] == [1, 4]  # 0 and 3 of 7
    assert all(picture.shape == (3, 48, 60) for picture in content)
    assert [name for name, _ in styles] == ["style0", "style1"]
    assert all(len(pictures) == 4 for _, pictures in styles)
    again, _ = TrainingData(config, 2, 9).samples(2)
    assert all(map(torch.equal, content, again))
    assert len(data.samples(100)[0]) == 7


# what is off by default


def ramps(config: DataConfig, width: int = 240, height: int = 192) -> None:
    """Replace all pictures by larger ones whose red grows to the right, and green downwards."""
    ramp = np.zeros((height, width, 3), np.uint8)
    ramp[..., 0] = np.arange(width) * 192 // height
    ramp[..., 1] = np.arange(height)[:, None] * 192 // height
    ramp[..., 2] = np.random.default_rng(0).integers(0, 40, (height, width))
    for path in [*Path(config.styles).rglob("*.png"), *Path(config.content).rglob("*.png")]:
        Image.fromarray(ramp).save(path)


def slopes(squares: torch.Tensor) -> torch.Tensor:
    """By how much red and green grow a pixel, against the picture with a short side of 48 px."""
    middle = squares[..., 8:25, 8:25] * 255
    across = (middle[:, 0, :, -1] - middle[:, 0, :, 0]).mean(1).abs() / 16
    down = (middle[:, 1, -1] - middle[:, 1, 0]).mean(1) / 16
    torch.testing.assert_close(across, down, atol=0.15, rtol=0)
    return down / 4


@pytest.mark.parametrize("memory_gb", [2.0, 0.0])
def test_zoomed_sets_show_larger_strokes(config: DataConfig, memory_gb: float) -> None:
    ramps(config)
    config = replace(config, scale_jitter=0, memory_gb=memory_gb, workers=0)
    zoomed = TrainingData(replace(config, zoomed=0.5, zoom_range=(0.8, 2.0)), 8, 0)
    plain = TrainingData(config, 8, 0)
    zooms = []
    for step in range(12):
        batch = zoomed.batch(step)
        sets = slopes(batch.style.flatten(0, 1)).reshape(batch.style.shape[:2])
        torch.testing.assert_close(sets, sets[:, :1].expand_as(sets), atol=0.05, rtol=0)
        zooms += [1 / slope for slope in sets[:, 0].tolist()]
        assert torch.equal(batch.style_index, plain.batch(step).style_index)
        assert slopes(plain.batch(step).style.flatten(0, 1)).std() < 0.02
    assert min(zooms) < 0.95
    assert max(zooms) > 1.5
    assert 0.25 < sum(abs(zoom - 1) < 0.05 for zoom in zooms) / len(zooms) < 0.75
    photos = torch.cat([slopes(zoomed.batch(step).content) for step in range(12)])
    assert photos.max() > 1.05 > 0.65 > photos.min()


def test_pictures_are_not_enlarged_beyond_their_own_pixels(config: DataConfig) -> None:
    ramps(config, 60, 48)  # as large as `config.size`
    config = replace(config, scale_jitter=0, zoomed=1.0, zoom_range=(1.5, 2.0))
    data = TrainingData(config, 8, 0)
    assert {tuple(p.shape) for p in data._batches.memory.values()} == {(3, 48, 60)}
    assert slopes(data.batch(0).content).min() > 0.9


def test_pictures_are_kept_as_large_as_the_largest_zoom(config: DataConfig) -> None:
    ramps(config)
    config = replace(config, scale_jitter=0, zoomed=0.5, zoom_range=(1.0, 1.5))
    data = TrainingData(config, 8, 0)
    assert {tuple(p.shape) for p in data._batches.memory.values()} == {(3, 72, 90)}
    bytes_needed = 22 * 3 * 72 * 90
    for share, inside in ((1.001, True), (0.999, False)):
        fits = replace(config, memory_gb=share * bytes_needed / 1e9)
        assert TrainingData(fits, 8, 0).in_memory is inside
    content, styles = data.samples(2)  # grids stay as they are
    assert {tuple(p.shape) for p in [*content, *styles[0][1]]} == {(3, 48, 60)}
    assert slopes(data.validation().style.flatten(0, 1)).mean().item() == pytest.approx(1, abs=0.05)


def test_destylized_sets_take_pictures_of_their_style_for_photos(config: DataConfig) -> None:
    data = TrainingData(replace(config, destylized=0.4, held_out=0), 8, 0)
    plain = TrainingData(replace(config, held_out=0), 8, 0)
    shares = []
    for step in range(40):
        batch, other = data.batch(step), plain.batch(step)
        set_size = batch.style.shape[1]
        assert torch.equal(batch.style, other.style)
        for place, square in enumerate(batch.content):
            if place in batch.destylized:
                style = batch.style[place // set_size]
                assert square[0, 0, 0] == style[0, 0, 0, 0]  # red tells the style
                shown = {float(picture[1, 0, 0]) for picture in style}
                assert float(square[1, 0, 0]) not in shown or len(shown) == 5
            else:
                assert torch.equal(square, other.content[place])
        assert batch.replaced is not None
        photos = other.content[torch.tensor(batch.destylized, dtype=torch.int64)]
        assert torch.equal(batch.replaced, photos)  # of one color: every square is the same
        shares.append(len(batch.destylized) / 8)
        assert len(batch.destylized) % set_size == 0
    assert sum(shares) / 40 == pytest.approx(0.4, abs=0.12)
    assert data.validation().destylized == data.training().destylized == ()


def test_recolored_sets_have_no_destylized_pictures(config: DataConfig) -> None:
    ramps(config)
    options = {"recolor": 0.5, "held_out": 0.0}
    without = TrainingData(replace(config, **options), 8, 0)
    both = TrainingData(replace(config, **options, destylized=1.0), 8, 0)
    plain = TrainingData(replace(config, held_out=0), 8, 0)
    kinds = set()
    for step in range(12):
        recolored, batch, untouched = (data.batch(step) for data in (without, both, plain))
        assert torch.equal(batch.style, recolored.style)
        examples = batch.style.shape[1]
        for number, pictures in enumerate(batch.style):
            places = range(number * examples, (number + 1) * examples)
            own = torch.equal(pictures, untouched.style[number])
            kinds.add(own)
            assert {place in batch.destylized for place in places} == {own}
    assert kinds == {True, False}


def test_floats_are_made_of_bytes_as_by_division(config: DataConfig) -> None:
    for i, path in enumerate(sorted(Path(config.content).iterdir())):
        save_noise(path, i)
    data = TrainingData(config, 8, 0)
    squares = data._batches[3]
    assert squares.content.dtype == squares.style.dtype == torch.uint8
    batch = squares.batch()
    assert torch.equal(batch.content, squares.content.float() / 255)
    assert torch.equal(batch.style, squares.style.float() / 255)
    assert_equal(batch, data.batch(3))
    assert squares.batch("meta").content.device.type == "meta"


def test_drawing_ahead_in_threads_keeps_the_order() -> None:
    drawn: list[int] = []

    def draw(step: int) -> int:
        sleep(0.002 * (step % 3))  # the later ones are often done first
        drawn.append(step)
        return step * step

    found = draw_ahead(draw, count(5), 3)
    assert [next(found) for _ in range(20)] == [step * step for step in range(5, 25)]
    found.close()  # type: ignore[attr-defined]
    assert max(drawn) <= 25 + 6  # two for each thread
    with pytest.raises(ZeroDivisionError):
        list(draw_ahead(lambda step: 1 // (3 - step), count(), 2))


def numbered_batch(sets: int, examples: int) -> Batch:
    size = sets * examples
    content = torch.arange(size).float()[:, None, None, None].expand(size, 3, 8, 8)
    style = content.reshape(sets, examples, 3, 8, 8) + 100
    return Batch(content, style, torch.arange(sets))


@pytest.mark.parametrize(
    ("sets", "examples", "parts", "expected"),
    [
        (4, 2, 2, [(2, 2, [0, 1]), (2, 2, [2, 3])]),
        (2, 4, 4, [(1, 2, [0]), (1, 2, [0]), (1, 2, [1]), (1, 2, [1])]),
        (3, 4, 2, [(3, 2, [0, 0, 1]), (3, 2, [1, 2, 2])]),
        (8, 1, 1, [(8, 1, list(range(8)))]),
    ],
)
def test_split_keeps_each_photo_with_its_style(
    sets: int, examples: int, parts: int, expected: list[tuple[int, int, list[int]]]
) -> None:
    batch = numbered_batch(sets, examples)
    cut = batch.split(parts)
    found = [(*part.style.shape[:2], part.style_index.tolist()) for part in cut]
    assert found == expected
    assert torch.equal(torch.cat([part.content for part in cut]), batch.content)
    for part in cut:
        assert torch.equal(part.style.flatten(0, 1), part.content + 100)


def test_split_keeps_track_of_destylized_pictures() -> None:
    batch = replace(numbered_batch(2, 4), destylized=(0, 1, 2, 3, 6))
    assert [part.destylized for part in batch.split(4)] == [(0, 1), (0, 1), (), (0,)]
    numbers = torch.arange(5.0)[:, None, None, None].expand(-1, 3, 2, 2)
    parts = replace(batch, replaced=numbers).split(4)
    shown = [[] if p.replaced is None else p.replaced[:, 0, 0, 0].tolist() for p in parts]
    assert shown == [[0, 1], [2, 3], [], [4]]


def test_split_refuses_unequal_parts() -> None:
    with pytest.raises(ValueError, match="8 cannot be cut into 3"):
        numbered_batch(4, 2).split(3)


def test_to_moves_the_pictures_and_leaves_the_rest_to_the_host() -> None:
    moved = replace(numbered_batch(2, 2), destylized=(1, 2)).to("meta")
    assert {t.device.type for t in (moved.content, moved.style)} == {"meta"}
    assert moved.style_index.device.type == "cpu"
    assert moved.destylized == (1, 2)


def test_real_collections_load_and_are_decoded_once(
    shared: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    styles = str(shared / "data" / "styles" / "vangogh")
    data = TrainingData(DataConfig(styles=styles, content=styles, destylized=0), 8, 0)
    assert [style.name for style in data.styles] == ["vangogh"]
    assert data.content_count == 18
    assert not caplog.messages
    monkeypatch.setattr("gan_style.data.dataset.decode_image", pytest.fail)  # all are in memory
    batch = data.batch(0)
    assert batch.content.shape == (8, 3, 128, 128)
    assert batch.content.flatten(1).std(dim=1).min() > 0.01  # pictures, not plain ground


@pytest.mark.parametrize("ranks", [2, 4])
@pytest.mark.parametrize("further", [{}, {"destylized": 0.6}, {"recolor": 0.7}, {"zoomed": 0.5}])
def test_the_shares_of_a_batch_are_the_batch(
    config: DataConfig, ranks: int, further: dict[str, float]
) -> None:
    config = replace(config, set_shares=(0.5, 0.5), **further)  # sets of 1 or 2: none is cut
    whole = TrainingData(config, 8, seed=0)
    shares = [TrainingData(config, 8, 0, Ranks(rank, ranks)) for rank in range(ranks)]
    for step in range(6):
        expected = whole.batch(step)
        batches = [data.batch(step) for data in shares]
        for name in ("content", "style_index", "replaced"):
            joined = torch.cat([getattr(batch, name) for batch in batches])
            assert torch.equal(joined, getattr(expected, name)), name
        assert torch.equal(torch.cat([batch.style for batch in batches]), expected.style)
        places = [8 // ranks * rank + i for rank in range(ranks) for i in batches[rank].destylized]
        assert tuple(places) == expected.destylized


def test_a_set_larger_than_a_share_is_cut(config: DataConfig) -> None:
    config = replace(config, set_shares=(0, 0, 1))  # sets of 4
    shares = [TrainingData(config, 8, 0, Ranks(rank, 4)).batch(3) for rank in range(4)]
    whole = TrainingData(config, 8, seed=0).batch(3).split(4)
    for share, expected in zip(shares, whole, strict=True):
        assert share.style.shape == (1, 2, 3, 32, 32)
        assert_equal(share, expected)
