"""The model that comes with the package: it loads, is small enough, and paints."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from PIL import Image
from skimage import data

from gan_style import StyleCode, Stylizer
from gan_style.data.images import to_tensor
from gan_style.evaluation.extractor import FeatureExtractor
from gan_style.evaluation.metrics import moments_distance
from gan_style.losses.statistics import StyleStatistics, style_statistics
from gan_style.models.discriminator import Discriminator
from gan_style.models.feature_networks import picture_features
from gan_style.pretrained import read_model
from gan_style.shipped import SHIPPED, check_sums, named_styles

STEPS = 16


@pytest.fixture(scope="module")
def base() -> Stylizer:
    return Stylizer.from_pretrained(device="cpu")


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(data.chelsea()).resize((144, 96))


def codes() -> dict[str, StyleCode]:
    return {name: StyleCode.load(path) for name, path in named_styles().items()}


def statistics(pictures: list[Image.Image]) -> list[StyleStatistics]:
    extractor = FeatureExtractor(picture_features(), "compact", 96)
    return [style_statistics(extractor.maps(extractor.square(picture))) for picture in pictures]


def test_files_are_as_shipped_and_small() -> None:
    check_sums(SHIPPED)
    assert (SHIPPED / "base.safetensors").stat().st_size <= 13e6
    assert (SHIPPED / "base.discriminator.safetensors").stat().st_size <= 4e6
    assert (SHIPPED / "base.md").is_file()
    Discriminator(256).load_state_dict(read_model("base").discriminator)


def test_named_styles_belong_to_it_and_differ(base: Stylizer, photo: Image.Image) -> None:
    found = codes()
    assert len(found) >= 12
    assert all(code.thumbnail is not None and code.sides[-1] >= 512 for code in found.values())
    assert {code.model for code in found.values()} == {base.id}
    painted = {base.stylize(photo, code).tobytes() for code in found.values()}
    assert len(painted) == len(found)
    assert all(path.stat().st_size < 100_000 for path in named_styles().values())


def test_one_color_and_extreme_shapes_are_painted(base: Stylizer) -> None:
    code = next(iter(codes().values()))
    for size, color in (((64, 64), 255), ((64, 64), 0), ((1, 1), 99), ((400, 33), 128)):
        painted = base.stylize(Image.new("RGB", size, (color,) * 3), code)
        assert painted.size == size


def test_paintings_keep_the_photo_and_take_the_style(base: Stylizer, photo: Image.Image) -> None:
    """Painted after one picture, it is nearer to that picture than the photo was, in most."""
    names = ("coffee", "rocket", "astronaut")
    styles = [Image.fromarray(getattr(data, name)()).resize((144, 96)) for name in names]
    nearer = 0
    for style in styles:
        painted = base.stylize(photo, base.encode(style))
        seen, target, before = statistics([painted, style, photo])
        nearer += moments_distance(seen, target) < moments_distance(before, target)
    assert nearer == len(styles)


def test_the_second_painting_is_nearer_to_its_code(base: Stylizer, photo: Image.Image) -> None:
    """The correction of the code by a first painting helps in most styles."""
    content = to_tensor(photo)[None]
    nearer = 0
    for code in codes().values():
        asked = code.at(96)[None]  # at the side of the photo
        with torch.inference_mode():
            first, second = (
                (base.model.encode(painted[:, None]) - asked).square().sum()
                for painted in (base.model.generator(content, asked), base.model(content, asked))
            )
        nearer += bool(second < first)
    assert nearer >= len(codes()) - 1


def test_mixtures_go_smoothly_from_one_to_the_other(base: Stylizer, photo: Image.Image) -> None:
    one, other = list(codes().values())[:2]
    line = [one.interpolate(other, step / STEPS) for step in range(STEPS + 1)]
    found = statistics([base.stylize(photo, code) for code in line])
    steps = [moments_distance(a, b) for a, b in pairwise(found)]
    assert max(steps) <= 3 * sum(steps) / len(steps)


def test_samples_are_as_many_as_styles_and_repeatable(base: Stylizer, photo: Image.Image) -> None:
    drawn = [base.sample_style(seed) for seed in range(12)]
    assert torch.equal(base.sample_style(3).mean, drawn[3].mean)
    learned = [replace(drawn[0], mean=code) for code in read_model("base").codes[::86]]
    painted = statistics([base.stylize(photo, code) for code in drawn])
    theirs = statistics([base.stylize(photo, code) for code in learned])

    def spread(found: list[StyleStatistics]) -> float:
        pairs = [(a, b) for i, a in enumerate(found) for b in found[:i]]
        return sum(moments_distance(a, b) for a, b in pairs) / len(pairs)

    assert spread(painted) >= spread(theirs) / 2


def test_another_models_code_is_refused(base: Stylizer, tiny_run: Path, photo: Image.Image) -> None:
    foreign = StyleCode.load(tiny_run / "styles" / "ink.style.safetensors")
    with pytest.raises(ValueError, match="encode its pictures again"):
        base.stylize(photo, foreign)
