import pytest
import torch
from torch import Tensor, nn

from gan_style.models.discriminator import (
    SCALES,
    Discriminator,
    PatchDiscriminator,
    augment,
    in_gray,
)

CODE = 12


def drawn(*shape: int, seed: int = 0, kind: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=kind)


def codes(count: int = 1, seed: int = 0) -> Tensor:
    return torch.randn(count, CODE, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def discriminator() -> Discriminator:
    """One at rest: in training, each call takes another step towards the spectral norm."""
    torch.manual_seed(0)
    return Discriminator(CODE).eval().requires_grad_(False)


def patches(height: int, width: int) -> int:
    """Logits of all scales; each is an eighth of its picture, rounded down."""
    return sum((height >> scale) // 8 * ((width >> scale) // 8) for scale in range(SCALES))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (128, 128), (64, 40)])
def test_shape_of_logits(discriminator: Discriminator, height: int, width: int) -> None:
    logits = discriminator(drawn(2, 3, height, width), codes(2))
    assert logits.shape == (2, patches(height, width))
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("size", ["small", "large"])
def test_both_sizes_run(size: str) -> None:
    with torch.no_grad():
        logits = Discriminator(CODE, size)(drawn(1, 3, 32, 32), codes())
    assert logits.shape == (1, 16 + 4)


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"model.size is 'huge'; allowed: small, large"):
        Discriminator(CODE, "huge")


def test_pictures_do_not_mix(discriminator: Discriminator) -> None:
    pictures, code = drawn(3, 3, 40, 48), codes(3)
    together = discriminator(pictures, code)
    for i in range(3):
        alone = discriminator(pictures[i : i + 1], code[i : i + 1])
        assert torch.allclose(alone[0], together[i], atol=1e-5)


def seen_by(discriminator: Discriminator, index: int) -> list[tuple[int, int]]:
    """First and last row, first and last column of the pixels that one logit depends on."""
    pictures = drawn(1, 3, 256, 256).requires_grad_()
    logit = discriminator(pictures, codes())[0, index]
    (gradient,) = torch.autograd.grad(logit, pictures)
    seen = gradient[0].abs().sum(0) > 0
    ends = [seen.any(axis).nonzero().flatten() for axis in (1, 0)]
    return [(int(e[0]), int(e[-1])) for e in ends]


@pytest.mark.parametrize(("scale", "patch"), [(0, 38), (1, 76)])
def test_logits_see_patches_of_38_and_of_76_pixels(
    discriminator: Discriminator, scale: int, patch: int
) -> None:
    side = 32 >> scale  # logits along a side
    index = (0, 32 * 32)[scale] + (side // 2) * side + side // 2
    for first, last in seen_by(discriminator, index):
        assert last - first + 1 == patch


def test_logits_lie_where_their_patches_are(discriminator: Discriminator) -> None:
    first, last = seen_by(discriminator, 10 * 32 + 20)  # row 10, column 20 of the first scale
    assert abs(sum(first) / 2 - (10 * 8 + 3.5)) <= 4
    assert abs(sum(last) / 2 - (20 * 8 + 3.5)) <= 4


def test_projection_the_logit_depends_on_the_code(discriminator: Discriminator) -> None:
    pictures = drawn(1, 3, 64, 64)
    difference = discriminator(pictures, codes()) - discriminator(pictures, codes(seed=1))
    assert (difference.abs() > 1e-5).float().mean() > 0.99  # at every patch of every scale


def test_logits_are_affine_in_the_code(discriminator: Discriminator) -> None:
    """Miyato & Koyama 2018, eq. 3: an inner product with an embedding, and nothing else."""
    pictures, one, two = drawn(1, 3, 40, 40), codes(), codes(seed=1)
    middle = discriminator(pictures, 0.3 * one + 0.7 * two)
    mixed = 0.3 * discriminator(pictures, one) + 0.7 * discriminator(pictures, two)
    assert torch.allclose(middle, mixed, atol=1e-5)


def test_the_same_code_affects_different_patches_differently(discriminator: Discriminator) -> None:
    pictures = drawn(1, 3, 64, 64)
    pictures[..., :32] *= 0.1
    difference = discriminator(pictures, codes()) - discriminator(pictures, codes(seed=1))
    assert difference.std() > 1e-5


def test_a_patch_discriminator_by_the_formula() -> None:
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(CODE, (4, 5, 6)).eval().requires_grad_(False)
    pictures, code = drawn(2, 3, 32, 40), codes(2)
    x = pictures * 2 - 1
    for layer in discriminator.layers:
        x = torch.nn.functional.leaky_relu(layer(x), 0.2)
    embed, linear = discriminator.embed, discriminator.to_logits
    assert isinstance(embed, nn.Linear)
    assert isinstance(linear, nn.Conv2d)
    embedding = code @ embed.weight.T + embed.bias
    expected = torch.einsum("bchw,bc->bhw", x, embedding)[:, None]
    expected = expected + torch.einsum("bchw,oc->bohw", x, linear.weight[..., 0, 0])
    expected = expected + linear.bias[:, None, None]  # type: ignore[index]
    logits = discriminator(pictures, code)
    assert logits.shape == (2, 1, 4, 5)
    assert torch.allclose(logits, expected, atol=1e-5)


def test_weights_are_spectrally_normalized() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(CODE)
    for parameter in discriminator.parameters():
        parameter.data.mul_(20)  # the norm takes this out again
    for _ in range(30):  # each call is a step of the power iteration
        with torch.no_grad():
            discriminator(drawn(1, 3, 32, 32), codes())
    discriminator.eval()
    layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == SCALES * 6
    for layer in layers:
        weight = layer.weight
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=0.1)


def test_gradients_reach_every_parameter_the_pictures_and_the_code() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(CODE)
    pictures, code = drawn(2, 3, 32, 32).requires_grad_(), codes(2).requires_grad_()
    discriminator(pictures, code).square().mean().backward()
    for name, parameter in discriminator.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name
    assert pictures.grad is not None
    assert (pictures.grad.abs().sum(1) > 0).all()
    assert code.grad is not None
    assert code.grad.abs().max() > 0


def test_penalty_on_the_gradient_can_be_learnt_from() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(CODE).double().eval()
    pictures = drawn(1, 3, 32, 32, kind=torch.float64).requires_grad_()
    logits = discriminator(pictures, codes().double())
    (gradient,) = torch.autograd.grad(logits.mean(), pictures, create_graph=True)
    gradient.square().sum().backward()
    grads = {n: p.grad for n, p in discriminator.named_parameters() if "weight" in n}
    first = grads["scales.0.layers.0.parametrizations.weight.original"]
    assert first is not None
    assert first.abs().max() > 0


def test_older_files_with_other_names_load(discriminator: Discriminator) -> None:
    old = {
        name.replace("scales.", "critics.").replace(".to_logits.", ".verdict."): values
        for name, values in discriminator.state_dict().items()
    }
    assert not old.keys() & discriminator.state_dict().keys()
    torch.manual_seed(1)
    other = Discriminator(CODE).eval()
    other.load_state_dict(old)
    pictures = drawn(1, 3, 32, 40)
    assert torch.equal(other(pictures, codes()), discriminator(pictures, codes()))
    assert list(other.state_dict()) == list(discriminator.state_dict())
    with pytest.raises(RuntimeError, match="Missing key"):
        other.load_state_dict({k: v for k, v in old.items() if "verdict" not in k})


# ---------------------------------------------------------------------- augmentation


def augmented(pictures: Tensor, seed: int = 0) -> Tensor:
    return augment(pictures, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (64, 40)])
