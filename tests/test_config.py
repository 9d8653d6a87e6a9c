import json
from dataclasses import FrozenInstanceError, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from gan_style.config import (
    SECTIONS,
    Config,
    DataConfig,
    TrainConfig,
    config_from_dict,
    config_to_dict,
    describe_options,
    load_config,
    save_config,
)
from gan_style.errors import ConfigError
from gan_style.networks import PICTURE_NETWORKS, STROKE_NETWORKS
from gan_style.options import Limits, Option, options_of

OPTIONS: list[Option] = [option for kind in SECTIONS.values() for option in options_of(kind)]


def write(folder: Path, text: str) -> str:
    path = folder / "some.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def refused(*overrides: str, path: str | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    return str(caught.value)


# what is accepted


def test_defaults_alone() -> None:
    assert load_config(None) == Config()


def test_file_then_overrides_in_order(tmp_path: Path) -> None:
    path = write(tmp_path, "train: {steps: 3, batch_size: 4}\nmodel.size: large")
    config = load_config(path, ["train.batch_size=6", "train.batch_size=2", "train.seed=7"])
    assert (config.train.steps, config.train.batch_size, config.train.seed) == (3, 2, 7)
    assert config.model.size == "large"


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "train: {}"])
def test_empty_file_means_defaults(tmp_path: Path, text: str) -> None:
    assert load_config(write(tmp_path, text)) == Config()


@pytest.mark.parametrize("text", ["007", "1e5", "off", "a: b", "a=b", "{a", "${b}", r"\${b}", "é"])
def test_text_is_taken_as_it_is_written(tmp_path: Path, text: str) -> None:
    config = load_config(None, [f"data.styles={text}"])
    assert config.data.styles == text
    save_config(config, tmp_path / "config.yaml")
    assert load_config(str(tmp_path / "config.yaml")) == config
    assert config_from_dict(config_to_dict(config)) == config


def test_off_is_a_word_in_files(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "tracking: {wandb: off}")).tracking.wandb == "off"


@pytest.mark.parametrize(("text", "meant"), [("true", True), ("No", False), ("on", True)])
def test_truths(text: str, meant: bool) -> None:
    assert load_config(None, [f"data.picture_is_style={text}"]).data.picture_is_style is meant


def test_numbers_and_tuples() -> None:
    config = load_config(None, ["train.learning_rate=2e-4", "train.betas=[0, 0.9]"])
    assert config.train.learning_rate == 2e-4
    assert config.train.betas == (0.0, 0.9)


def test_limits_themselves_are_allowed() -> None:
    load_config(None, ["data.size=32", "data.crop=32", "model.code_dim=512"])


@pytest.mark.parametrize("text", ["null", "none", "~", ""])
def test_null_means_not_given(text: str, tmp_path: Path) -> None:
    config = load_config(None, [f"train.init={text}", f"train.minutes={text}", "train.steps=2"])
    assert config.train.init is config.train.minutes is None
    save_config(config, tmp_path / "config.yaml")
    assert load_config(str(tmp_path / "config.yaml")) == config
    assert "train.seed is" in refused("train.seed=null")  # which cannot be left out


def test_what_meant_not_given_before_still_does() -> None:
    old = ["images=0", "steps=0", "patience=0", "clip=0", "clip=0.0", "resume=false", "init="]
    config = load_config(None, [f"train.{each}" for each in old] + ["run.checkpoint_every=0"])
    for name in ("images", "steps", "patience", "clip", "resume", "init"):
        assert getattr(config.train, name) is None, name
    assert config.run.checkpoint_every is None


@pytest.mark.parametrize(("text", "images"), [("auto", "auto"), ("2_400", 2_400), ("null", None)])
def test_images_are_a_number_or_left_to_the_collection(
    text: str, images: object, tmp_path: Path
) -> None:
    config = load_config(None, [f"train.images={text}"])
    assert config.train.images == images
    save_config(config, tmp_path / "config.yaml")
    assert load_config(str(tmp_path / "config.yaml")) == config


