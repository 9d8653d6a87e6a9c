from pathlib import Path

import pytest

from gan_style.errors import ConfigError
from gan_style.training.sweep_file import SweepFile, read_sweep

GOOD = """
name: mine
method: random
metric: {name: validation/stroke, goal: minimize}
parameters:
  train.learning_rate: {min: 0.001, max: 0.01}
  losses.gram: {values: [5, 10]}
run_cap: 4
"""


def read(tmp_path: Path, text: str) -> SweepFile:
    path = tmp_path / "sweep.yaml"
    path.write_text(text, encoding="utf-8")
    return read_sweep(path)


def test_a_sweep_is_read(tmp_path: Path) -> None:
    sweep = read(tmp_path, GOOD)
    assert (sweep.name, sweep.method, sweep.metric, sweep.goal, sweep.run_cap) == (
        "mine", "random", "validation/stroke", "minimize", 4,
    )  # fmt: skip
    assert len(sweep.trials(None)) == len(sweep.trials(9)) == 4
    assert sweep.trials(2) == sweep.trials(None)[:2]
    assert sweep.settings["parameters"]["train.learning_rate"]["distribution"] == "uniform"


def test_a_grid_needs_no_number_of_runs_and_a_search_does(tmp_path: Path) -> None:
    text = GOOD.replace("run_cap: 4", "")
    grid = text.replace("random", "grid").replace("{min: 0.001, max: 0.01}", "{values: [0.1, 0.2]}")
    assert len(read(tmp_path, grid).trials(None)) == 4
    assert len(read(tmp_path, grid).trials(3)) == 3
    with pytest.raises(ConfigError, match="method random has no end; give --count, or run_cap"):
        read(tmp_path, text).trials(None)


def test_where_it_is_tracked_the_file_says(tmp_path: Path) -> None:
    tracking = read(tmp_path, f"{GOOD}project: posters\n").tracking()
    assert (tracking.project, tracking.entity) == ("posters", None)
    text = GOOD.replace("  losses.gram", "  tracking.wandb: {value: off}\n  losses.gram")
    assert read(tmp_path, text).tracking().wandb == "off"


def test_numbers_and_words_that_yaml_takes_for_something_else(tmp_path: Path) -> None:
    text = GOOD.replace("{min: 0.001, max: 0.01}", "{min: 1e-4, max: 1}")
    about = read(tmp_path, text).settings["parameters"]["train.learning_rate"]
    assert about == {"distribution": "uniform", "min": 1e-4, "max": 1}


def test_options_that_limit_each_other_are_seen_together(tmp_path: Path) -> None:
    both = "data.size: {value: 400}\n  data.crop: {values: [256, 384]}"
    text = GOOD.replace("losses.gram: {values: [5, 10]}", both)
    assert read(tmp_path, text).trials(1)[0]["data.size"] == 400
    with pytest.raises(ConfigError, match=r"data\.crop is 384; it must be .* at most data\.size"):
        read(tmp_path, text.replace("value: 400", "value: 320"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("method: random", "method: baies", "method is 'baies'; it must be bayes | random | grid;"),
        (
            "method: random",
            "metod: random",
            "there is no key 'metod' in a sweep; did you mean method?",
        ),
        ("goal: minimize", "goal: min", "metric.goal is 'min'; it must be minimize | maximize"),
        (
            "validation/stroke",
            "validation/strok",
            "which no run logs; did you mean validation/stroke?",
        ),
        ("validation/stroke", "loss", "metric.name is 'loss', which no run logs; such as"),
        ("validation/stroke", "validation/adversarial", "which no run logs"),
        ("validation/stroke", "validation/sliced", "is logged only where losses.sliced is above 0"),
        (
            "validation/stroke",
            "validation/score",
            "is weighted by losses.gram, in which the runs differ",
        ),
        (
            "losses.gram:",
            "losses.grm:",
            "there is no option 'losses.grm'; did you mean losses.gram?",
        ),
        ("[5, 10]", "[5, -1]", "losses.gram is -1.0; it must be a number at least 0"),
        ("min: 0.001", "min: 0.0", "train.learning_rate is 0.0; it must be a number above 0"),
        ("losses.gram:", "run.dir:", "parameters.run.dir cannot be given: each run has a folder"),
        ("losses.gram: {values: [5, 10]}", "losses.gram: {dist: 3}", "needs value, values, or min"),
        ("run_cap: 4", "run_cap: 0", "run_cap is 0; it must be a whole number at least 1"),
        (
            "metric: {name: validation/stroke, goal: minimize}",
            "",
            "metric is None; it must have name",
        ),
        ("parameters:", "parameters: [", "is no sweep file that can be read"),
        (GOOD, "3", "is no sweep file: it must have method, metric and parameters"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, GOOD.replace(old, new))
    assert told in str(caught.value)
    assert str(tmp_path / "sweep.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_from_scratch_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    text = GOOD.replace("validation/stroke", "report/likeness/mine")
    assert read(tmp_path, text).metric == "report/likeness/mine"
    with pytest.raises(ConfigError, match="compares with the base model"):
        read(tmp_path, text.replace("  losses.gram", "  train.init: {value: null}\n  losses.gram"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere does not exist"):
        read_sweep(tmp_path / "nowhere")
