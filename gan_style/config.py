"""Every option of a training run: its type, default, meaning and limits.

OmegaConf stays in this file. To add an option, add a field with its meaning under it: files,
overrides, checks, help and checkpoints follow. A value is taken as it is written: no
interpolation, and `off` is a word. `null` means that something is not given.
"""

import inspect
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_type_hints

import yaml

from gan_style.config_files import read_settings, settings_of, settings_of_override
from gan_style.errors import ConfigError
from gan_style.files import replacing
from gan_style.networks import PICTURE_NETWORKS, STROKE_NETWORKS
from gan_style.options import Option, Section, device_option, option, options_of
from gan_style.sizes import MINIMUM_SIDE, READING_SIDE

logger = logging.getLogger(__name__)

_RENAMED = {"model.code": "model.code_dim", "data.recolour": "data.recolor"}
"""Names of version 0.1, which are read for one version more."""


@dataclass(frozen=True)
class DataConfig(Section, key="data"):
    """Where the pictures come from and how training sees them."""

    styles: str | None = None
    """Folder of pictures = one style; folder of folders = one style each. Required."""
    content: str = "scikit-image"
    """Folder of photos (searched recursively), or `scikit-image` for the photographs it carries."""
    picture_is_style: bool = False
    """Make every picture under `data.styles` its own style."""
    size: int = option(READING_SIDE, at_least=MINIMUM_SIDE)
    """Short side in pixels to which pictures are brought before they are cropped."""
    crop: int = option(128, at_least=MINIMUM_SIDE)
    """Side in pixels of the squares trained on; a multiple of 8, at most `data.size`."""
    max_examples: int = option(8, at_least=1)
    """A set has 1 to this many pictures of a style, drawn anew for each batch; the statistics of
    as many paintings are matched to those of the set."""
    set_shares: tuple[float, ...] | None = option(None, at_least=0, at_most=1)
    """Shares of sets of 1, 2, 4, 8, … pictures, such as [0.3, 0.2, 0.25, 0.25]; sizes that do not
    divide the batch are left out. null: every size up to `data.max_examples` is as likely."""
    repeated: float = option(0.0, at_least=0, at_most=1)
    """Share of sets that show squares of one single picture: a code has to hold all of it."""
    sampling_exponent: float = option(0.0, at_least=0, at_most=1)
    """A style is drawn in proportion to this power of its number of pictures; 0: all alike, 0.5:
    by the root, so that many pictures say more, and no style drowns the rest."""
    scale_jitter: float = option(0.15, at_least=0, at_most=0.5)
    """Crops are enlarged or shrunk by up to this share."""
    recolor: float = option(0.0, at_least=0, at_most=1)
    """Share of sets that are shown in the palette of another one: more styles from few works."""
    zoomed: float = option(0.0, at_least=0, at_most=1)
    """Share of sets shown at another size of strokes, so that a style read from larger pictures
    has larger strokes; the photos of these sets are enlarged, too, each in its own way."""
    zoom_range: tuple[float, float] = option((0.9, 1.55), at_least=0.5, at_most=4)
    """Smallest and largest size of these sets, times `data.size`. Pictures are kept as large as
    the largest, if their files are, and never enlarged beyond their own pixels."""
    destylized: float = option(0.5, at_least=0, at_most=1)
    """Share of sets whose photos are pictures of the same style with the strokes filtered away;
    the paintings are to be those pictures, strokes and all. Not of recolored sets."""
    flattened: float = option(0.01, at_least=0, at_most=1)
    """Contrast up to which a photo is smoothed before content is compared with it: shading and
    texture may then be left out, and edges may not. The variance in windows of 9 px, such as 0.01;
    0: not at all."""
    noisy: float = option(0.25, above=0, at_most=1)
    """Share of photos that are painted with noise in them, if `losses.steadiness` is above 0."""
    held_out: float = option(0.1, at_least=0, at_most=0.5)
    """Share of a style's pictures that are not trained on; they choose the best checkpoint."""
    memory_gb: float = option(2.0, at_least=0)
    """Decoded pictures are kept in memory up to this size; above it, workers decode them."""
    workers: int = option(2, at_least=0)
    """Processes that decode when the pictures do not fit `data.memory_gb`; where they do, threads
    that cut squares from them ahead of a GPU."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop > self.size or self.crop % 8:
            allowed = f"a multiple of 8, at most data.size ({self.size})"
            raise ConfigError(f"data.crop is {self.crop}; it must be {allowed}")
        if self.set_shares is not None and not any(self.set_shares):
            raise ConfigError("data.set_shares are all 0; at least one has to be above 0")
        low, high = self.zoom_range
        if low > high:
            raise ConfigError(f"data.zoom_range is [{low}, {high}]; the smaller one comes first")

    @property
    def largest_side(self) -> int:
        """Short side in pixels up to which pictures are kept."""
        return max(self.size, round(self.size * self.zoom_range[1])) if self.zoomed else self.size

    def plain(self) -> "DataConfig":
        """The same pictures as they are, each style as often: what is measured and compared on."""
        return replace(
            self,
            set_shares=None,
            repeated=0.0,
            sampling_exponent=0.0,
            recolor=0.0,
            zoomed=0.0,
            destylized=0.0,
            flattened=0.0,
        )


@dataclass(frozen=True)
class ModelConfig(Section, key="model"):
    """The three networks."""

    size: Literal["small", "large"] = "small"
    """`small` trains on a CPU; `large` wants a GPU."""
    code_dim: int = option(256, at_least=8, at_most=512)
    """Numbers in a style code."""
    supersampling: float = option(1.5, at_least=1, at_most=4)
    """The generator works at so many times the picture's size, a multiple of 0.5, and reduces the
    result; 1.5 is that of the shipped model. Twice costs four times the work."""


@dataclass(frozen=True)
class FeaturesConfig(Section, key="features"):
    """The frozen networks through which the losses compare pictures."""

    network: str = option("compact", choices=PICTURE_NETWORKS)
    """Maps for content and style. `compact` is shipped; the others are torchvision's."""
    weights: str | None = None
    """File of weights for `features.network`; null: what is shipped, or torchvision's download."""
    stroke_network: str = option("compact", choices=STROKE_NETWORKS)
    """Deeper maps of the gray picture, for the stroke loss."""
    stroke_weights: str | None = None
    """File of weights for `features.stroke_network`; null as above."""