def test_names_of_before_are_read_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    config = load_config(None, ["model.code=16", "data.recolour=0.5"])
    assert (config.model.code_dim, config.data.recolor) == (16, 0.5)
    assert "model.code is called model.code_dim now" in caplog.text
    assert "data.recolour is called data.recolor now" in caplog.text


def test_networks_of_the_table_are_the_choices() -> None:
    choices = {option.key: option.choices for option in OPTIONS if option.choices}
    assert choices["features.network"] == tuple(PICTURE_NETWORKS)
    assert choices["features.stroke_network"] == tuple(STROKE_NETWORKS)
    assert "did you mean vgg19?" in refused("features.network=vgg91")


# what is refused


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.batch_size=0", "train.batch_size is 0; it must be a whole number at least 1"),
        ("train.batch_size=1.5", "train.batch_size is '1.5'; it must be a whole number"),
        ("train.batch_size=true", "train.batch_size is 'true'; it must be a whole number"),
        ("train.batch_size=", "train.batch_size is ''"),
        (
            "train.images=many",
            "train.images is 'many'; it must be a whole number at least 1, or",
        ),
        ("train.learning_rate=0", "train.learning_rate is 0.0; it must be a number above 0"),
        ("train.learning_rate=fast", "train.learning_rate is 'fast'; it must be a number"),
        ("train.clip=nan", "train.clip is nan; it must be a number above 0, or null"),
        ("train.minutes=inf", "train.minutes is inf"),
        ("train.betas=[0.5]", "train.betas is '[0.5]'; it must be [number, number]"),
        ("train.betas=0.5", "train.betas is '0.5'"),
        ("train.betas=[0.5", "train.betas is '[0.5'"),
        ("train.betas=[0.5, 1]", "each at least 0 and below 1"),
        (
            "train.device=tpu",
            "train.device is 'tpu'; it must be auto | cpu | cuda | cuda:NUMBER",
        ),
        ("train.seed=-1", "train.seed is -1"),
        ("discriminator.augment=2", "discriminator.augment is '2'; it must be true or false"),
        (
            "model.code_dim=1000",
            "model.code_dim is 1000; it must be a whole number at least 8 and",
        ),
        ("losses.gram=-1", "losses.gram is -1.0; it must be a number at least 0"),
        ("data.styles=???", "data.styles has to be chosen"),
    ],
)
def test_wrong_values_are_refused(override: str, message: str) -> None:
    assert message in refused(override)


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("train.batchsize=3", ["'train.batchsize'; did you mean train.batch_size?", "train has: "]),
        ("batch_size=3", ["did you mean train.batch_size?", "The sections are: data, model"]),
        ("train.batch_size.x=3", ["'train.batch_size.x'", "did you mean train.batch_size?"]),
        ("losses.beauty=1", ["'losses.beauty'", "losses has: adversarial, content, gram"]),
        ("train=3", ["'train'", "train has: images, steps"]),
        ("=3", ["''", "The sections are: data"]),
    ],
)
def test_unknown_keys_are_refused_with_a_hint(override: str, parts: list[str]) -> None:
    message = refused(override)
    assert all(part in message for part in parts), message