def test_augmentation_keeps_the_shape(height: int, width: int) -> None:
    pictures = drawn(3, 3, height, width)
    kept = pictures.clone()
    out = augmented(pictures)
    assert out.shape == pictures.shape
    assert out.dtype == pictures.dtype
    assert not torch.equal(out, pictures)
    assert torch.equal(pictures, kept)  # the original is left as it was


def test_augmentation_follows_its_generator_alone() -> None:
    pictures = drawn(4, 3, 32, 32)
    state = torch.get_rng_state()
    one = augmented(pictures)
    torch.manual_seed(123)
    assert torch.equal(augmented(pictures), one)
    assert not torch.equal(augmented(pictures, seed=1), one)
    torch.set_rng_state(state)
    augmented(pictures)
    assert torch.equal(torch.get_rng_state(), state)


def test_every_picture_of_a_batch_is_changed_in_its_own_way() -> None:
    out = augmented(drawn(1, 3, 32, 32).expand(4, -1, -1, -1))
    for i in range(3):
        assert not torch.allclose(out[i], out[i + 1])


def test_one_seed_is_one_policy_whatever_the_pictures() -> None:
    """The change is affine in the pictures: the draws do not look at them."""
    one, two = drawn(3, 3, 32, 32), drawn(3, 3, 32, 32, seed=1)
    middle = augmented(0.25 * one + 0.75 * two, seed=5)
    mixed = 0.25 * augmented(one, seed=5) + 0.75 * augmented(two, seed=5)
    assert torch.allclose(middle, mixed, atol=1e-6)


