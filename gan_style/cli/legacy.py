"""Words of version 0.1 that people may have typed: they work for one version more.

Each is reported in a line, with what to type from now on. Renamed options of a configuration are in
`gan_style.config`.
"""

import logging
from collections.abc import Sequence

logger = logging.getLogger(__name__)

_RENAMED = {"--keep-colour": "--keep-color", "--method": "--optimizer"}


def translated(words: Sequence[str]) -> list[str]:
    """The words, those of before replaced."""
    return _weights_in_one_word([_renamed(word) for word in words])


def _renamed(word: str) -> str:
    name, equals, value = word.partition("=")
    if name not in _RENAMED:
        return word
    logger.warning("%s is called %s now", name, _RENAMED[name])
    return f"{_RENAMED[name]}{equals}{value}"


def _weights_in_one_word(words: list[str]) -> list[str]:
    """`--weights 0.7 0.3` as `--weights 0.7,0.3`."""
    if "--weights" not in words:
        return words
    start = words.index("--weights") + 1
    end = start
    while end < len(words) and _is_number(words[end]):
        end += 1
    if end - start < 2:
        return words
    joined = ",".join(words[start:end])
    logger.warning("--weights %s is written --weights %s now", " ".join(words[start:end]), joined)
    return [*words[:start], joined, *words[end:]]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
