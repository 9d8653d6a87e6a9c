import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from gan_style.data.images import to_image
from gan_style.evaluation.deception import PATCH, PatchClassifier, gray_patches, patch_signatures
from gan_style.models.feature_networks import picture_features


def picture(width: int = 300, height: int = 400, seed: int = 0) -> Image.Image:
    generator = torch.Generator().manual_seed(seed)
    return to_image(0.2 + 0.6 * torch.rand(3, height, width, generator=generator))


def clusters(*counts: int, apart: float = 4.0, seed: int = 0) -> list[Tensor]:
    """Classes of 2 numbers; the first number of class i is about i times `apart`."""
    generator = torch.Generator().manual_seed(seed)
    drawn = (torch.randn(count, 2, generator=generator) for count in counts)
    return [values + torch.tensor([i * apart, 0.0]) for i, values in enumerate(drawn)]


# ---------------------------------------------------------------------- patches


@pytest.mark.parametrize("size", [(300, 400), (900, 96), (50, 40)])
def test_nine_patches_of_one_light_and_contrast(size: tuple[int, int]) -> None:
    patches = gray_patches(picture(*size))
    assert patches.shape == (9, 3, PATCH, PATCH)
    assert torch.equal(patches[:, 0], patches[:, 2])
    assert torch.allclose(patches[:, 0].mean((1, 2)), torch.full((9,), 0.45), atol=1e-4)
    assert torch.allclose(patches[:, 0].std((1, 2)), torch.full((9,), 0.2), atol=1e-4)


def test_patches_lie_at_the_corners_the_edges_and_in_the_middle() -> None:
    square = torch.zeros(3, 288, 288)
    square[:, ::2] = 0.5  # no patch is flat
    square[:, 192:, 192:] = torch.rand(3, 1, 96, generator=torch.Generator().manual_seed(0))
    patches = gray_patches(to_image(square))
    same = [torch.allclose(patch, patches[0], atol=1e-3) for patch in patches]
    assert same == [True] * 8 + [False]


def test_palette_and_light_do_not_count() -> None:
    dark = picture().point(lambda value: value // 2)
    gray = picture().convert("L").convert("RGB")
    expected = gray_patches(picture())
    assert torch.allclose(gray_patches(gray), expected, atol=0.02)
    assert torch.allclose(gray_patches(dark), expected, atol=0.05)  # 8 bits, rounded twice


def test_flat_patches_are_left_out() -> None:
    assert len(gray_patches(Image.new("RGB", (300, 300), (200, 30, 30)))) == 0
    half = picture(288, 288)
    half.paste((128, 128, 128), (0, 0, 192, 288))
    assert len(gray_patches(half)) == 3


def test_signatures_of_a_flat_picture_are_as_wide_as_others() -> None:
    features, device = picture_features("compact"), torch.device("cpu")
    some = patch_signatures(features, picture(), device)
    none = patch_signatures(features, Image.new("RGB", (40, 40)), device)
    assert some.shape == (9, 2 * (32 + 64 + 256))
    assert none.shape == (0, some.shape[1])


# ---------------------------------------------------------------------- classifier


def test_separate_classes_are_told_apart() -> None:
    classes = clusters(40, 40, 40, apart=8)
    classify = PatchClassifier(classes)
    for number, signatures in enumerate(clusters(20, 20, 20, apart=8, seed=1)):
        assert (classify(signatures) == number).all()


def test_many_patches_do_not_make_a_class_likelier() -> None:
    classify = PatchClassifier(clusters(400, 20, apart=3))
    line = torch.stack([torch.linspace(-3, 6, 901), torch.zeros(901)], 1)
    border = line[classify(line).argmax(), 0].item()
    assert border == pytest.approx(1.5, abs=0.5)  # for equal classes it lies in the middle


def test_it_ends_at_the_optimum_of_its_objective() -> None:
    classes = clusters(30, 50, apart=2)
    classify = PatchClassifier(classes)
    x = torch.cat(classes)
    z = ((x - x.mean(0)) / x.std(0)).double()
    labels = torch.tensor([0] * 30 + [1] * 50)
    matrix, constants = (t.double().requires_grad_() for t in classify._matrix.split([2, 1]))
    loss = F.cross_entropy(z @ matrix + constants, labels, torch.tensor([1 / 30, 1 / 50]).double())
    slopes = torch.autograd.grad(loss + 0.01 * matrix.square().sum(), (matrix, constants))
    assert max(slope.abs().max().item() for slope in slopes) < 1e-4


def test_it_learns_where_gradients_are_off() -> None:
    with torch.no_grad():
        assert PatchClassifier(clusters(5, 5, apart=9))(torch.tensor([[9.0, 0.0]])) == 1


def test_shares_are_of_patches() -> None:
    classify = PatchClassifier(clusters(20, 20, 20, apart=9))
    patches = torch.tensor([[0.0, 0.0], [0.5, 0.0], [9.0, 0.0], [18.0, 0.0]])
    shares = classify.shares(patches, own=0, photos=2)
    assert shares == (0.5, 0.25)
    assert classify.shares(patches[:0], own=0, photos=2) is None


def test_a_class_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="class 1 has no patch"):
        PatchClassifier([torch.ones(2, 3), torch.ones(0, 3)])
