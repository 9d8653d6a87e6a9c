"""The parameters of a sweep: what each may be, in the words of Weights & Biases.

A parameter has one `value`, several `values`, or a `distribution` with its numbers. Without a
`distribution`, `min` and `max` are those of int_uniform where both are whole, else of uniform.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from random import Random
from typing import Any

from gan_style.errors import ConfigError

_Draw = Callable[[Random, Mapping[str, float]], float]

_BOUNDS, _NORMAL = ("min", "max"), ("mu", "sigma")
_DISTRIBUTIONS: dict[str, tuple[tuple[str, ...], _Draw]] = {
    "uniform": (_BOUNDS, lambda r, p: r.uniform(p["min"], p["max"])),
    "int_uniform": (_BOUNDS, lambda r, p: r.randint(int(p["min"]), int(p["max"]))),
    "log_uniform": (_BOUNDS, lambda r, p: math.exp(r.uniform(p["min"], p["max"]))),
    "log_uniform_values": (
        _BOUNDS,
        lambda r, p: math.exp(r.uniform(math.log(p["min"]), math.log(p["max"]))),
    ),
    "inv_log_uniform_values": (
        _BOUNDS,
        lambda r, p: 1 / math.exp(r.uniform(-math.log(p["max"]), -math.log(p["min"]))),
    ),
    "normal": (_NORMAL, lambda r, p: r.gauss(p["mu"], p["sigma"])),
    "log_normal": (_NORMAL, lambda r, p: r.lognormvariate(p["mu"], p["sigma"])),
}
_OF_VALUES = ("constant", "categorical")
_QUANTIZED = "q_"  # before a distribution: rounded to multiples of `q`
_LOGARITHMIC = ("log_uniform_values", "inv_log_uniform_values")
_DIGITS = 4  # significant ones of a number that is drawn: more say nothing
_KIND = "distribution"


@dataclass(frozen=True)
class Parameter:
    """What one option may be.

    values: those it is chosen from; empty where it is drawn. weights: how often each, if not
    alike. distribution: a name of W&B's, where it is drawn. numbers: of the distribution.
    """

    name: str
    values: tuple[Any, ...] = ()
    weights: tuple[float, ...] = ()
    distribution: str = ""
    numbers: Mapping[str, float] | None = None

    @property
    def varies(self) -> bool:
        """Whether runs differ in it."""
        return len(self.values) != 1

    def described(self) -> dict[str, Any]:
        """As W&B's server takes it: numbers as numbers, and the distribution by its name."""
        if not self.values:
            return {_KIND: self.distribution, **(self.numbers or {})}
        if not self.varies:
            return {"value": self.values[0]}
        weights = {"probabilities": list(self.weights)} if self.weights else {}
        return {"values": list(self.values), **weights}

    def draw(self, random: Random) -> Any:
        """One of its values, by chance."""
        if self.values:
            return random.choices(self.values, self.weights or None)[0]
        numbers, kind = self.numbers or {}, self.distribution.removeprefix(_QUANTIZED)
        drawn = _DISTRIBUTIONS[kind][1](random, numbers)
        if kind != self.distribution:
            step = numbers.get("q", 1)
            drawn = round(drawn / step) * step
        return drawn if isinstance(drawn, int) else float(f"{drawn:.{_DIGITS}g}")

    def grid(self) -> tuple[Any, ...]:
        """All of its values, for a grid.

        Raises:
            ConfigError: it has no end of them.
        """
        if self.values:
            return self.values
        numbers = self.numbers or {}
        if self.distribution == "int_uniform":
            return tuple(range(int(numbers["min"]), int(numbers["max"]) + 1))
        raise ConfigError(
            f"parameters.{self.name} is drawn from {self.distribution}, and a grid takes values: "
            "give values: [...], or method: random"
        )

    def samples(self) -> tuple[Any, ...]:
        """Values to check beforehand: all, or the ends of the interval, or the middle."""
        if self.values:
            return self.values
        numbers = self.numbers or {}
        ends = [numbers[name] for name in (*_BOUNDS, "mu") if name in numbers]
        if self.distribution.removeprefix(_QUANTIZED) in ("log_uniform", "log_normal"):
            ends = [math.exp(end) for end in ends]
        return tuple(int(end) if self.distribution == "int_uniform" else end for end in ends)


