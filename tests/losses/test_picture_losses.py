"""The losses on pictures together, and which of them are computed."""

from contextlib import nullcontext
from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_style.config import LossWeights
from gan_style.losses.comparison import PICTURE_LOSSES, Comparison
from gan_style.losses.perceptual import gram_loss, moments_loss
from gan_style.losses.picture_losses import STEP, PictureLosses
from gan_style.losses.statistics import style_statistics
from gan_style.models.feature_networks import picture_features, stroke_features

ALL = dict.fromkeys(PICTURE_LOSSES, 1.0)
PERIOD = 8 / 3


@pytest.fixture(scope="module")
def picture_losses() -> PictureLosses:
    return PictureLosses(picture_features(), stroke_features(), ALL, nullcontext, PERIOD)


class Counted(nn.Module):
    """A network that counts how often it runs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.content_layer, self.strides = network.content_layer, network.strides
        self.runs = 0

    def forward(self, pictures: Tensor) -> Any:
        self.runs += 1
        return self.network(pictures)


def pictures(seed: int, count: int = 2, side: int = 48) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, side // 8, side // 8, generator=random)
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")


def test_every_loss_has_a_weight_and_every_weight_a_loss() -> None:
    others = {
        "adversarial",
        "steadiness",
        "descriptor",
        "reconstruction",
    }  # which need more than pictures
    assert {option.name for option in fields(LossWeights)} == {*PICTURE_LOSSES, *others}


def test_losses_are_numbers_and_differentiable(picture_losses: PictureLosses) -> None:
    painted = pictures(0).requires_grad_(True)
    terms = picture_losses.terms(painted, pictures(1), pictures(2), 1)
    assert set(terms) == {*PICTURE_LOSSES}
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


def test_stroke_does_not_depend_on_color(picture_losses: PictureLosses) -> None:
    style = pictures(2)
    gray = (style * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    cropped = style[..., : 48 - STEP, : 48 - STEP]
    terms = picture_losses.terms(gray.expand_as(style), pictures(1), cropped, 1)
    assert terms["stroke"] < 1e-3
    assert terms["moments"] > 1e-2


def test_a_set_of_paintings_is_matched_with_the_mean_of_a_set_of_pictures(
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


@pytest.mark.parametrize(
    ("names", "runs"),
    [
        (["tv"], (0, 0)),
        (["smoothness", "tv", "lattice"], (0, 0)),
        (["content"], (2, 0)),
        (["gram", "moments"], (2, 0)),
        (["gram", "sliced"], (2, 0)),
        (["stroke"], (0, 2)),
        ([*PICTURE_LOSSES], (3, 2)),
        ([], (0, 0)),
    ],
)
def test_a_loss_of_weight_0_costs_nothing(
    picture_losses: PictureLosses, names: list[str], runs: tuple[int, int]
) -> None:
    weights = {name: float(name in names) for name in PICTURE_LOSSES}
    picture, stroke = Counted(picture_losses.picture), Counted(picture_losses.stroke)
    given = (pictures(0), pictures(1), pictures(2), 1)
    some = PictureLosses(picture, stroke, weights, nullcontext, PERIOD).terms(*given)
    assert (picture.runs, stroke.runs) == runs
    every = picture_losses.terms(*given)
    assert some == {name: every[name] for name in PICTURE_LOSSES if name in names}


def test_further_losses_share_the_maps(picture_losses: PictureLosses) -> None:
    picture = Counted(picture_losses.picture)
    losses = PictureLosses(picture, picture_losses.stroke, {"gram": 1.0}, nullcontext, PERIOD)
    given = (pictures(0, 4), pictures(1, 4), pictures(2, 4), 2)

    def largest(seen: Comparison) -> Tensor:
        assert {len(gram) for gram in seen.target_gram.values()} == {2}  # one for each set
        return torch.stack([gram.max() for gram in seen.target_gram.values()]).max()

    terms = losses.terms(*given, further={"largest": largest})
    assert picture.runs == 2  # of paintings and of pictures of the style
    assert terms["gram"] == losses.terms(*given)["gram"]
    each = style_statistics(picture_losses.picture(given[2])).gram
    mean = {layer: gram.reshape(2, 2, *gram.shape[1:]).mean(1) for layer, gram in each.items()}
    assert terms["largest"].item() == pytest.approx(max(g.max().item() for g in mean.values()))


def test_channels_of_the_maps(picture_losses: PictureLosses) -> None:
    maps = picture_losses.picture(pictures(0))
    assert picture_losses.channels() == {layer: each.shape[1] for layer, each in maps.items()}


def test_a_weight_of_no_loss_is_refused(picture_losses: PictureLosses) -> None:
    with pytest.raises(ValueError, match="no loss grain; allowed: content, gram"):
        PictureLosses(
            picture_losses.picture, picture_losses.stroke, {"grain": 1.0}, nullcontext, PERIOD
        )