def test_a_flat_picture_shows_brightness_and_hole() -> None:
    pictures = torch.full((200, 3, 32, 32), 0.8)
    out = augmented(pictures)
    hole = (out == 0.5).all(1)
    for picture, cut in zip(out, hole, strict=True):
        rest = picture[:, ~cut]
        assert rest.min() >= 0.75 - 1e-6
        assert rest.max() <= 0.85 + 1e-6
        assert rest.max() - rest.min() < 1e-6  # contrast keeps the mean, shifts keep the color
    brightness = out[:, 0].amax((1, 2))
    assert brightness.max() - brightness.min() > 0.08
    assert abs(brightness.mean() - 0.8) < 0.01


def test_the_hole_is_one_square_of_a_quarter_of_the_side() -> None:
    hole = (augmented(torch.full((200, 3, 64, 64), 0.8)) == 0.5).all(1)
    rows, columns = hole.any(2).sum(1), hole.any(1).sum(1)
    assert torch.equal(hole.sum((1, 2)), rows * columns)  # a rectangle
    assert rows.max() <= 17
    assert columns.max() <= 17
    whole = (rows >= 15) & (columns >= 15)  # not partly outside
    assert whole.float().mean() > 0.5


def test_the_hole_comes_everywhere() -> None:
    """No border where a discriminator could learn a collection by heart undisturbed."""
    hole = (augmented(torch.full((1000, 3, 32, 32), 0.8)) == 0.5).all(1).float().mean(0)
    for along in (hole.mean(0), hole.mean(1)):
        assert along.min() > 0
        assert along[:8].mean().item() == pytest.approx(along[-8:].mean().item(), rel=0.25)


def test_the_shift_is_up_to_an_eighth_both_ways() -> None:
    pictures = torch.zeros(400, 3, 32, 32)
    pictures[:, :, 16, 16] = 50.0  # outshines brightness and contrast
    out = augmented(pictures).sum(1)
    kept = out.amax((1, 2)) > 40  # where it was not cut out
    places = out.flatten(1).argmax(1)[kept]
    rows, columns = places // 32 - 16, places % 32 - 16
    assert kept.float().mean() > 0.7
    for offsets in (rows, columns):
        assert sorted(set(offsets.tolist())) == list(range(-4, 5))


