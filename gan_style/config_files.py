"""Configurations as text: YAML files, and `key.sub=value` on the command line.

Values stay the strings that are written: the type of an option decides what they are, so that
`off` is a word and nothing is interpolated.
"""

from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from gan_style.errors import ConfigError
from gan_style.files import read_text


def read_settings(path: str) -> dict[str, Any]:
    """Read a YAML file as {`key.sub`: value}, each value a string (or a list of them, or None).

    Raises:
        ConfigError: The file is missing, unreadable, no plain YAML or not a mapping.
    """
    try:
        values = parse_text(read_text(Path(path)))
        return settings_of({} if values is None else values)
    except RecursionError as error:
        raise ConfigError(f"cannot use the configuration file {path}: nested too deep") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
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
    """Parse YAML, leaving words and numbers strings: the option's type decides what they are.

    Raises:
        yaml.YAMLError: not YAML, or what no configuration needs: a tag, an alias, a key twice.
        RecursionError: nested too deep.
    """
    return yaml.load(text, _TextLoader)


class _TextLoader(yaml.SafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012 (it is one in PyYAML)
        first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors = {  # noqa: RUF012 (so is this); other tags, as in `!!int ""`, are refused
        tag: construct
        for tag, construct in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in ("null", "str", "seq", "map")
    }

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # a few, nested, stand for billions of values
            raise yaml.YAMLError("aliases (*name) are not supported")
        return super().compose_node(parent, index)

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
