"""Paintings that have the collection's strokes are more like it than the base model's."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from gan_style.data.collection import Style
from gan_style.data.images import find_pictures
from gan_style.evaluation.deception import gray_patches
from gan_style.training import likeness as likeness_module
from gan_style.training.comparison import ComparedStyle
from gan_style.training.likeness import Likeness, _Answers, _ask, _likeness, measure_likeness
from gan_style.training.validation import Quality
from gan_style.training.verdict import BETTER, SAME, WORSE, Verdict

SIDE = 288
pytestmark = pytest.mark.usefixtures("full_ends")


def texture(seed: int, across: int, down: int) -> Image.Image:
    """Noise that is drawn out into strokes of so many pixels."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (SIDE // down, SIDE // across, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BILINEAR)


def photo_of(seed: int) -> Image.Image:
    return texture(seed, 16, 16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make photos/ of blots and mine/ of upright strokes, eight each."""
    made = tmp_path_factory.mktemp("likeness")
    for name, draw in (("photos", photo_of), ("mine", lambda seed: texture(seed + 100, 3, 24))):
        (made / name).mkdir()
        for seed in range(8):
            draw(seed).save(made / name / f"{seed}.png")
    return made


@pytest.fixture
def photos(folder: Path) -> list[Path]:
    return find_pictures(folder / "photos")


@pytest.fixture
def style(folder: Path) -> ComparedStyle:
    pictures = tuple(find_pictures(folder / "mine"))
    return ComparedStyle(Style("mine", pictures), "base", "mine")  # type: ignore[arg-type]


@pytest.fixture
def _gradients_are_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quick look at patches: how much they change to the right, down, and all in all."""

    def look(features: object, picture: Image.Image, device: torch.device) -> Tensor:
        gray = gray_patches(picture)[:, 0]
        changes = [gray.diff(dim=2).abs().mean((1, 2)), gray.diff(dim=1).abs().mean((1, 2))]
        return torch.stack([*changes, changes[0] + changes[1]], 1)

    monkeypatch.setattr(likeness_module, "patch_signatures", look)


def model(paint: Callable[[Image.Image, int], Image.Image]) -> SimpleNamespace:
    """Paints the photo that it is given, which it counts."""
    count = iter(range(1_000))
    return SimpleNamespace(
        device=torch.device("cpu"), stylize=lambda photo, code: paint(photo, next(count))
    )


def blurred(photo: Image.Image, number: int) -> Image.Image:
    """The hand of a base model: blots with fine grain."""
    return Image.blend(photo.filter(ImageFilter.GaussianBlur(2)), texture(number, 4, 4), 0.3)


def stroked(photo: Image.Image, number: int) -> Image.Image:
    """The hand of the collection, in other strokes than those of its pictures."""
    return texture(number + 500, 3, 24)


def often_stroked(photo: Image.Image, number: int) -> Image.Image:
    """A base model that paints two photos of four with the collection's hand."""
    return (stroked if number % 4 < 2 else blurred)(photo, number)


def untouched(photo: Image.Image, number: int) -> Image.Image:
    return photo


def measure(
    base: Callable[..., Image.Image],
    mine: Callable[..., Image.Image],
    photos: Sequence[Path],
    *styles: ComparedStyle,
) -> Likeness | None:
    return measure_likeness(model(base), model(mine), photos, styles)  # type: ignore[arg-type]


@pytest.mark.usefixtures("_gradients_are_signatures")
class TestOfTwoModels:
    def test_the_base_model_is_as_like_as_itself(
        self, photos: list[Path], style: ComparedStyle
    ) -> None:
        found = measure(blurred, blurred, photos, style)
        assert found is not None
        assert (found.difference, found.standard_error, found.deviations) == (0, 0, 0)
        assert found.base == found.mine < 0.2 < 0.9 < found.own
        assert Verdict(Quality(), Quality(), 0, found).word == SAME

    def test_the_hand_of_the_collection_is_better(
        self, photos: list[Path], style: ComparedStyle
    ) -> None:
        found = measure(blurred, stroked, photos, style)
        assert found is not None
        assert found.mine > 0.9
        assert Verdict(Quality(), Quality(), 0, found).word == BETTER

    def test_photos_are_worse_than_a_good_base_model(
        self, photos: list[Path], style: ComparedStyle
    ) -> None:
        found = measure(often_stroked, untouched, photos, style)
        assert found is not None
        assert found.mine == 0 < found.base
        assert found.deviations < -2
        assert Verdict(Quality(), Quality(), 0, found).word == WORSE

    def test_photos_are_no_better_than_a_bad_base_model(
        self, photos: list[Path], style: ComparedStyle
    ) -> None:
        """Though they are further from the base model's paintings than these are."""
        found = measure(blurred, untouched, photos, style)
        assert Verdict(Quality(), Quality(), 0, found).word in (SAME, WORSE)

    def test_it_is_the_same_again(self, photos: list[Path], style: ComparedStyle) -> None:
        found = measure(blurred, often_stroked, photos, style)
        assert found == measure(blurred, often_stroked, photos, style)

    def test_each_model_paints_with_its_own_code(
        self, photos: list[Path], style: ComparedStyle
    ) -> None:
        used: list[tuple[str, object]] = []

        def fake(name: str) -> SimpleNamespace:
            def stylize(photo: Image.Image, code: object) -> Image.Image:
                used.append((name, code))
                return photo

            return SimpleNamespace(device=torch.device("cpu"), stylize=stylize)

        measure_likeness(fake("b"), fake("m"), photos, [style])  # type: ignore[arg-type]
        assert used == [("b", "base")] * 8 + [("m", "mine")] * 8

    @pytest.mark.parametrize(("of_photos", "of_pictures"), [(3, 8), (8, 3)])
    def test_too_few_say_nothing(
        self, photos: list[Path], style: ComparedStyle, of_photos: int, of_pictures: int
    ) -> None:
        few = style._replace(style=Style("mine", style.style.paths[:of_pictures]))
        assert measure(blurred, stroked, photos[:of_photos], few) is None
        enough = style._replace(style=Style("mine", style.style.paths[:4]))
        assert measure(blurred, stroked, photos[:4], enough) is not None

    def test_a_style_of_too_few_is_left_out(self, photos: list[Path], style: ComparedStyle) -> None:
        few = style._replace(style=Style("few", style.style.paths[:3]))
        alone = measure(blurred, stroked, photos, style)
        assert alone is not None
        assert measure(blurred, stroked, photos, few, style) == alone

    def test_plain_paintings_say_nothing(self, photos: list[Path], style: ComparedStyle) -> None:
        def plain(photo: Image.Image, number: int) -> Image.Image:
            return Image.new("RGB", photo.size, "red")

        assert measure(plain, stroked, photos, style) is None
        assert measure(blurred, plain, photos, style) is None
        assert measure(blurred, stroked, photos) is None


def test_with_the_features_that_are_used(photos: list[Path], style: ComparedStyle) -> None:
    few = style._replace(style=Style("mine", style.style.paths[:4]))
    found = measure(blurred, stroked, photos[:4], few)
    assert found is not None
    assert found.base < 0.2 < 0.8 < found.mine
    assert found.deviations > 2


# worked by hand


def clusters(*places: float) -> list[Tensor]:
    """For each picture two patches of 2 numbers, near (place, 0)."""
    return [torch.tensor([[place, 0.1], [place + 0.2, -0.1]]) for place in places]


def test_everything_is_asked_once_by_the_classifier_that_has_not_seen_it() -> None:
    """Even and odd photos lie at opposite places: a classifier knows only what it was taught."""
    own, plain, base = clusters(0, 0, 0, 0), clusters(9, 9, 9, 9), clusters(20, 30, 20, 30)
    answers = _ask(own, plain, base, clusters(0, 0, 30, 30))
    assert answers is not None
    assert [len(group) for group in answers] == [4, 4, 4]
    taken = [[int(each.argmax(1)[0]) for each in group] for group in answers]
    assert taken == [[2, 2, 2, 2], [0, 0, 2, 2], [0, 0, 0, 0]]
    assert _ask(own, plain, [each[:0] for each in base], base) is None


def logits(*values: float) -> list[Tensor]:
    """Of paintings with one patch each: log-odds of the collection; photos are as good as out."""
    return [torch.tensor([[value, -99.0, 0.0]]) for value in values]


def test_the_paired_difference() -> None:
    own = logits(1, 1, -1, 1)
    found = _likeness([_Answers(logits(-1, -2, -3, 1), logits(0.5, 0.5, 0.5, 5.5), own)])
    assert found is not None
    assert (found.base, found.mine, found.own) == (0.25, 1.0, 0.75)
    assert found.difference == 3  # of 1.5, 2.5, 3.5 and 4.5
    assert found.standard_error == pytest.approx((5 / 3 / 4) ** 0.5)
    assert found.deviations == pytest.approx(3 / 0.6455, rel=1e-3)


def test_log_odds_are_against_both_other_classes() -> None:
    base, own = logits(0, 0, 0, 0), logits(1)
    far = [torch.tensor([[1.0, 9.0, -9.0]])] * 4  # from the base model, but like a photo
    found = _likeness([_Answers(base, far, own)])
    assert found is not None
    assert found.difference == pytest.approx(-8, abs=1e-3)


def test_a_photo_without_a_patch_is_left_out_of_the_difference() -> None:
    nothing = [torch.zeros(0, 3)]
    base, mine = logits(0, 0, 0, 0), logits(1, 2, 3, 4)
    found = _likeness([_Answers(base + nothing, mine + logits(90), logits(1))])
    assert found is not None
    assert (found.difference, found.mine) == (2.5, 1.0)
    assert _likeness([_Answers(base + nothing, nothing + mine, logits(1))]) is None  # three left


def test_styles_are_averaged_by_photo() -> None:
    base, own = logits(0, 0, 0, 0), logits(1)
    one = _Answers(base, logits(1, 2, 3, 4), own)
    other = _Answers(base, logits(5, 4, 3, 2), own)
    found = _likeness([one, other])
    assert found is not None
    assert found.difference == 3
    assert found.standard_error == 0
    assert found.deviations > 2
    assert _likeness([]) is None
