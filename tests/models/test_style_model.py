import copy
import re

import pytest
import torch
from torch import Tensor

from gan_style.models.style_model import StyleModel, model_id

CODE = 12


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def model() -> StyleModel:
    torch.manual_seed(0)
    return StyleModel(CODE).requires_grad_(False)


@pytest.fixture(scope="module")
def identity(model: StyleModel) -> str:
    return model_id(model)


def test_it_remembers_its_code_and_size(model: StyleModel) -> None:
    assert (model.code, model.size) == (CODE, "small")
    assert model.encode(drawn(2, 3, 3, 32, 32)).shape == (2, CODE)
    default = StyleModel()
    assert (default.code, default.size) == (128, "small")


def test_it_encodes_and_paints_with_its_two_networks(model: StyleModel) -> None:
    examples, content = drawn(2, 3, 3, 32, 40), drawn(2, 3, 33, 47)
    code = model.encode(examples)
    assert torch.equal(code, model.encoder(examples))
    assert torch.equal(
        model(content, code), model.generator(content, model.corrected(content, code))
    )
    assert model(content, code).shape == content.shape


def test_a_code_is_corrected_by_what_the_first_painting_missed(model: StyleModel) -> None:
    content, code = drawn(2, 3, 32, 40), torch.randn(2, CODE, generator=torch.manual_seed(1))
    missed = code - model.encode(model.generator(content, code)[:, None])
    torch.testing.assert_close(model.corrected(content, code), code + missed / 2)
    other = copy.deepcopy(model)
    other.feedback.weight.zero_()
    assert torch.equal(other(content, code), other.generator(content, code))


def test_the_answer_to_what_was_missed_is_learnt(model: StyleModel) -> None:
    other = copy.deepcopy(model).requires_grad_(True)
    content, code = drawn(2, 3, 32, 40), torch.randn(2, CODE, generator=torch.manual_seed(1))
    code.requires_grad_(True)
    other.corrected(content, code).sum().backward()
    assert other.feedback.weight.grad is not None
    assert other.feedback.weight.grad.abs().max() > 0
    torch.testing.assert_close(code.grad, torch.ones_like(code))  # none through what was missed
    assert all(p.grad is None for p in other.generator.parameters())


def test_style_pictures_change_the_painting(model: StyleModel) -> None:
    content = drawn(1, 3, 32, 32)
    dark, bright = (model.encode(drawn(1, 2, 3, 32, 32) * s + (1 - s) / 2) for s in (0.2, 1.0))
    assert (model(content, dark) - model(content, bright)).abs().max() > 1e-3


def test_gradients_go_from_the_painting_through_the_code_into_the_encoder() -> None:
    torch.manual_seed(0)
    model = StyleModel(CODE)
    painted = model(drawn(1, 3, 32, 32), model.encode(drawn(1, 2, 3, 32, 32)))
    (painted - drawn(1, 3, 32, 32, seed=1)).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
    assert all(p.grad.abs().max() > 0 for p in model.encoder.parameters() if p.grad is not None)


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"model.size is 'medium'"):
        StyleModel(CODE, "medium")


def test_state_goes_into_another_model(model: StyleModel, identity: str) -> None:
    torch.manual_seed(1)
    other = StyleModel(CODE)
    assert model_id(other) != identity
    other.load_state_dict(model.state_dict())
    assert model_id(other) == identity
    content, code = drawn(1, 3, 32, 32), torch.randn(1, CODE)
    with torch.no_grad():
        assert torch.equal(other(content, code), model(content, code))


def test_weights_of_another_code_length_do_not_fit(model: StyleModel) -> None:
    with pytest.raises(RuntimeError, match="size mismatch"):
        StyleModel(CODE + 1).load_state_dict(model.state_dict())


# ---------------------------------------------------------------------- identity


def test_identity_is_16_hexadecimal_digits(identity: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", identity)


def test_identity_does_not_change_by_use_or_copy(model: StyleModel, identity: str) -> None:
    model.encode(drawn(1, 1, 3, 32, 32))
    assert model_id(model) == identity
    assert model_id(copy.deepcopy(model)) == identity
    assert model_id(copy.deepcopy(model).requires_grad_(True).train()) == identity


def test_identity_survives_export_in_half_precision(model: StyleModel, identity: str) -> None:
    exported = {k: v.half() for k, v in model.state_dict().items()}
    loaded = StyleModel(CODE)
    loaded.load_state_dict({k: v.float() for k, v in exported.items()})
    assert model_id(loaded) == identity
    assert model_id(copy.deepcopy(model).half()) == identity


def test_identity_does_not_depend_on_the_layout_in_memory(model: StyleModel, identity: str) -> None:
    plain = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
    assert model_id(plain) == identity


@pytest.mark.parametrize(
    "name", ["encoder.to_code.bias", "generator.to_picture.weight", "encoder.picture.stem.weight"]
)
def test_identity_changes_with_any_weight(model: StyleModel, identity: str, name: str) -> None:
    changed = copy.deepcopy(model)
    changed.get_parameter(name).data[0] += 0.5
    assert model_id(changed) != identity
