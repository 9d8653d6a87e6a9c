import copy
import hashlib
import json
import math
import re

import pytest
import torch
from torch import Tensor

from gan_style.errors import ModelError
from gan_style.models.style_model import StyleModel, StyleModelConfig, model_id
from gan_style.pretrained import read_model

CODE = 12
CONFIG = StyleModelConfig(CODE)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def model() -> StyleModel:
    torch.manual_seed(0)
    return StyleModel(CONFIG).requires_grad_(False)


@pytest.fixture(scope="module")
def identity(model: StyleModel) -> str:
    return model_id(model)


def test_it_is_built_as_its_configuration_says(model: StyleModel) -> None:
    assert model.config == CONFIG
    assert model.encode(drawn(2, 3, 3, 32, 32)).shape == (2, CODE)
    assert model.generator.supersampling == 1.5
    assert StyleModelConfig() == StyleModelConfig(256, "small", 1.5)


def test_a_configuration_goes_through_json_and_back() -> None:
    config = StyleModelConfig(16, "large", 2.0)
    assert StyleModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert str(config) == "model.code_dim=16 model.size=large model.supersampling=2.0"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"code_dim": 0}, "model.code_dim is 0; allowed: 1 to 4096"),
        ({"code_dim": "16"}, "model.code_dim is '16'"),
        ({"code_dim": True}, "model.code_dim is True"),
        ({"size": "huge"}, "model.size is 'huge'; allowed: small, large"),
        ({"size": ["small"]}, r"model.size is \['small'\]"),
        (
            {"supersampling": 0.5},
            r"model.supersampling is 0.5; allowed: multiples of 0.5 from 1 on",
        ),
        ({"supersampling": 1.3}, "model.supersampling is 1.3"),
        ({"supersampling": math.nan}, "model.supersampling is nan"),
        ({"supersampling": math.inf}, "model.supersampling is inf"),
        ({"supersampling": "fine"}, "model.supersampling is 'fine'"),
        ({"depth": 3, "a": 1}, "unknown: a, depth; allowed: code_dim, size, supersampling"),
    ],
)
def test_values_that_no_model_has_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        StyleModelConfig.from_dict(CONFIG.to_dict() | changes)


def test_a_missing_value_is_named() -> None:
    with pytest.raises(ModelError, match="size, supersampling is missing"):
        StyleModelConfig.from_dict({"code_dim": 3})


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


def test_the_correction_is_learned(model: StyleModel) -> None:
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
    model = StyleModel(CONFIG)
    painted = model(drawn(1, 3, 32, 32), model.encode(drawn(1, 2, 3, 32, 32)))
    (painted - drawn(1, 3, 32, 32, seed=1)).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
    assert all(p.grad.abs().max() > 0 for p in model.encoder.parameters() if p.grad is not None)


def test_state_goes_into_another_model(model: StyleModel, identity: str) -> None:
    torch.manual_seed(1)
    other = StyleModel(CONFIG)
    assert model_id(other) != identity
    other.load_state_dict(model.state_dict())
    assert model_id(other) == identity
    content, code = drawn(1, 3, 32, 32), torch.randn(1, CODE)
    with torch.no_grad():
        assert torch.equal(other(content, code), model(content, code))


def test_weights_of_another_code_length_do_not_fit(model: StyleModel) -> None:
    with pytest.raises(RuntimeError, match="size mismatch"):
        StyleModel(StyleModelConfig(CODE + 1)).load_state_dict(model.state_dict())


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
    loaded = StyleModel(CONFIG)
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


def test_identity_of_the_shipped_model_is_that_of_its_codes() -> None:
    """It is what it was when supersampling was a tensor: old codes keep working."""
    read = read_model("base")
    assert "generator.fineness" in read.model
    digest = hashlib.sha256()
    for name, values in sorted(read.model.items()):
        digest.update(name.encode())
        digest.update(values.half().numpy().tobytes())
    model = read.build()
    assert "generator.fineness" not in model.state_dict()
    assert model_id(model) == digest.hexdigest()[:16]


def test_identity_depends_on_supersampling(model: StyleModel, identity: str) -> None:
    finer = StyleModel(StyleModelConfig(CODE, supersampling=2))
    finer.load_state_dict(model.state_dict())
    assert model_id(finer) != identity
