"""A sweep's file: a search over options of training, in the format of Weights & Biases."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from gan_style.config import Config, LossWeights, TrackingConfig, load_config
from gan_style.config_files import parse_text
from gan_style.errors import ConfigError
from gan_style.training.likeness import Likeness
from gan_style.training.search_space import (
    Parameter,
    all_combinations,
    random_combinations,
    read_parameter,
)
from gan_style.training.terms import ADVERSARIAL, DESCRIPTOR, RECONSTRUCTION, STEADINESS

_METHODS = ("bayes", "random", "grid")
_GOALS = ("minimize", "maximize")
_KEYS = (
    *("method", "metric", "parameters", "name", "description", "program", "command", "run_cap"),
    *("early_terminate", "project", "entity"),
)
_TAKEN = {
    "data.styles": "the styles are given on the command line",
    "run.dir": "each run has a folder of its own",
    "run.name": "each run has a name of its own",
    "train.resume": "interrupted runs are resumed by themselves",
}
_LOSSES = tuple(
    each.name
    for each in fields(LossWeights)
    if each.name not in (ADVERSARIAL, DESCRIPTOR, RECONSTRUCTION, STEADINESS)  # not in validation
)
_SCORE = "score"


@dataclass(frozen=True)
class SweepFile:
    """What a sweep's file says.

    settings: all of it, as W&B takes it. metric, goal: what is compared, "minimize" or "maximize".
    run_cap: runs at most, if the file says so.
    """

    path: Path
    settings: Mapping[str, Any]
    method: str
    metric: str
    goal: str
    parameters: tuple[Parameter, ...]
    run_cap: int | None

    @property
    def name(self) -> str:
        """Of the sweep: what the file calls it, or the file's own."""
        return str(self.settings.get("name") or self.path.stem)

    def tracking(self) -> TrackingConfig:
        """Where its runs are tracked: as the file, or its parameters, say."""
        config = next(_configs(self.parameters)).tracking
        project = self.settings.get("project") or config.project
        return replace(config, project=project, entity=self.settings.get("entity") or config.entity)

    def trials(self, count: int | None) -> list[dict[str, Any]]:
        """The parameters of each run of a search on this machine, the same every time.

        A grid has all combinations, or the first `count`; else they are drawn at random, as there
        is no bayes without W&B's server.

        Raises:
            ConfigError: no number of runs, or a grid over what has no end of values.
        """
        known = [each for each in (count, self.run_cap) if each is not None]
        parameters = list(self.parameters)
        if self.method == "grid":
            return all_combinations(parameters)[: min(known, default=None)]
        if not known:
            raise ConfigError(
                f"{self.path}: method {self.method} has no end; give --count, or run_cap in it"
            )
        return random_combinations(parameters, min(known))


def read_sweep(path: Path) -> SweepFile:
    """Read and check a sweep's file.

    Raises:
        ConfigError: in one line, what is wrong: no such file, a key, method, metric, parameter,
            distribution or value that cannot be.
    """
    settings = _read(path)
    try:
        method = _one_of(settings, "method", _METHODS)
        metric, goal = _metric(settings.get("metric"))
        parameters = _parameters(settings.get("parameters"))
        _refuse_incomparable(metric, parameters)
        for config in _configs(parameters):
            _refuse_unlogged(metric, config)
        cap = settings.get("run_cap")
        if cap is not None and (isinstance(cap, bool) or not isinstance(cap, int) or cap < 1):
            raise ConfigError(f"run_cap is {cap!r}; it must be a whole number at least 1")
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    described = {each.name: each.described() for each in parameters}
    settings = {**settings, "parameters": described}
    return SweepFile(path, settings, method, metric, goal, parameters, cap)


def config_of(parameters: Mapping[str, Any], further: Mapping[str, Any]) -> Config:
    """The configuration of a run with these parameters.

    Raises:
        ConfigError: they do not go together.
    """
    return load_config(None, overrides_of({**parameters, **further}))


