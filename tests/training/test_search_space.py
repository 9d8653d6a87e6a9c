import math
from random import Random
from typing import Any

import pytest

from gan_style.errors import ConfigError
from gan_style.training.search_space import (
    all_combinations,
    random_combinations,
    read_parameter,
)


@pytest.mark.parametrize(
    ("about", "low", "high"),
    [
        ({"min": 0.5, "max": 2.0}, 0.5, 2),
        ({"min": 2, "max": 5}, 2, 5),
        ({"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-2}, 1e-4, 1e-2),
        ({"distribution": "inv_log_uniform_values", "min": 2, "max": 8}, 2, 8),
        ({"distribution": "log_uniform", "min": -2, "max": 0}, math.exp(-2), 1),
        ({"distribution": "normal", "mu": 5, "sigma": 0.1}, 4, 6),
        ({"distribution": "log_normal", "mu": 0, "sigma": 0.1}, 0.5, 2),
        ({"distribution": "q_uniform", "min": 0, "max": 2, "q": 0.5}, 0, 2),
    ],
)
def test_draws_fill_the_interval(about: dict[str, Any], low: float, high: float) -> None:
    parameter, random = read_parameter("p", about), Random(1)
    drawn = [parameter.draw(random) for _ in range(2000)]
    assert low <= min(drawn) < max(drawn) <= high
    if about["distribution" if "distribution" in about else "min"] == "q_uniform":
        assert {value % 0.5 for value in drawn} == {0}


def test_log_uniform_values_are_as_often_in_each_decade() -> None:
    about = {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-2}
    parameter, random = read_parameter("p", about), Random(1)
    low = sum(parameter.draw(random) < 1e-3 for _ in range(2000))
    assert 900 < low < 1100


def test_whole_bounds_give_whole_numbers_and_others_four_digits() -> None:
    random = Random(0)
    assert isinstance(read_parameter("p", {"min": 1, "max": 9}).draw(random), int)
    drawn = read_parameter("p", {"min": 0.0, "max": 1.0}).draw(random)
    assert drawn == float(f"{drawn:.4g}")


def test_values_keep_their_probabilities() -> None:
    parameter = read_parameter("p", {"values": ["a", "b"], "probabilities": [0.9, 0.1]})
    random = Random(0)
    assert 850 < [parameter.draw(random) for _ in range(1000)].count("a") < 950


def test_a_grid_has_every_combination() -> None:
    parameters = [
        read_parameter("a", {"values": [1, None]}),
        read_parameter("b", {"min": 1, "max": 3}),
        read_parameter("c", {"value": "x"}),
    ]
    grid = all_combinations(parameters)
    assert len(grid) == 6
    assert grid[0] == {"a": 1, "b": 1, "c": "x"}
    assert grid[-1] == {"a": None, "b": 3, "c": "x"}
    with pytest.raises(ConfigError, match=r"parameters\.d is drawn from uniform, and a grid takes"):
        all_combinations([read_parameter("d", {"min": 0.0, "max": 1.0})])


def test_random_combinations_are_always_the_same_and_none_is_there_twice() -> None:
    parameters = [
        read_parameter("a", {"min": 0.0, "max": 1.0}),
        read_parameter("b", {"values": [1, 2]}),
    ]
    assert random_combinations(parameters, 5) == random_combinations(parameters, 8)[:5]
    assert sorted(each["b"] for each in random_combinations(parameters[1:], 8)) == [1, 2]


@pytest.mark.parametrize(
    "about",
    [
        {"value": None},
        {"values": [1, 2], "probabilities": [0.5, 0.5]},
        {"distribution": "q_log_uniform_values", "min": 1, "max": 100, "q": 5},
        {"distribution": "int_uniform", "min": 1, "max": 9},
    ],
)
def test_what_is_described_is_read_back(about: dict[str, Any]) -> None:
    assert read_parameter("p", about).described() == about


@pytest.mark.parametrize(
    ("about", "told"),
    [
        (3, "parameters.p is 3; it must be a mapping, such as {value: 3}"),
        ({}, "parameters.p needs value, values, or min and max"),
        ({"min": 1}, "parameters.p needs value, values, or min and max"),
        ({"parameters": {}}, "parameters.p is nested; write p.OPTION: ... instead"),
        ({"distribution": "unifrm"}, "did you mean uniform?"),
        ({"distribution": "normal", "mu": 1}, "is drawn from normal, which needs sigma"),
        ({"distribution": "uniform", "min": 0, "max": 1, "q": 1}, "has no 'q' here; it may have"),
        ({"min": 2, "max": 1}, "parameters.p: min 2 is above max 1"),
        ({"min": "x", "max": 1}, "parameters.p.min is 'x'; it must be a number"),
        ({"min": True, "max": 1}, "parameters.p.min is True; it must be a number"),
        (
            {"distribution": "log_uniform_values", "min": 0, "max": 1},
            "parameters.p.min is 0; for log_uniform_values it must be above 0",
        ),
        ({"values": []}, "parameters.p.values is []; it must be a list, such as [0.1, 0.5]"),
        ({"values": [1], "probabilities": [1, 2]}, "must be one for each of 1 values"),
        ({"values": [1], "min": 3}, "has no 'min' here"),
    ],
)
def test_what_cannot_be_is_refused(about: Any, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_parameter("p", about)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
