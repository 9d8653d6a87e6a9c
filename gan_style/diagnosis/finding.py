"""One thing that was found out."""

from dataclasses import dataclass

Value = str | int | float | bool | None | list[str]


@dataclass(frozen=True)
class Finding:
    """One thing that was found out.

    Attributes:
        name: what it is about, in a word or two.
        value: for programs; sizes are in bytes, times in seconds.
        text: for people.
        advice: what to do, where something is wrong or could be better.
        broken: whether something that should work does not.
    """

    name: str
    value: Value
    text: str
    advice: str | None = None
    broken: bool = False