def overrides_of(values: Mapping[str, Any]) -> list[str]:
    """Options as words for `gan-style train`."""
    return [f"{name}={'null' if value is None else value}" for name, value in values.items()]


def _read(path: Path) -> Mapping[str, Any]:
    try:
        settings = _typed(parse_text(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path} is no sweep file that can be read: {reason}") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"{path} is no sweep file: it must have method, metric and parameters")
    for key in settings:
        if key not in _KEYS:
            near = get_close_matches(str(key), _KEYS, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; it may have {', '.join(_KEYS)}"
            raise ConfigError(f"{path}: there is no key {key!r} in a sweep{hint}")
    return settings


def _typed(value: Any) -> Any:
    """Texts that are numbers, true or false as such: 1e-4 is a number here, and off is a word."""
    if isinstance(value, dict):
        return {name: _typed(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_typed(each) for each in value]
    if not isinstance(value, str):
        return value
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    for kind in (int, float):
        with suppress(ValueError):
            return kind(value)
    return value


def _one_of(settings: Mapping[str, Any], key: str, allowed: tuple[str, ...]) -> str:
    value = settings.get(key)
    if value not in allowed:
        near = get_close_matches(str(value), allowed, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(f"{key} is {value!r}; it must be {' | '.join(allowed)}{hint}")
    return str(value)


def _metric(about: Any) -> tuple[str, str]:
    if not isinstance(about, dict) or "name" not in about:
        raise ConfigError(f"metric is {about!r}; it must have name and goal")
    name = str(about["name"])
    goal = _one_of({"metric.goal": about.get("goal", "minimize")}, "metric.goal", _GOALS)
    known = known_metrics()
    if name not in known and not name.startswith("report/memorization/"):
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"such as {known[-1]} or {known[0]}"
        raise ConfigError(f"metric.name is {name!r}, which no run logs; {hint}")
    return name, goal


def known_metrics() -> list[str]:
    """The numbers that a run logs and that runs can be compared by."""
    terms = (_SCORE, *_LOSSES)
    measured = [f"validation/{name}" for name in terms]
    for when in ("learned", "held_out"):
        measured += [f"report/after/{when}/{name}" for name in terms]
    likeness = [f"report/likeness/{each.name}" for each in fields(Likeness)]
    return [*measured, "report/error_ratio", *reversed(likeness)]


def _parameters(about: Any) -> tuple[Parameter, ...]:
    if not isinstance(about, dict) or not about:
        raise ConfigError("parameters must be a mapping, such as {losses.gram: {values: [5, 10]}}")
    parameters = tuple(read_parameter(str(name), each) for name, each in about.items())
    for each in parameters:
        if each.name in _TAKEN:
            raise ConfigError(f"parameters.{each.name} cannot be given: {_TAKEN[each.name]}")
    return parameters


def _configs(parameters: tuple[Parameter, ...]) -> Iterator[Config]:
    """A run with each value, or each end of an interval, the first ones of the others beside it."""
    first = {each.name: each.samples()[0] for each in parameters}
    yield config_of(first, {})
    for each in parameters:
        for value in each.samples()[1:]:
            yield config_of({**first, each.name: value}, {})


def _refuse_unlogged(metric: str, config: Config) -> None:
    """Refuse a metric that such a run does not log."""
    kind, _, name = metric.rpartition("/")
    if name in _LOSSES and not getattr(config.losses, name):
        raise ConfigError(f"{metric} is logged only where losses.{name} is above 0")
    if config.train.init is None and kind in ("report", "report/likeness"):
        raise ConfigError(f"{metric} compares with the base model, and train.init is null")


def _refuse_incomparable(metric: str, parameters: tuple[Parameter, ...]) -> None:
    """A score is the sum weighted by losses.…: runs with other weights have other scores."""
    changed = [each.name for each in parameters if each.varies and each.name.startswith("losses.")]
    if changed and metric.endswith(f"/{_SCORE}"):
        raise ConfigError(
            f"metric {metric} is weighted by {changed[0]}, in which the runs differ, so it cannot "
            "compare them; take report/likeness/mine or validation/stroke"
        )