def test_contrast_changes_by_up_to_a_tenth() -> None:
    pictures = torch.zeros(300, 3, 32, 32)
    pictures[:, :, ::2] = 1.0
    out = augmented(pictures)
    high, low = out.amax((1, 2, 3)), out.amin((1, 2, 3))
    spread = high - low
    assert 0.9 - 1e-5 <= spread.min() < 0.92
    assert 1.08 < spread.max() <= 1.1 + 1e-5
    middle = (high + low) / 2
    assert (middle - 0.5).abs().max() <= 0.05 + 1e-5


def test_colors_keep_their_differences() -> None:
    """No change of saturation: color is part of the style."""
    pictures = torch.tensor([0.9, 0.4, 0.2])[:, None, None].expand(50, 3, 32, 32)
    out = augmented(pictures)
    inside = ~(out == 0.5).all(1)
    for picture, kept in zip(out, inside, strict=True):
        red, green, blue = picture[:, kept].mean(1)
        assert ((red - green) / (green - blue)).item() == pytest.approx(2.5, rel=1e-3)


def test_augmentation_is_differentiable() -> None:
    pictures = drawn(2, 3, 8, 8, kind=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(augmented, (pictures,))


def test_a_cut_out_pixel_has_no_gradient_but_through_the_mean() -> None:
    pictures = torch.full((1, 3, 32, 32), 0.8, requires_grad=True)
    out = augmented(pictures)
    kept = ~(out == 0.5).all(1)
    (gradient,) = torch.autograd.grad(out.sum(), pictures)
    assert gradient.sum().item() == pytest.approx(3 * kept.sum().item(), rel=1e-4)


def rolled_one_by_one(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """The same augmentation with a loop over the pictures."""
    count, _, height, width = pictures.shape

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, 1, 1, 1, generator=rng) * (high - low) + low

    mean = pictures.mean((1, 2, 3), keepdim=True)
    pictures = (pictures - mean) * uniform(0.9, 1.1) + mean + uniform(-0.05, 0.05)
    shift = max(1, height // 8)
    offsets = torch.randint(-shift, shift + 1, (2, count), generator=rng).tolist()
    moved = [p.roll((dy, dx), (1, 2)) for p, dy, dx in zip(pictures, *offsets, strict=True)]
    middle, center = uniform(0, height), uniform(0, width)
    holes = (torch.arange(height)[:, None] - middle).abs() < height // 4 / 2
    holes = holes & ((torch.arange(width) - center).abs() < height // 4 / 2)
    return torch.stack(moved).masked_fill(holes, 0.5)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (7, 9)])
def test_all_pictures_at_once_are_augmented_as_one_by_one(height: int, width: int) -> None:
    found = []
    for change in (augment, rolled_one_by_one):
        rng = torch.Generator().manual_seed(3)
        pictures = drawn(5, 3, height, width).requires_grad_()
        out = change(pictures, rng)
        (gradient,) = torch.autograd.grad(out.square().sum(), pictures)
        found.append((out, gradient, rng.get_state()))  # the same numbers are drawn, too
    assert all(map(torch.equal, *found))


# ---------------------------------------------------------------------- gray


def test_a_share_of_pictures_loses_its_color_and_nothing_else() -> None:
    pictures = torch.rand(400, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    found = in_gray(pictures, 0.3, torch.Generator().manual_seed(0))
    gray = (found == found[:, :1]).flatten(1).all(1)
    assert gray.float().mean().item() == pytest.approx(0.3, abs=0.07)
    assert torch.equal(found[~gray], pictures[~gray])
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    expected = (pictures[gray] * weights).sum(1, keepdim=True).expand(-1, 3, -1, -1)
    torch.testing.assert_close(found[gray], expected, atol=1e-3, rtol=0)


def test_gray_follows_its_generator_alone_and_lets_gradients_through() -> None:
    pictures = torch.rand(6, 3, 8, 8, requires_grad=True)
    one, two = (in_gray(pictures, 0.5, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, two)
    one.sum().backward()
    assert pictures.grad is not None
    assert (pictures.grad > 0).all()