@dataclass(frozen=True)
class LossWeights(Section, key="losses"):
    """The weight of each loss of encoder and generator; a loss of weight 0 is not computed."""

    adversarial: float = option(2.0, at_least=0)
    """The adversarial loss: the discriminator is to take the output for a picture of this style."""
    content: float = option(0.25, at_least=0)
    """Squared distance of relu3_1 to the content picture."""
    gram: float = option(10.0, at_least=0)
    """Relative squared distance of Gram matrices to the style pictures."""
    moments: float = option(4.0, at_least=0)
    """Squared distance of channel means and deviations to the style pictures."""
    stroke: float = option(0.8, at_least=0)
    """Gram matrices and moments of deeper maps of gray pictures: strokes rather than palette."""
    tv: float = option(0.1, at_least=0)
    """Total variation of the output."""
    smoothness: float = option(20.0, at_least=0)
    """Coarse edges of the output in flat regions of the photo, such as crack artifacts in skies."""
    lattice: float = option(0.37, at_least=0)
    """Dots on a grid, 2.7 px apart, which the enlarging of the generator's maps leaves."""
    reconstruction: float = option(1.0, at_least=0)
    """Difference of paintings of destylized pictures from the pictures themselves, pixel by pixel
    and map by map (`data.destylized`)."""
    sliced: float = option(0.0, at_least=0)
    """Sliced Wasserstein distance to the style pictures: plain places of the photo are compared
    with plain places of the style, detailed ones with detailed ones."""
    steadiness: float = option(0.0, at_least=0)
    """Squared difference of paintings of a photo with noise in it and without (`data.noisy`)."""
    descriptor: float = option(0.0, at_least=0)
    """Squared error of the style pictures' Gram matrices, projected, as decoded from their code."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not any(vars(self).values()):
            raise ConfigError("losses are all 0; at least one weight has to be above 0")


@dataclass(frozen=True)
class DiscriminatorConfig(Section, key="discriminator"):
    """How the discriminator is taught."""

    form: Literal["hinge", "nonsaturating", "leastsquares", "relativistic"] = "hinge"
    """Form of the adversarial loss."""
    r1: float = option(0.1, at_least=0)
    """Weight of the R1 gradient penalty; 0 turns it off."""
    r1_interval: int = option(16, at_least=1)
    """The penalty is taken every so many steps and scaled to match."""
    augment: bool = True
    """Shift, cut out and change the brightness of the discriminator's input (DiffAugment)."""
    gray: float = option(0.5, at_least=0, at_most=1)
    """Share of pictures that the discriminator is shown in gray: it goes by strokes then, where
    it would go by the palette."""