def read_parameter(name: str, about: Any) -> Parameter:
    """The parameter that a sweep file describes.

    Raises:
        ConfigError: in one line, what is wrong with it.
    """
    place = f"parameters.{name}"
    if not isinstance(about, Mapping):
        raise ConfigError(f"{place} is {about!r}; it must be a mapping, such as {{value: 3}}")
    if "parameters" in about:
        raise ConfigError(f"{place} is nested; write {name}.OPTION: ... instead")
    distribution = about.get(_KIND) or _implied(about, place)
    if distribution in _OF_VALUES:
        return _of_values(name, about, place)
    kind = str(distribution).removeprefix(_QUANTIZED)
    if kind not in _DISTRIBUTIONS or str(distribution) == f"{_QUANTIZED}int_uniform":
        raise ConfigError(f"{place}.distribution is {distribution!r}; {_known(str(distribution))}")
    wanted = _DISTRIBUTIONS[kind][0]
    optional = ("q",) if kind != distribution else ()
    _refuse_others(about, (*wanted, *optional, _KIND), place)
    missing = [each for each in wanted if each not in about]
    if missing:
        raise ConfigError(f"{place} is drawn from {distribution}, which needs {missing[0]}")
    numbers = {each: _number(about[each], f"{place}.{each}") for each in about if each != _KIND}
    _check_numbers(numbers, kind, place)
    return Parameter(name, distribution=str(distribution), numbers=numbers)


def _implied(about: Mapping[str, Any], place: str) -> str:
    if "value" in about:
        return "constant"
    if "values" in about:
        return "categorical"
    if "min" in about and "max" in about:
        whole = all(isinstance(about[each], int) for each in _BOUNDS)
        return "int_uniform" if whole else "uniform"
    raise ConfigError(f"{place} needs value, values, or min and max")


def _of_values(name: str, about: Mapping[str, Any], place: str) -> Parameter:
    _refuse_others(about, ("value", "values", "probabilities", _KIND), place)
    values = [about["value"]] if "value" in about else about.get("values")
    if not isinstance(values, list) or not values:
        raise ConfigError(f"{place}.values is {values!r}; it must be a list, such as [0.1, 0.5]")
    weights = about.get("probabilities") or []
    if weights:
        weights = [_number(each, f"{place}.probabilities") for each in weights]
        if len(weights) != len(values) or min(weights) < 0 or sum(weights) <= 0:
            raise ConfigError(f"{place}.probabilities must be one for each of {len(values)} values")
    return Parameter(name, tuple(values), tuple(weights))


def _check_numbers(numbers: Mapping[str, float], kind: str, place: str) -> None:
    if "min" in numbers and numbers["min"] > numbers["max"]:
        raise ConfigError(f"{place}: min {numbers['min']:g} is above max {numbers['max']:g}")
    if kind in _LOGARITHMIC and numbers["min"] <= 0:
        raise ConfigError(f"{place}.min is {numbers['min']:g}; for {kind} it must be above 0")
    for each in ("q", "sigma"):
        if each in numbers and numbers[each] <= 0:
            raise ConfigError(f"{place}.{each} is {numbers[each]:g}; it must be above 0")


def _number(value: Any, place: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value):
        raise ConfigError(f"{place} is {value!r}; it must be a number")
    return float(value) if isinstance(value, float) else int(value)


def _refuse_others(about: Mapping[str, Any], allowed: tuple[str, ...], place: str) -> None:
    for key in about:
        if key not in allowed:
            raise ConfigError(f"{place} has no {key!r} here; it may have {', '.join(allowed)}")


def _known(name: str) -> str:
    quantized = [_QUANTIZED + each for each in _DISTRIBUTIONS if each != "int_uniform"]
    near = get_close_matches(name, [*_OF_VALUES, *_DISTRIBUTIONS, *quantized], n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"it must be one of {', '.join((*_OF_VALUES, *_DISTRIBUTIONS))}, or q_ before it{hint}"


def all_combinations(parameters: list[Parameter]) -> list[dict[str, Any]]:
    """Every combination of the values of a grid, the last parameter the fastest.

    Raises:
        ConfigError: a parameter has no end of values.
    """
    names = [each.name for each in parameters]
    return [
        dict(zip(names, values, strict=True)) for values in product(*(p.grid() for p in parameters))
    ]


def random_combinations(parameters: list[Parameter], count: int) -> list[dict[str, Any]]:
    """Up to `count` different combinations, always the same ones; fewer where there are fewer."""
    random = Random(0)
    found: list[dict[str, Any]] = []
    for _ in range(100 * count):
        drawn = {each.name: each.draw(random) for each in parameters}
        if drawn not in found:
            found.append(drawn)
        if len(found) == count:
            break
    return found
