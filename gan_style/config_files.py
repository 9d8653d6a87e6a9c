"""Configurations as text: YAML files, and `key.sub=value` on the command line.

Values stay the strings that are written: the type of an option decides what they are, so that
`off` is a word and nothing is interpolated.
"""

from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from gan_style.errors import ConfigError


def read_settings(path: str) -> dict[str, Any]:
    """Read a YAML file as {`key.sub`: value}, each value a string (or a list of them, or None).

    Raises:
        ConfigError: The file is missing, unreadable, not YAML or not a mapping.
    """
    try:
        values = parse_text(Path(path).read_text(encoding="utf-8-sig"))
        return settings_of({} if values is None else values)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"cannot use the configuration file {path}: {error}") from error


def settings_of(values: Any) -> dict[str, Any]:
    """Flatten nested mappings to {`key.sub`: value}; ConfigError if `values` is no mapping."""
    if not isinstance(values, Mapping):
        raise ConfigError("a configuration is a mapping, such as `train: {steps: 3}`")
    return dict(_leaves(values, ""))


def settings_of_override(override: str) -> dict[str, Any]:
    """Turn `key.sub=value` into {`key.sub`: `value`}; ConfigError if it is something else."""
    key, equals, text = override.partition("=")
    if not equals:
        raise ConfigError(f"{override!r} is not an override, which is written key.sub=value")
    return {key.strip(): text}


def parse_text(text: str) -> Any:
    """Parse YAML, leaving words and numbers strings: the option's type decides what they are."""
    return yaml.load(text, _TextLoader)


class _TextLoader(yaml.SafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012 (it is one in PyYAML)
        first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [str(key.value) for key, _ in node.value]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise yaml.YAMLError(f"{twice!r} stands there twice")
        return super().construct_mapping(node, deep)


def _leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
