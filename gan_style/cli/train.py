"""`gan-style train`: learn the styles of a folder of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gan_style.cli.command import Command
from gan_style.errors import ConfigError
from gan_style.options import option

_CONFIGS = (".yaml", ".yml")


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Learn the styles of a folder of pictures.

    Give a folder of pictures (one style) or of folders (a style each), or a configuration, and
    changes to it, each as key.sub=value; all options are listed below.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style train my_pictures",
        "gan-style train my_pictures run.dir=runs/mine train.minutes=20",
        "gan-style train runs/mine/config.yaml train.resume=true",
    )

    free_words: ClassVar[bool] = True

    words: tuple[str, ...] = option((), positional=True, metavar="FOLDER|CONFIG.yaml|key.sub=value")
    """A folder of pictures, a configuration, and changes to it."""

    @classmethod
    def more_help(cls) -> str:
        """Every option of a run."""
        from gan_style.config import describe_options

        blocks = "\n\n".join(f"\b\n{block}" for block in describe_options().split("\n\n"))
        return f"Options of a run, each as key.sub=value:\n\n{blocks}"

    def run(self) -> None:
        """Train, and say where the results are."""
        from gan_style.config import load_config

        config = load_config(*_settings(self.words))
        from gan_style.training.run import train

        train(config)


def with_default_config(default: Path, words: Sequence[str]) -> list[str]:
    """The words, with a configuration to begin from where none is among them."""
    if any(word.endswith(_CONFIGS) and "=" not in word for word in words) or "--help" in words:
        return list(words)
    return [str(default), *words]


def _settings(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The configuration's file, if there is one, and changes to it."""
    plain = [word for word in words if "=" not in word]
    for word in plain:
        if word.startswith("-"):
            raise ConfigError(
                f"train has no option {word}; options of a run are written key.sub=value, such as "
                "train.minutes=10 (`gan-style train --help` lists them)"
            )
    folders = [word for word in plain if Path(word).is_dir()]
    files = [word for word in plain if word not in folders]
    for kind, named in (("folder", folders), ("configuration", files)):
        if len(named) > 1:
            raise ConfigError(f"one {kind} at a time, not {len(named)}: {', '.join(named)}")
    changes = [word for word in words if "=" in word]
    for folder in folders:
        if other := [word for word in changes if word.startswith("data.styles=")]:
            raise ConfigError(f"data.styles is given twice: as {folder} and as {other[0]}")
        changes.append(f"data.styles={folder}")
    for file in files:
        if not file.endswith(_CONFIGS):
            what = "is not a folder of pictures or a configuration (.yaml)"
            raise ConfigError(f"{file} {what if Path(file).exists() else 'does not exist'}")
    return (files[0] if files else None), changes