@dataclass(frozen=True)
class TrainConfig(Section, key="train"):
    """Length, optimization and precision of the run. Progress is counted in images seen."""

    images: int | Literal["auto"] | None = option("auto", at_least=1, formerly="0")
    """Stop after so many squares of photos; null: no such limit. auto: as many as suit the
    collection (2,400 for one style of 20 pictures) for every five of `train.minutes`, so that 20
    minutes train four times as long; no limit from scratch, or where `train.steps` is given."""
    steps: int | None = option(None, at_least=1, formerly="0")
    """Stop after so many steps; null: no such limit."""
    minutes: float | None = option(5.0, above=0, formerly="0")
    """Stop after so many minutes of training, resumed parts included; null: no such limit."""
    patience: int | None = option(None, at_least=1, formerly="0")
    """Stop if so many checkpoints in a row are no better on pictures held out; null: never."""
    batch_size: int = option(8, at_least=1)
    """Content pictures a step."""
    accumulate: int = option(1, at_least=1)
    """Equal parts in which a batch is worked through; must divide `train.batch_size`."""
    learning_rate: float = option(1e-3, above=0)
    """Adam's rate for encoder and generator after warm-up."""
    discriminator_learning_rate: float = option(1e-3, above=0)
    """Adam's rate for the discriminator."""
    betas: tuple[float, float] = option((0.5, 0.99), at_least=0, below=1)
    """Adam's decay rates."""
    warmup: int = option(800, at_least=0)
    """Images over which the learning rate rises from 0, at most a tenth of the run."""
    ema_half_life: float = option(2_000.0, above=0)
    """Images after which an old weight counts half in the averaged model."""
    clip: float | None = option(100.0, above=0, formerly="0")
    """Largest norm of a gradient before it is scaled down; null: no clipping."""
    seed: int = option(0, at_least=0, below=2**32)
    """Everything random follows from this and the images seen."""
    device: str = device_option()
    """Where to train; `auto` takes cuda, then mps, then cpu."""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """Arithmetic of the networks; `auto` takes bfloat16 where the device is fast at it."""
    deterministic: bool = False
    """Give the same weights and losses, bit for bit, whenever the same run is repeated on the same
    machine with the same libraries and as many threads. Needs `train.minutes=null`."""
    init: str | None = "base"
    """Begin with a run folder, a model file, or `base`, the shipped model; null: from scratch."""
    resume: str | None = option(None, formerly="false")
    """`true`: go on from the newest checkpoint of `run.dir`; or the path of a checkpoint or run."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch_size % self.accumulate:
            allowed = f"it must divide train.batch_size ({self.batch_size})"
            raise ConfigError(f"train.accumulate is {self.accumulate}; {allowed}")
        if self.deterministic and self.minutes is not None:
            raise ConfigError(
                f"train.deterministic is true and train.minutes is {self.minutes:g}; it must be "
                "null, for learning rates that follow the clock are never the same twice"
            )
        if not (self.steps or self.minutes):
            self._refuse_no_end()

    def _refuse_no_end(self) -> None:
        allowed = "at least one of them must be given"
        if self.images is None:
            raise ConfigError(f"train.images, train.steps and train.minutes are null; {allowed}")
        if self.images == "auto" and self.init is None:
            known = "train.images=auto is no limit from scratch (train.init=null)"
            raise ConfigError(f"train.steps and train.minutes are null, and {known}; {allowed}")


@dataclass(frozen=True)
class RunConfig(Section, key="run"):
    """What a run keeps and how often."""

    dir: str | None = None
    """The run folder; null: a fresh one under runs/."""
    name: str | None = None
    """Name shown in Weights & Biases; null: the run folder's."""
    log_every: int = option(20, at_least=1)
    """Steps between lines in log.jsonl."""
    sample_every: int = option(250, at_least=1)
    """Steps between sample grids."""
    checkpoint_every: int | None = option(None, at_least=1, formerly="0")
    """Steps between checkpoints; null: a tenth of the run, and no more than 250 steps."""
    keep: int = option(2, at_least=1)
    """Newest checkpoints that are kept beside the best."""


