"""Every file in configs/ loads, and says only what differs from the defaults."""

from pathlib import Path

import pytest

from gan_style.config import Config, config_to_dict, load_config
from gan_style.config_files import read_settings, settings_of
from gan_style.errors import ConfigError
from gan_style.training.sweep_file import read_sweep

REPOSITORY = Path(__file__).resolve().parents[1]
CONFIGS = sorted(set((REPOSITORY / "configs").glob("*.yaml")) - {REPOSITORY / "configs/sweep.yaml"})
CHOICES = ["data.styles=some/folder", "data.content=another"]  # what some leave to the user


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_loads(path: Path) -> None:
    assert isinstance(load_config(str(path), CHOICES), Config)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_lists_only_differences(path: Path) -> None:
    loaded = settings_of(config_to_dict(load_config(str(path), CHOICES)))
    defaults = settings_of(config_to_dict(Config()))
    assert [key for key in read_settings(str(path)) if loaded[key] == defaults[key]] == []


def test_those_that_the_readme_names_are_there() -> None:
    assert {path.stem for path in CONFIGS} >= {"default", "scratch", "smoke"}


def test_default_and_smoke_need_nothing_chosen() -> None:
    for name in ("default", "smoke"):
        assert load_config(str(REPOSITORY / f"configs/{name}.yaml")).data.styles == "data/demo"


def test_scratch_asks_for_a_folder() -> None:
    with pytest.raises(ConfigError, match=r"data\.styles has to be chosen"):
        load_config(str(REPOSITORY / "configs/scratch.yaml"))


def test_smoke_stays_away_from_wandb() -> None:
    assert load_config(str(REPOSITORY / "configs/smoke.yaml")).tracking.wandb == "off"


def test_base_has_every_term_that_has_helped_it() -> None:
    base = load_config(str(REPOSITORY / "configs/base.yaml"), CHOICES)
    style = {"gram": 35, "moments": 4, "stroke": 0.9, "sliced": 12}
    calm = {"tv": 0.1, "smoothness": 20, "steadiness": 100}
    helped = {"adversarial": 0.8, "content": 0.8} | style | calm
    assert vars(base.losses) == helped | {"descriptor": 0, "lattice": 0, "reconstruction": 0}
    assert base.data.largest_side == round(1.55 * 288)
    assert (base.data.destylized, base.data.zoomed, base.data.recolor) == (0.34, 0.5, 0.35)
    train = base.train
    assert all(train.batch_size % size == 0 for size in (1, 2, 4, 8))  # as data.set_shares has it
    assert train.ema_half_life == 400 * train.batch_size
    assert (train.learning_rate, train.discriminator_learning_rate) == (1e-3, 1e-3)


def test_a_personal_style_has_pairs_and_none_of_what_tells_styles_apart() -> None:
    config = load_config(str(REPOSITORY / "configs/default.yaml"))
    data, losses = config.data, config.losses
    off = (data.recolor, data.zoomed, data.repeated, data.sampling_exponent)
    assert {losses.sliced, losses.descriptor, *off} == {0}
    assert min(data.destylized, data.flattened, losses.lattice, losses.reconstruction) > 0
    assert data.largest_side == data.size


def test_from_scratch_nothing_is_on_that_was_measured_with_a_base_model_alone() -> None:
    config = load_config(str(REPOSITORY / "configs/scratch.yaml"), CHOICES)
    data, losses = config.data, config.losses
    assert {data.destylized, data.flattened, losses.lattice, losses.reconstruction} == {0}
    assert config.discriminator.gray == 0


def test_the_number_of_squares_is_left_to_a_personal_style_alone() -> None:
    images = {path.stem: load_config(str(path), CHOICES).train.images for path in CONFIGS}
    assert images["default"] == "auto"
    assert images["base"] is None  # a base model is no fine-tuning, whatever it goes on from


def test_the_sweep_searches_options_of_a_personal_style() -> None:
    sweep = read_sweep(REPOSITORY / "configs/sweep.yaml")
    assert (sweep.metric, sweep.goal) == ("report/likeness/mine", "maximize")
    trials = sweep.trials(None)
    assert len(trials) == sweep.run_cap
    assert len({trial["losses.content"] for trial in trials}) == len(trials)
    words = [str(word) for word in sweep.settings["command"]]
    assert words[-2:] == ["${program}", "${args_no_hyphens}"]
    assert (REPOSITORY / sweep.settings["program"]).is_file()
