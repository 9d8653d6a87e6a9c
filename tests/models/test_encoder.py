from copy import deepcopy

import pytest
import torch
from torch import Tensor

from gan_style.models.encoder import StyleEncoder
from gan_style.models.feature_networks import picture_features, stroke_features
from gan_style.models.layers import RunningScale
from gan_style.models.statistics import mean_and_deviation

CODE = 12


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def encoder() -> StyleEncoder:
    torch.manual_seed(0)
    return StyleEncoder(CODE).requires_grad_(False)


@pytest.mark.parametrize("size", ["small", "large"])
def test_shape_of_codes(size: str) -> None:
    with torch.no_grad():
        code = StyleEncoder(CODE, size)(drawn(2, 3, 3, 32, 40))
    assert code.shape == (2, CODE)
    assert code.dtype == torch.float32


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (200, 32), (63, 65)])
def test_pictures_of_every_size_are_read(encoder: StyleEncoder, height: int, width: int) -> None:
    code = encoder(drawn(1, 2, 3, height, width))
    assert code.shape == (1, CODE)
    assert torch.isfinite(code).all()


@pytest.mark.parametrize("examples", [1, 2, 5])
def test_code_of_a_set_is_the_mean_of_its_pictures_codes(
    encoder: StyleEncoder, examples: int
) -> None:
    """The stylizer encodes picture by picture and the trainer all at once: it has to agree."""
    pictures = drawn(2, examples, 3, 40, 40)
    single = torch.stack([encoder(pictures[:, i : i + 1]) for i in range(examples)])
    assert torch.allclose(encoder(pictures), single.mean(0), atol=1e-5)
    if examples > 1:
        assert single.std(0).max() > 1e-3  # the codes differ, so that the mean says something


def test_order_of_the_pictures_does_not_matter(encoder: StyleEncoder) -> None:
    pictures = drawn(2, 4, 3, 40, 40)
    assert torch.allclose(encoder(pictures[:, [2, 0, 3, 1]]), encoder(pictures), atol=1e-6)


def test_a_picture_given_twice_changes_nothing(encoder: StyleEncoder) -> None:
    pictures = drawn(1, 1, 3, 40, 40)
    assert torch.allclose(encoder(pictures.repeat(1, 3, 1, 1, 1)), encoder(pictures), atol=1e-6)


def test_sets_do_not_mix(encoder: StyleEncoder) -> None:
    pictures = drawn(3, 2, 3, 40, 40)
    together = encoder(pictures)
    for i in range(3):
        assert torch.allclose(encoder(pictures[i : i + 1])[0], together[i], atol=1e-5)


def test_different_pictures_have_different_codes(encoder: StyleEncoder) -> None:
    one = drawn(1, 1, 3, 64, 64)
    smooth = torch.nn.functional.avg_pool2d(one[0], 5, 1, 2)[None]
    others = (one * 0.5, one.flip(2), smooth)  # darker, other colors, other texture
    measured = deepcopy(encoder)
    measured(torch.cat([one, *others]), measure=True)
    for other in others:
        assert (measured(other) - measured(one)).norm() > 0.03


def test_code_hardly_depends_on_how_much_of_a_texture_is_shown(encoder: StyleEncoder) -> None:
    rough = drawn(1, 1, 3, 32, 32).repeat(1, 1, 1, 6, 6)
    texture = torch.nn.functional.avg_pool2d(rough[0], 5, 1, 2)[None]
    part, other = texture[..., :96, :96], drawn(1, 1, 3, 96, 96, seed=1) ** 2
    whole = encoder(texture)
    assert (encoder(part) - whole).norm() < 0.3 * (encoder(other) - whole).norm()


def test_gradients_reach_every_parameter_and_the_pictures() -> None:
    torch.manual_seed(0)
    encoder = StyleEncoder(CODE)
    pictures = drawn(2, 2, 3, 32, 32).requires_grad_()
    (encoder(pictures) * drawn(2, CODE, seed=1)).sum().backward()
    for name, parameter in encoder.named_parameters():
        if name.startswith(("picture.", "stroke.")):
            assert parameter.grad is None, name  # compact is frozen
            continue
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
        assert torch.isfinite(parameter.grad).all(), name
    assert pictures.grad is not None
    assert (pictures.grad.abs().sum((2, 3, 4)) > 0).all()  # of every picture of every set


def test_gradients_of_a_flat_picture_are_finite() -> None:
    encoder = StyleEncoder(CODE)
    encoder(torch.full((1, 1, 3, 32, 32), 0.5)).square().sum().backward()
    for parameter in encoder.parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None
            assert torch.isfinite(parameter.grad).all()


def test_readings_are_the_moments_of_compact(encoder: StyleEncoder) -> None:
    pictures = drawn(2, 3, 40, 48)
    found = encoder.readings(pictures)
    maps = picture_features("compact")(pictures)["relu1_1"]
    assert torch.allclose(found[:, :32], maps.mean((2, 3)), atol=1e-5)
    deviations = maps.var((2, 3), correction=0).add(1e-5).sqrt()
    assert torch.allclose(found[:, 32:64], deviations, atol=1e-4)
    strokes = stroke_features("compact")(pictures)["fire12"]
    assert torch.allclose(found[:, -1024:-512], strokes.mean((2, 3)), atol=1e-5)


