"""The model card (README.md) of a repository: how to use it, and which pictures taught it."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from gan_style import __version__
from gan_style.shipped import BASE, SHIPPED
from gan_style.style_code import StyleCode
from gan_style.training_facts import TrainingFacts

CARD_FILE = "README.md"
EXAMPLES_FILE = "examples.jpg"
"""A photo, painted in the styles of the repository."""
THUMBNAILS_FILE = "thumbnails.jpg"
"""The pictures that the styles were made from, in small."""

_TAGS = ("art", "gan", "gan-style", "image-to-image", "style-transfer")
_MARK = re.compile(
    r"\n<!-- Written by gan_style [^ ]+; unchanged while ([0-9a-f]{16}) fits. -->\n*$"
)


@dataclass(frozen=True)
class Card:
    """What a card tells.

    Attributes:
        title: its heading.
        repository: user/name, where it is known.
        model: id of the model that is in the repository, or that the style codes belong to.
        of_base: whether that is the model that comes with gan_style.
        styles: style codes in the repository, by name.
        license: as the hub names it; None if the author states none.
        examples: whether EXAMPLES_FILE is beside it.
        thumbnails: whether THUMBNAILS_FILE is, and the codes hold thumbnails.
        config: of the model in the repository, in words; None for style codes alone.
        facts: how that model was trained, where it is known.
    """

    title: str
    repository: str | None
    model: str
    of_base: bool
    styles: Mapping[str, StyleCode]
    license: str | None = None
    examples: bool = False
    thumbnails: bool = False
    config: str | None = None
    facts: TrainingFacts | None = None

    def text(self) -> str:
        """The card as Markdown. It ends in a mark by which `was_edited` knows it again."""
        facts = self.facts
        head = {
            "library_name": "gan-style",
            "license": self.license,
            "pipeline_tag": "image-to-image",
            "tags": list(_TAGS),
            "thumbnail": self._picture_address(),
            "base_model": _base_repository(facts),
        }
        known = {name: value for name, value in head.items() if value}
        sections = (
            f"---\n{yaml.safe_dump(known, sort_keys=False)}---",
            f"# {self.title}",
            *(self._model() if self.config else self._codes()),
            *self._shown_styles(),
            *self._pictures(),
            *(_training(facts, self) if facts else ()),
            *self._license(),
        )
        return _marked("\n\n".join(sections) + "\n")

    def _picture_address(self) -> str | None:
        if not (self.examples and self.repository):
            return None
        return f"https://huggingface.co/{self.repository}/resolve/main/{EXAMPLES_FILE}"

    def _model(self) -> Iterator[str]:
        yield (
            "A model for gan_style that paints photos in the styles of the pictures that it was "
            "trained on. It runs on a CPU or a GPU, at any size."
        )
        yield from self._examples()
        place, name = self.repository or "user/name", next(iter(self.styles), None)
        style = name or "my_pictures"
        yield "## How to use it"
        yield _fenced(
            "sh",
            "pip install 'gan-style[hub]'",
            f"gan-style stylize photo.jpg --model hf:{place} --style {_word(style)} -o painted.png",
        )
        yield _fenced(
            "python",
            "from gan_style import Stylizer",
            "",
            f'stylizer = Stylizer.from_pretrained("{place}")',
            f'stylizer.stylize("photo.jpg", {_quoted(style)}).save("painted.png")',
        )
        yield (
            "Instead of a named style, `--style` takes pictures of your own, too, but the model is "
            "best at what it was trained on."
            if name
            else "`my_pictures` is a picture, or a folder of pictures, in the style that you want."
        )

    def _codes(self) -> Iterator[str]:
        one = len(self.styles) == 1
        what = "A style code" if one else f"{len(self.styles)} style codes"
        yield (
            f"{what} for gan_style: small files from which a style transfer model knows a style. "
            "No training is needed to use them."
        )
        yield from self._examples()
        place = f"hf:{self.repository or 'user/name'}"
        style = _word(place if one else f"{place}/{next(iter(self.styles))}")
        model = "" if self.of_base else " --model MODEL"
        yield "## How to use it"
        yield _fenced(
            "sh",
            "pip install 'gan-style[hub]'",
            f"gan-style stylize photo.jpg --style {style}{model} -o painted.png",
        )
        if not self.of_base:
            yield f"`MODEL` is the model whose id is `{self.model}`: codes fit one model alone."

    def _examples(self) -> Iterator[str]:
        if self.examples:
            yield f"![A photo, and paintings of it in the styles of this page]({EXAMPLES_FILE})"
            yield "*Photo: Chelsea, by Stéfan van der Walt, CC0.*"

    def _shown_styles(self) -> Iterator[str]:
        if not self.styles:
            return
        yield "## Styles"
        yield _table(
            ("Style", "Made from", "Read at"),
            [
                (f"`{_cell(name)}`", _pictures(code.count), f"{_listed(code.sides)} px")
                for name, code in self.styles.items()
            ],
        )
        if self.thumbnails:
            yield f"![The pictures that the styles were made from, in small]({THUMBNAILS_FILE})"

    def _pictures(self) -> Iterator[str]:
        """Which pictures taught the model, how many, and under which license."""
        facts = self.facts
        yield "## Pictures it learned from"
        own = facts.pictures if facts else {name: code.count for name, code in self.styles.items()}
        if self.config and self.of_base:
            own = {}
        if own:
            yield self._own_pictures(sum(own.values()), len(own))
        if self.of_base or (facts and facts.began_with == BASE):
            begun = "The model is" if self.of_base else "Training began with"
            yield f"{begun} `{BASE}`, which comes with gan_style (Apache-2.0). {_base_pictures()}"
        elif facts and facts.began_with:
            yield (
                f"Training began with another model, `{_cell(facts.began_with)}`, which had "
                "learned from pictures of its own."
            )
        elif self.config and facts is None:
            yield "What the model had learned from before is not recorded."

    def _own_pictures(self, count: int, styles: int) -> str:
        facts = self.facts
        several = f" in {styles} styles" if styles > 1 else ""
        verb = "was trained on" if facts else "has codes of" if self.config else "were made from"
        subject = "The model" if self.config else "The style codes"
        held = f" ({facts.held_out} of them held out)" if facts and facts.held_out else ""
        photos = f" and {facts.photos:,} photos to paint" if facts else ""
        shown = "only the thumbnails above, 128 px wide," if self.thumbnails else "none of them"
        verb_shown = "show them" if self.thumbnails else "is in this repository"
        return (
            f"{subject} {verb} {_pictures(count)}{several}{held}{photos}, chosen by the author of "
            f"this page. Their licenses are not recorded, and {shown} {verb_shown}."
        )

    def _license(self) -> Iterator[str]:
        yield "## License"
        if self.license:
            yield f"`{_cell(self.license)}`, as its author states it."
        else:
            yield "The author states none: ask before you use it for more than a try."


def was_edited(card: str) -> bool:
    """Whether a card is not as `Card.text` wrote it, or was never written by it."""
    plain = card.replace("\r\n", "\n")
    found = _MARK.search(plain)
    return found is None or found[1] != _digest(plain[: found.start()])


def _marked(text: str) -> str:
    mark = f"\n<!-- Written by gan_style {__version__}; unchanged while {_digest(text)} fits. -->\n"
    return text + mark


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _training(facts: TrainingFacts, card: Card) -> Iterator[str]:
    minutes = facts.seconds / 60
    rows = [
        ("Began with", f"`{_cell(facts.began_with)}`" if facts.began_with else "random weights"),
        ("Squares of photos seen", f"{facts.squares:,}"),
        ("Training time", f"{minutes:,.0f} minutes" if minutes >= 1 else "less than a minute"),
        ("Finished", _cell(facts.finished)),
        ("gan_style", _cell(facts.version)),
        ("Model", f"`{card.model}` ({card.config})"),
    ]
    yield "## Training"
    yield _table(("", ""), rows)
    yield from _errors(facts)
    if {"base", "mine", "own"} <= facts.likeness.keys():
        base, mine, own = (
            f"{100 * facts.likeness[name]:.0f} %" for name in ("base", "mine", "own")
        )
        yield (
            "A classifier that was taught to tell patches of these pictures from patches of photos "
            f"and of the first model's paintings takes {mine} of the patches of this model's "
            f"paintings for the pictures', {base} of the first model's, and {own} of the pictures' "
            "own."
        )


def _errors(facts: TrainingFacts) -> Iterator[str]:
    if not facts.errors:
        return
    where = "pictures held out" if facts.held_out else "pictures it was trained on"
    meanings = {"content": "content error", "stroke": "stroke error", "gram": "style error"}
    names = [name for name in meanings if name in facts.errors]
    models = {"this model": facts.errors, "the model it began with": facts.base_errors}
    yield f"Errors of its paintings, on {where} (less is better; style is paid for with content):"
    yield _table(
        ("", *(meanings[name] for name in names)),
        [
            (model, *(f"{errors[name]:.3g}" if name in errors else "" for name in names))
            for model, errors in models.items()
            if errors
        ],
    )


def _base_pictures() -> str:
    """What the shipped model's card says of the pictures that it was trained on."""
    card = (SHIPPED / f"{BASE}.md").read_text(encoding="utf-8")
    found = re.search(r"\*\*Pictures it was trained on\.\*\*(.*?)\n\n", card, re.S)
    return f"It was trained on {' '.join(found[1].split())}" if found else ""


def _base_repository(facts: TrainingFacts | None) -> str | None:
    begun = (facts.began_with if facts else None) or ""
    return begun.removeprefix("hf:").partition("@")[0] if begun.startswith("hf:") else None


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _fenced(language: str, *lines: str) -> str:
    return "\n".join((f"```{language}", *lines, "```"))


def _pictures(count: int) -> str:
    if not count:
        return "other styles"
    return "1 picture" if count == 1 else f"{count:,} pictures"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _cell(text: str) -> str:
    """Text that cannot end a cell of a table, a line, or what is set as code."""
    return re.sub(r"[|`<>\s]+", " ", text).strip()


def _word(text: str) -> str:
    """A word of a command line."""
    return text if re.fullmatch(r"[\w./:@+-]+", text) else f'"{text}"'


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
