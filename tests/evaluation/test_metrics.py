import pytest
import torch
from torch import Tensor

from gan_style.evaluation.metrics import (
    centroid_accuracy,
    content_distance,
    gram_distance,
    moments_distance,
    nn_distance,
    signature,
    signature_scale,
    structural_similarity,
)
from gan_style.losses.statistics import style_statistics


def picture(height: int = 40, width: int = 50, seed: int = 0) -> Tensor:
    """Blurred noise: it has forms, and is not the same everywhere."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 8, 8, generator=generator)
    fine = 0.1 * torch.rand(1, 3, height, width, generator=generator)
    forms = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return (0.9 * forms + fine).clamp(0, 1)


def column(*values: float) -> Tensor:
    return torch.tensor(values)[:, None]


# ---------------------------------------------------------------------- against photo and style


def test_content_is_the_mean_square() -> None:
    photo, painting = torch.zeros(1, 2, 1, 2), torch.zeros(1, 2, 1, 2)
    assert content_distance(painting, photo) == 0
    painting[0, 0, 0] = torch.tensor([1.0, 3.0])
    assert content_distance(painting, photo) == pytest.approx((1 + 9) / 4)


def test_moments_and_gram_of_known_maps() -> None:
    style = style_statistics({"x": torch.tensor([[[[1.0, 3.0]]]])})  # mean 2, deviation 1
    painting = style_statistics({"x": torch.tensor([[[[5.0, 5.0]]]])})  # mean 5, deviation 0
    # deviations are roots of variance + 1e-5: 1.000005 and 0.00316
    expected = (5 - 2) ** 2 + (1.000005 - 1e-5**0.5) ** 2
    assert moments_distance(painting, style) == pytest.approx(expected, rel=1e-3)
    assert gram_distance(painting, style) == pytest.approx((25 - 5) ** 2 / 5**2)
    assert moments_distance(style, style) == gram_distance(style, style) == 0


# ---------------------------------------------------------------------- SSIM


@pytest.mark.parametrize("other", [1, 2])
def test_ssim_is_that_of_scikit_image(other: int) -> None:
    from skimage.metrics import structural_similarity as reference

    one, two = picture(seed=0), (picture(seed=0) + picture(seed=other)) / 2
    gray = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    expected = reference(
        *((p[0].double() * gray).sum(0).numpy() for p in (one, two)),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
    )
    assert 0.1 < expected < 0.95
    assert structural_similarity(one, two) == pytest.approx(expected, rel=1e-4)


def test_ssim_of_a_picture_with_itself_and_with_its_negative() -> None:
    one = picture()
    assert structural_similarity(one, one) == pytest.approx(1)
    assert structural_similarity(one, 1 - one) < 0


def test_ssim_sees_no_color_of_equal_light() -> None:
    one = picture()
    shift = torch.tensor([0.114, 0.0, -0.299])[:, None, None] / 4  # luminance stays
    assert structural_similarity(one + shift, one) == pytest.approx(1, abs=1e-5)


def test_ssim_needs_a_window() -> None:
    small = picture(10, 20)
    with pytest.raises(ValueError, match="20 by 10 px; the window takes 11"):
        structural_similarity(small, small)


# ---------------------------------------------------------------------- collections


def test_signature_puts_mean_and_deviation_of_each_layer_side_by_side() -> None:
    maps = {"a": torch.tensor([[[[1.0, 3.0]]]]), "b": torch.tensor([[[[4.0]], [[7.0]]]])}
    flat = 1e-5**0.5
    expected = torch.tensor([[2.0, 1.0, 4.0, 7.0, flat, flat]])
    assert torch.allclose(signature(maps), expected, atol=1e-4)


def test_scale_is_the_deviation_and_never_nearly_nothing() -> None:
    signatures = torch.tensor([[0.0, 5.0], [2.0, 5.0]])
    assert torch.allclose(signature_scale(signatures), torch.tensor([2**0.5, 1e-3]))


def test_nn_distance_of_known_signatures() -> None:
    own, one = column(0, 1, 2, 3), torch.ones(1)
    # halves {0, 2} and {1, 3}: from 0 to 1 and from 2 to 1 it is 1; from 5 to 3 it is 2
    assert nn_distance(column(5), own, one) == pytest.approx(2)
    assert nn_distance(column(5, 3), own, one) == pytest.approx(1)
    assert nn_distance(own, own, one) == 0
    assert nn_distance(column(1), column(7), one) is None


def test_nn_distance_does_not_depend_on_the_unit_of_a_number() -> None:
    generator = torch.Generator().manual_seed(0)
    own, paintings = (torch.rand(n, 4, generator=generator) for n in (6, 3))
    unit = torch.tensor([1.0, 10.0, 0.1, 3.0])
    plain = nn_distance(paintings, own, signature_scale(own))
    scaled = nn_distance(paintings * unit, own * unit, signature_scale(own * unit))
    assert plain == pytest.approx(scaled, rel=1e-4)


def test_centroid_accuracy_goes_by_the_nearest_centroid() -> None:
    collections = {"near": column(0, 2), "far": column(10, 10, 10, 10)}  # centroids 1 and 10
    one = torch.ones(1)
    assert centroid_accuracy(column(5, 6, 7), collections, "near", one) == pytest.approx(1 / 3)
    assert centroid_accuracy(column(5, 6, 7), collections, "far", one) == pytest.approx(2 / 3)