@pytest.mark.parametrize("override", ["train.steps", "", "--help"])
def test_overrides_need_an_equals_sign(override: str) -> None:
    assert f"{override!r} is not an override" in refused(override)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.size=64"], "data.crop is 128; it must be a multiple of 8, at most data.size (64)"),
        (["data.crop=100"], "data.crop is 100; it must be a multiple of 8"),
        (["train.accumulate=3"], "train.accumulate is 3; it must divide train.batch_size (8)"),
        (
            ["train.images=null", "train.steps=none", "train.minutes="],
            "train.images, train.steps and train.minutes are null; at least one",
        ),
        (
            ["train.minutes=null", "train.init=null"],
            "train.images=auto is no limit from scratch (train.init=null); at least one",
        ),
    ],
)
def test_values_that_do_not_go_together_are_refused(overrides: list[str], message: str) -> None:
    assert message in refused(*overrides)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c", "mapping values are not allowed"),
        ("\tx: 3", "cannot start any token"),
        ("- 1", "a configuration is a mapping"),
        ("just words", "a configuration is a mapping"),
        ("train: {steps: 1, steps: 2}", "'steps' stands there twice"),
        ("train: &again {more: *again}", "aliases"),
        ("!!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("train: 3", "there is no option 'train'"),
        ("train: {stepz: 3}", "did you mean train.steps"),
        ("train: {betas: [0, x]}", "train.betas is ['0', 'x']"),
        ("run: {dir: [a]}", "run.dir is ['a']; it must be text, or null"),
        ("train: {device: off}", "train.device is 'off'"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in refused(path=write(tmp_path, text))


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "picture.yaml").write_bytes(b"\xff\xd8\xff\xe0")
    assert "No such file" in refused(path=str(tmp_path / "missing.yaml"))
    assert "missing.yaml" in refused(path=str(tmp_path / "missing.yaml"))
    assert "a folder" in refused(path=str(tmp_path))
    assert "decode" in refused(path=str(tmp_path / "picture.yaml"))


@pytest.mark.parametrize("values", [None, [1], "train", {3: 4}, {"train": {"betas": [1]}}])
def test_a_checkpoint_can_be_wrong_too(values: Any) -> None:
    with pytest.raises(ConfigError):
        config_from_dict(values)


def test_sections_check_themselves_in_python() -> None:
    with pytest.raises(ConfigError, match=r"train\.batch_size is '8'"):
        TrainConfig(batch_size="8")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"data\.crop is 30"):
        DataConfig(crop=30)
    with pytest.raises(ValueError, match=r"train\.betas"):
        TrainConfig(betas=(0.5, float("nan")))


def test_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Config().train.steps = 3  # type: ignore[misc]


# there and back


def test_round_trips(tmp_path: Path) -> None:
    config = load_config(None, ["train.betas=[0.1,0.2]", "train.learning_rate=1e-05", "run.name="])
    assert config_from_dict(json.loads(json.dumps(config_to_dict(config)))) == config
    save_config(config, tmp_path / "config.yaml")
    assert load_config(str(tmp_path / "config.yaml")) == config


# the listing


def test_every_option_has_a_meaning_a_default_and_a_place_in_the_help() -> None:
    text = describe_options()
    assert len(OPTIONS) == sum(
        len(fields(kind)) for kind in SECTIONS.values() if is_dataclass(kind)
    )
    for option in OPTIONS:
        assert len(option.meaning) > 10, option.key
        assert f"  {option.key}=" in text
        assert option.meaning in text
        assert option.allowed in text
        option.check(option.default)


def test_sections_bear_the_names_that_the_configuration_gives_them() -> None:
    assert {name: kind.key for name, kind in SECTIONS.items()} == {name: name for name in SECTIONS}


def test_every_number_has_limits() -> None:
    numbers = [each for each in OPTIONS if {each.kind, *get_args(each.kind)} & {int, float}]
    assert [each.key for each in numbers if each.limits == Limits()] == []


def test_plain_data_is_shown_as_it_is() -> None:
    varied = ["data.recolor=0.5", "data.zoomed=0.5", "data.destylized=0.5", "data.repeated=1"]
    varied += ["data.sampling_exponent=1", "data.set_shares=[1]", "data.size=300", "data.crop=64"]
    plain = load_config(None, varied).data.plain()
    as_it_is = ["data.destylized=0", "data.flattened=0"]
    assert plain == load_config(None, ["data.size=300", "data.crop=64", *as_it_is]).data
    assert plain.largest_side == 300
    assert load_config(None, varied).data.largest_side == 465
