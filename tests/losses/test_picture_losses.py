"""What the feature networks say of a painting, as terms."""

from contextlib import nullcontext
from dataclasses import fields

import pytest
import torch
from torch import Tensor

from gan_style.config import FeaturesConfig, LossWeights
from gan_style.errors import FeaturesError
from gan_style.losses.perceptual import gram_loss, moments_loss
from gan_style.losses.picture_losses import STEP, PictureLosses
from gan_style.losses.statistics import style_statistics

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def picture_losses() -> PictureLosses:
    return PictureLosses(FeaturesConfig(), CPU, nullcontext)


def pictures(seed: int, count: int = 2, side: int = 48) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, side // 8, side // 8, generator=random)
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")


def test_terms_are_options_of_losses_and_differentiable(picture_losses: PictureLosses) -> None:
    painted = pictures(0).requires_grad_(True)
    terms = picture_losses.terms(painted, pictures(1), pictures(2), 1)
    assert set(terms) == {"content", "gram", "moments", "stroke", "tv", "smoothness"}
    assert set(terms) <= {option.name for option in fields(LossWeights)}
    for name, term in terms.items():
        assert term.shape == (), name
        assert term.dtype == torch.float32, name
        (gradient,) = torch.autograd.grad(term, painted, retain_graph=True)
        assert torch.isfinite(gradient).all(), name
        assert gradient.abs().sum() > 0, name


def test_the_photo_itself_has_no_content_error(picture_losses: PictureLosses) -> None:
    photo = pictures(1)
    same = picture_losses.terms(photo, photo, pictures(2), 1)
    other = picture_losses.terms(pictures(0), photo, pictures(2), 1)
    assert same["content"] == 0
    assert other["content"] > 0.01


def test_the_style_itself_has_no_style_error(picture_losses: PictureLosses) -> None:
    style = pictures(2, side=48)
    cropped = style[..., : 48 - STEP, : 48 - STEP]  # paintings lose as much to the shift
    same = picture_losses.terms(style, pictures(1), cropped, 1)
    other = picture_losses.terms(pictures(0), pictures(1), cropped, 1)
    for name in ("gram", "moments", "stroke"):
        assert same[name] < 1e-6 < 1e-3 < other[name], name


def test_stroke_is_deaf_to_color(picture_losses: PictureLosses) -> None:
    style = pictures(2)
    gray = (style * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    cropped = style[..., : 48 - STEP, : 48 - STEP]
    terms = picture_losses.terms(gray.expand_as(style), pictures(1), cropped, 1)
    assert terms["stroke"] < 1e-3
    assert terms["moments"] > 1e-2


def test_a_set_of_paintings_is_asked_for_the_mean_of_a_set_of_pictures(
    picture_losses: PictureLosses,
) -> None:
    painted, style = pictures(0, 4), pictures(2, 4)
    each = style_statistics(picture_losses.picture(style))
    sets = picture_losses.terms(painted, pictures(1, 4), style, 2)
    generated = style_statistics(picture_losses.picture(painted[..., :-STEP, :-STEP])).average(2)
    torch.testing.assert_close(sets["moments"], moments_loss(generated, each.average(2)))
    torch.testing.assert_close(sets["gram"], gram_loss(generated, each.average(2)))
    alone = picture_losses.terms(painted, pictures(1, 4), style, 1)
    assert all(sets[name] < alone[name] for name in ("moments", "gram", "stroke"))


def test_within_a_set_it_does_not_matter_which_painting_has_what(
    picture_losses: PictureLosses,
) -> None:
    style = pictures(2, 4)
    cropped = style[..., :-STEP, :-STEP]  # paintings lose as much to the shift
    swapped = picture_losses.terms(style[[1, 0, 3, 2]], pictures(1, 4), cropped, 2)
    across = picture_losses.terms(style[[2, 1, 0, 3]], pictures(1, 4), cropped, 2)
    for name in ("gram", "moments", "stroke"):
        assert swapped[name] < 1e-6 < 1e-3 < across[name], name


def test_the_target_needs_no_gradient(picture_losses: PictureLosses) -> None:
    style = pictures(2).requires_grad_(True)
    terms = picture_losses.terms(pictures(0), pictures(1), style, 1)
    assert not any(term.requires_grad for term in terms.values())


@pytest.mark.parametrize("shift", [(0, 0), (1, 3), (4, 4)])
def test_a_shift_leaves_out_the_same_part_of_painting_and_photo(
    picture_losses: PictureLosses, shift: tuple[int, int]
) -> None:
    rows, columns = (slice(start, start + 48 - STEP) for start in shift)
    painted, photo, style = pictures(0), pictures(1), pictures(2)
    cut = picture_losses.terms(painted, photo, style, 1, shift)
    moved = picture_losses.terms(
        torch.roll(painted, (-shift[0], -shift[1]), (2, 3)),
        torch.roll(photo, (-shift[0], -shift[1]), (2, 3)),
        style,
        1,
    )
    assert painted[..., rows, columns].shape[2:] == (48 - STEP, 48 - STEP)
    for name, term in cut.items():
        torch.testing.assert_close(term, moved[name], msg=name)


def test_networks_are_frozen(picture_losses: PictureLosses) -> None:
    networks = (picture_losses.picture, picture_losses.stroke)
    assert not any(p.requires_grad for network in networks for p in network.parameters())


def test_weights_that_are_not_there_say_so() -> None:
    with pytest.raises(FeaturesError, match=r"weights of vgg19: .*nowhere\.pth"):
        PictureLosses(FeaturesConfig(network="vgg19", weights="nowhere.pth"), CPU, nullcontext)
