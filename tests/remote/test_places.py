from pathlib import Path

import pytest

from gan_style.remote.places import is_remote


@pytest.mark.parametrize("place", ["hf:user/name", "wandb:entity/project/name:v3"])
def test_an_address_is_one(place):
    assert is_remote(place)


@pytest.mark.parametrize(
    "place",
    ["base", "runs/mine", "C:\\styles", "hf", "hf/a", "https://host/a", "", Path("hf:user/a")],
)
def test_a_path_or_a_name_is_none(place):
    assert not is_remote(place)
