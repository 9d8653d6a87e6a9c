"""How options are declared, checked and described."""

from dataclasses import dataclass
from typing import Literal

import pytest

from gan_style.errors import ConfigError
from gan_style.options import Section, device_option, option, options_of


@dataclass(frozen=True)
class Wishes(Section, key="wish"):
    place: str = option(positional=True)
    """Where."""
    many: int = option(3, at_least=1)
    """How many."""
    kind: str = option("soft", choices=("soft", "hard"))
    """What kind."""
    side: float | None = option(None, above=0, formerly="0")
    """How wide."""
    colors: tuple[str, ...] = ()
    """Which colors."""
    device: str = device_option()
    """Where to run."""
    length: int | Literal["auto"] | None = option("auto", at_least=1)
    """How long."""


@dataclass(frozen=True)
class More(Wishes):
    again: bool = False
    """Whether to do it again."""


def test_meanings_are_the_strings_under_the_fields_also_of_those_inherited() -> None:
    meanings = {each.name: each.meaning for each in options_of(More)}
    assert meanings["place"] == "Where."
    assert meanings["again"] == "Whether to do it again."
    assert all(meanings.values())


def test_what_is_allowed_is_told_in_words() -> None:
    allowed = {each.name: each.allowed for each in options_of(Wishes)}
    assert allowed["many"] == "a whole number at least 1"
    assert allowed["kind"] == "soft | hard"
    assert allowed["side"] == "a number above 0, or null"
    assert allowed["length"] == "a whole number at least 1, or auto, or null"
    assert allowed["device"] == "auto | cpu | cuda | cuda:NUMBER | mps"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"many": 0}, "wish.many is 0; it must be a whole number at least 1"),
        ({"many": True}, "wish.many is True"),
        ({"kind": "sofd"}, "wish.kind is 'sofd'; it must be soft | hard; did you mean soft?"),
        ({"side": 0.0}, "wish.side is 0.0; it must be a number above 0, or null"),
        ({"side": float("inf")}, "wish.side is inf"),
        ({"colors": ("red", 3)}, "wish.colors is"),
        ({"device": "cuda:x"}, "wish.device is 'cuda:x'"),
        ({"length": 0}, "wish.length is 0; it must be a whole number at least 1, or auto, or null"),
        ({"length": "3"}, "wish.length is '3'"),
        ({"length": "autp"}, "did you mean auto?"),
        ({"place": None}, "wish.place is None; it must be text"),
    ],
)
def test_wrong_values_are_refused_whoever_makes_the_section(
    values: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Wishes(**{"place": "here", **values})  # type: ignore[arg-type]
    assert message in str(caught.value)


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:3", "mps"])
def test_right_values_are_taken(device: str) -> None:
    wishes = Wishes("here", side=2.5, colors=("red", "blue"), device=device)
    assert (wishes.side, wishes.colors, wishes.device) == (2.5, ("red", "blue"), device)


def test_what_meant_not_given_before() -> None:
    side = next(each for each in options_of(Wishes) if each.name == "side")
    assert [side.plain(text) for text in ("0", "0.0", "null", "", "2")] == [None] * 4 + ["2"]


@pytest.mark.parametrize(
    ("text", "value"), [("auto", "auto"), ("Auto", "auto"), ("12", 12), (12, 12), ("null", None)]
)
def test_a_word_may_stand_for_a_number(text: object, value: object) -> None:
    length = next(each for each in options_of(Wishes) if each.name == "length")
    assert length.plain(text) == value
    assert Wishes("here", length=value).length == value  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["1.5", "many", "true"])
def test_another_word_may_not(text: str) -> None:
    length = next(each for each in options_of(Wishes) if each.name == "length")
    with pytest.raises(ConfigError, match=f"wish.length is '{text}'; it must be a whole number"):
        length.plain(text)
