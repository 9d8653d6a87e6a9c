"""The style descriptor, and its reconstruction from the code."""

import pytest
import torch
from torch import Tensor

from gan_style.losses.descriptor import DescriptorLoss, StyleDescriptor

CHANNELS = {"first": 6, "second": 12}


def gram_of(sets: int, seed: int = 0) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    maps = {layer: torch.randn(sets, 30, c, generator=rng) for layer, c in CHANNELS.items()}
    return {layer: flat.mT @ flat / 30 for layer, flat in maps.items()}


# the descriptor


def test_upper_triangle_by_hand() -> None:
    descriptor = StyleDescriptor({"maps": 2}, numbers=3)
    projection = descriptor.get_buffer("maps_projection")  # of entries (0, 0), (0, 1), (1, 1)
    root = 2**0.5
    projection.copy_(torch.tensor([[1.0, 0, 0], [0, root, 0], [0, 0, 1]]))
    gram = torch.tensor([[[1.0, 2.0], [2.0, 5.0]]])
    expected = torch.tensor([[1.0, 2 * root, 5.0]])
    torch.testing.assert_close(descriptor({"maps": gram}), expected)
    assert expected.square().sum() == pytest.approx(gram.square().sum().item())


def test_layers_are_stacked_and_the_projection_is_linear() -> None:
    descriptor = StyleDescriptor(CHANNELS, numbers=8)
    first, second = gram_of(3, 0), gram_of(3, 1)
    found = descriptor(first)
    assert found.shape == (3, 16)
    mean = {layer: (first[layer] + second[layer]) / 2 for layer in CHANNELS}
    torch.testing.assert_close(descriptor(mean), (found + descriptor(second)) / 2)
    only = first | {"second": torch.zeros_like(first["second"])}
    assert torch.equal(descriptor(only)[:, :8], found[:, :8])
    assert not descriptor(only)[:, 8:].any()


def test_distances_are_those_of_the_gram_matrices() -> None:
    descriptor = StyleDescriptor(CHANNELS, numbers=4096)
    first, second = gram_of(4, 0), gram_of(4, 1)
    distance = (descriptor(first) - descriptor(second)).square().sum(1)
    exact = sum((first[layer] - second[layer]).square().sum((1, 2)) for layer in CHANNELS)
    torch.testing.assert_close(distance, exact, rtol=0.15, atol=0)


def test_the_projection_is_always_the_same_and_never_saved() -> None:
    first = StyleDescriptor(CHANNELS)
    torch.manual_seed(7)
    assert torch.equal(first(gram_of(2)), StyleDescriptor(CHANNELS)(gram_of(2)))
    assert not first.state_dict()
    assert not [*first.parameters()]


# the loss


def test_the_descriptor_is_brought_to_mean_0_and_variance_1() -> None:
    loss = DescriptorLoss(5, CHANNELS)
    codes, gram = torch.zeros(64, 5), gram_of(64)
    for parameter in loss.decoder.parameters():
        parameter.data.zero_()  # it knows nothing: the loss is the mean square of the target
    assert loss(codes, gram).item() == pytest.approx(1, abs=0.01)
    for parameter in loss.decoder[2:].parameters():
        parameter.data.fill_(0.0)
    loss.decoder[2].bias.data.fill_(0.5)
    assert loss(codes, gram).item() == pytest.approx(1 + 0.25, abs=0.01)


def test_gradients_reach_codes_and_decoder_but_not_the_pictures() -> None:
    torch.manual_seed(0)
    loss = DescriptorLoss(5, CHANNELS)
    codes = torch.randn(8, 5, requires_grad=True)
    gram = {layer: each.requires_grad_() for layer, each in gram_of(8).items()}
    loss(codes, gram).backward()
    assert codes.grad is not None
    assert (codes.grad.abs().sum(1) > 0).all()
    assert all(p.grad is not None and p.grad.any() for p in loss.decoder.parameters())
    assert all(each.grad is None for each in gram.values())


def test_the_state_holds_decoder_and_scale_alone() -> None:
    names = {name.partition(".")[0] for name in DescriptorLoss(5, CHANNELS).state_dict()}
    assert names == {"decoder", "scale"}