def test_codes_are_float32_under_autocast(encoder: StyleEncoder) -> None:
    pictures = drawn(1, 2, 3, 40, 40)
    with torch.autocast("cpu", torch.bfloat16):
        code = encoder(pictures)
    assert code.dtype == torch.float32
    exact = encoder(pictures)
    assert (code - exact).norm() < 0.1 * exact.norm()


def test_memory_format_does_not_matter(encoder: StyleEncoder) -> None:
    pictures = drawn(2, 1, 3, 40, 40)
    last = pictures[:, 0].contiguous(memory_format=torch.channels_last)[:, None]
    assert torch.allclose(encoder(last), encoder(pictures), atol=1e-5)


def test_pooling_by_hand() -> None:
    maps = torch.tensor([[[[1.0, 3.0]], [[-2.0, 4.0]]]])  # (1, 2, 1, 2)
    pooled = mean_and_deviation(maps)[0].tolist()
    assert pooled == pytest.approx([2.0, 1.0, (1 + 1e-5) ** 0.5, (9 + 1e-5) ** 0.5])


def test_pooling_forgets_positions() -> None:
    maps = drawn(2, 3, 5, 6)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(
        mean_and_deviation(maps.flatten(2)[:, :, order].view_as(maps)),
        mean_and_deviation(maps),
        atol=1e-6,
    )


def test_pooled_half_precision_is_float32() -> None:
    assert mean_and_deviation(drawn(1, 2, 8, 8).bfloat16()).dtype == torch.float32


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"model.size is 'huge'; allowed: small, large"):
        StyleEncoder(CODE, "huge")


# ---------------------------------------------------------------------- the scale of readings


def test_running_scale_by_hand() -> None:
    scale = RunningScale(2)
    values = torch.tensor([[1.0, 10.0], [3.0, 10.0]])
    assert torch.allclose(scale(values), values, atol=1e-3)  # nothing measured: as they are
    scale.measure(values)
    assert torch.allclose(scale(values), torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), atol=1e-3)
    scale.measure(values + 4)  # the mean of both: 4 and 12, mean squares (5 + 37) / 2, 148
    expected = (torch.tensor([4.0, 14.0]) - torch.tensor([4.0, 12.0])) / torch.tensor(
        [5.0, 4.0]
    ).sqrt()
    assert torch.allclose(scale(torch.tensor([[4.0, 14.0]])), expected[None], atol=1e-3)


def test_running_scale_stays_what_it_is_once_it_is_measured() -> None:
    scale = RunningScale(1)
    scale.steps.fill_(RunningScale.STEPS - 1)
    scale.measure(torch.tensor([[5.0]]))
    state = {k: v.clone() for k, v in scale.state_dict().items()}
    assert state["mean"].item() == pytest.approx(0.05)  # a share of 1 in 100
    scale.measure(torch.tensor([[5.0]]))
    assert all(torch.equal(v, state[k]) for k, v in scale.state_dict().items())


def test_running_scale_never_waits_for_the_device_it_is_on() -> None:
    scale = RunningScale(2).to("meta")  # from which no number can be read
    scale.measure(torch.zeros(3, 2, device="meta"))
    assert (scale.mean.device.type, scale.steps.device.type) == ("meta", "cpu")
    assert scale.steps == 1
    assert scale.state_dict().keys() == {"mean", "square", "steps"}


def test_only_pictures_that_are_measured_set_the_scale() -> None:
    torch.manual_seed(0)
    encoder = StyleEncoder(CODE)
    pictures = drawn(4, 1, 3, 40, 40)
    encoder(pictures)
    assert encoder.scale.steps == 0
    encoder(pictures, measure=True)
    assert encoder.scale.steps == 1


def test_codes_have_more_than_two_dimensions() -> None:
    """Pictures that differ in brightness above all: the rest must not drown in it."""
    torch.manual_seed(0)
    encoder = StyleEncoder(64).requires_grad_(False)
    light = torch.linspace(0.05, 1, 40)[:, None, None, None, None]
    rough = drawn(40, 1, 3, 32, 32)
    smooth = torch.nn.functional.avg_pool2d(rough[:, 0], 3, 1, 1)[:, None]
    share = drawn(40, 1, 1, 1, 1, seed=1)
    pictures = light * (drawn(40, 1, 3, 1, 1, seed=2) + 0.3 * torch.lerp(rough, smooth, share))

    def dimensions() -> float:
        values = torch.linalg.eigvalsh(torch.cov(encoder(pictures.clamp(0, 1)).T))
        return (values.sum().square() / values.square().sum()).item()  # participation ratio

    before = dimensions()
    encoder(pictures.clamp(0, 1), measure=True)
    assert dimensions() > 1.5 * before
