import argparse
from dataclasses import dataclass

import pytest

from gan_style.cli.arguments import add_arguments, argument, check_choices, given


@dataclass(frozen=True)
class Wishes:
    place: str = argument(..., "where")
    many: int = argument(0, "how many")
    in_color: bool = argument(False, "in color")
    kind: str = argument("soft", "what kind", choices=("soft", "hard"))
    side: int | None = argument(None, "how wide", type=int)


class WishError(ValueError):
    pass


def read(*words: str) -> Wishes:
    parser = argparse.ArgumentParser()
    add_arguments(parser, Wishes)
    return given(Wishes, parser.parse_args(words))


def test_defaults_are_those_of_the_dataclass() -> None:
    assert read("here") == Wishes("here") == Wishes("here", 0, False, "soft", None)


def test_values_come_in_their_types() -> None:
    words = ("here", "--many", "3", "--in-color", "--kind", "hard", "--side", "9")
    assert read(*words) == Wishes("here", 3, True, "hard", 9)


def test_the_help_tells_defaults_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read("--help")
    told = capsys.readouterr().out
    assert "how many (default: 0)" in told
    assert "what kind (default: soft)" in told
    assert "how wide\n" in told
    assert "in color\n" in told


def test_choices_are_checked_whoever_makes_the_dataclass() -> None:
    check_choices(Wishes("here"))
    with pytest.raises(WishError, match="kind is 'blunt'; allowed: soft, hard"):
        check_choices(Wishes("here", kind="blunt"), WishError)