@dataclass(frozen=True)
class TrackingConfig(Section, key="tracking"):
    """Weights & Biases, which mirrors the run folder."""

    wandb: Literal["auto", "online", "offline", "off"] = "auto"
    """`auto`: online with a key, else offline."""
    project: str = "gan-style"
    """Project in Weights & Biases."""
    entity: str | None = None
    """User or team in Weights & Biases; null: the key's own."""
    artifacts: bool = True
    """Keep the model, the style codes and the report there, too; false saves 13 MB a run."""


@dataclass(frozen=True)
class Config:
    """A whole run."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    features: FeaturesConfig = field(default_factory=FeaturesConfig)
    losses: LossWeights = field(default_factory=LossWeights)
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    run: RunConfig = field(default_factory=RunConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)


SECTIONS: dict[str, type[Section]] = get_type_hints(Config)


def describe_options() -> str:
    """Return the listing of every option that `--help` prints."""
    blocks = [
        [f"{name}: {inspect.getdoc(section)}", *map(Option.describe, options_of(section))]
        for name, section in SECTIONS.items()
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def load_config(path: str | None, overrides: Sequence[str] = ()) -> Config:
    """Read a run's settings: the defaults here, then the file, then each `key.sub=value`.

    Raises:
        ConfigError: A key, type or value is wrong, or the file cannot be read.
    """
    settings = read_settings(path) if path else {}
    for override in overrides:
        settings |= settings_of_override(override)
    return _build(settings)


def config_from_dict(values: Mapping[str, Any]) -> Config:
    """Rebuild a configuration from `config_to_dict`'s form; the errors are `load_config`'s."""
    return _build(settings_of(values))


def config_to_dict(config: Config) -> dict[str, Any]:
    """Return nested plain values that JSON and YAML can hold."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return plain


def save_config(config: Config, path: str | Path) -> None:
    """Write the whole configuration as YAML that `load_config` reads back equal."""
    text = yaml.safe_dump(config_to_dict(config), sort_keys=False, allow_unicode=True)
    with replacing(Path(path)) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _build(settings: Mapping[str, Any]) -> Config:
    from omegaconf import OmegaConf  # here: it takes a tenth of a second, and help needs it not
    from omegaconf.errors import OmegaConfBaseException

    known = {each.key: each for kind in SECTIONS.values() for each in options_of(kind)}
    defaults = OmegaConf.structured(Config)
    given: dict[str, dict[str, Any]] = {}
    for key, value in _renamed(settings).items():
        if key not in known:
            raise _unknown(key, known)
        section, _, name = key.partition(".")
        plain = known[key].plain(value)
        try:  # each by itself, so that an error is that of this option
            OmegaConf.merge(defaults[section], {name: plain})
        except OmegaConfBaseException as error:
            raise known[key].refusal(value) from error
        given.setdefault(section, {})[name] = plain
    merged = OmegaConf.merge(defaults, given)
    config = OmegaConf.to_object(merged)
    assert isinstance(config, Config)
    return config


def _renamed(settings: Mapping[str, Any]) -> dict[str, Any]:
    for old in settings.keys() & _RENAMED.keys():
        logger.warning("%s is called %s now", old, _RENAMED[old])
    return {_RENAMED.get(key, key): value for key, value in settings.items()}


def _unknown(key: str, known: Mapping[str, Option]) -> ConfigError:
    near = [other for other, each in known.items() if each.name == key.rpartition(".")[2]]
    near += [other for other in get_close_matches(key, known, cutoff=0.75) if other not in near]
    hint = f"; did you mean {' or '.join(near)}?" if near else "."
    name = key.partition(".")[0]
    names = [each.name for each in options_of(SECTIONS[name])] if name in SECTIONS else SECTIONS
    listed = f"{name} has" if name in SECTIONS else "The sections are"
    return ConfigError(f"there is no option {key!r}{hint} {listed}: {', '.join(names)}")
