"""The half of `Stylizer` that saves a model, and sends it to the Hugging Face hub."""

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from PIL import Image
from torch import Tensor

from gan_style.data.grid import Cell, wrapped_sheet
from gan_style.data.images import Picture, open_picture, resize_short_side, save_picture
from gan_style.errors import ModelError, RemoteError
from gan_style.files import is_there, replacing
from gan_style.models.style_model import MODEL_FILE, StyleModel
from gan_style.pretrained import CONFIG_FILE, base_id, write_config, write_model
from gan_style.remote.card import (
    CARD_FILE,
    EXAMPLES_FILE,
    THUMBNAILS_FILE,
    Card,
    was_edited,
)
from gan_style.remote.hub import SCHEME, Download, fetch_model, is_repository, repository_of
from gan_style.remote.upload import Upload, send, target
from gan_style.shipped import BASE, STYLE_SUFFIX, STYLES
from gan_style.style_code import StyleCode
from gan_style.training_facts import FACTS_FILE, TrainingFacts

_EXAMPLES = 6  # styles in which the card shows a photo painted: they fill one row
_EXAMPLE_SIDE = 256
Paint: TypeAlias = Callable[[Image.Image, StyleCode], Image.Image]


class HubModel(ABC):
    """Saving and sharing, with the methods of huggingface_hub's `ModelHubMixin`.

    It does not inherit from it: that would import huggingface_hub, which is optional, whenever a
    model is used. And the mixin knows one file of weights, where a model here has style codes, too.
    """

    model: StyleModel
    id: str
    _codes: Tensor
    _sides: tuple[int, ...]
    _style_files: Mapping[str, Path]
    _facts: TrainingFacts | None

    @property
    @abstractmethod
    def styles(self) -> Mapping[str, StyleCode]: ...

    @abstractmethod
    def stylize(self, picture: Picture, style: Any, /) -> Image.Image: ...

    def save_pretrained(
        self,
        folder: str | Path,
        *,
        force: bool = False,
        repo_id: str | None = None,
        license: str | None = None,
        thumbnails: bool = True,
        push_to_hub: bool = False,
        **push_options: Any,
    ) -> Path:
        """Write model and named styles into a folder that `from_pretrained` reads.

        config.json (what has to be known to build the model), model.safetensors (weights in half
        precision), styles/*.style.safetensors, training.json (how it was trained, where that is
        known) and README.md, its model card, with thumbnails.jpg. A README.md that somebody has
        edited is kept.

        Args:
            folder: is made if it is missing.
            force: replace files that are there.
            repo_id: user/name, where the model will be at the Hugging Face hub: the card names it,
                and shows a photo painted in the styles (examples.jpg).
            license: of the model, as the hub names it, such as "cc-by-4.0"; the card has it.
            thumbnails: whether style codes keep the thumbnails of the pictures that they were made
                from, and the card shows them.
            push_to_hub: whether to send it to `repo_id`, too.
            push_options: the other arguments of `push_to_hub`.

        Returns:
            The folder.

        Raises:
            ModelError: a file is there already, and `force` is not given.
            CheckpointError: the model cannot be written.
            RemoteError: it cannot be sent.
            OSError: another file cannot be written.
        """
        folder = Path(folder)
        if push_to_hub and repo_id is None:
            raise RemoteError("push_to_hub=True needs repo_id, such as user/name")
        self._write(folder, force, repo_id, license, thumbnails)
        if push_to_hub and repo_id:
            self.push_to_hub(repo_id, license=license, thumbnails=thumbnails, **push_options)
        return folder

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str = "Upload a model of gan_style",
        private: bool | None = None,
        token: str | None = None,
        branch: str | None = None,
        create_pr: bool = False,
        license: str | None = None,
        thumbnails: bool = True,
    ) -> str:
        """Send the model to the Hugging Face hub: what `save_pretrained` writes, in one commit.

        The pictures that it learned from are not sent; thumbnails of 128 px of them are, within
        the style codes, unless `thumbnails` is False. A model card that was edited at the hub is
        kept.

        Args:
            repo_id: user/name; is made if it is missing.
            commit_message: of the commit.
            private: whether a new repository is private; None leaves it to the hub.
            token: None takes the one of `hf auth login`, or of HF_TOKEN.
            branch: None is main.
            create_pr: propose the commit instead of making it.
            license: as in `save_pretrained`.
            thumbnails: as in `save_pretrained`.

        Returns:
            The address of the commit.

        Raises:
            ModelError: it is the model that comes with gan_style.
            RemoteError: no login, the hub refuses, or it cannot be reached.
        """
        place = target(repo_id, token)
        refuse_base(self.id)
        options = Upload(commit_message, private, token, branch, create_pr)
        with tempfile.TemporaryDirectory() as folder:
            self._write(Path(folder), False, place.id, license, thumbnails)
            return send(Path(folder), place, options)

    def _write(
        self,
        folder: Path,
        force: bool,
        repo_id: str | None,
        license: str | None,
        thumbnails: bool,
    ) -> None:
        styles = {
            folder / STYLES / f"{name}{STYLE_SUFFIX}": file
            for name, file in self._style_files.items()
        }
        written = (CONFIG_FILE, MODEL_FILE, FACTS_FILE, EXAMPLES_FILE, THUMBNAILS_FILE)
        for path in (*(folder / name for name in written), *styles):
            if is_there(path) and not force:
                raise ModelError(f"{path} is there already; --force (force=True) replaces it")
        contents = {path: file.read_bytes() for path, file in styles.items()}
        codes, config = self._codes if len(self._codes) else None, self.model.config
        write_model(folder / MODEL_FILE, self.model.state_dict(), config, codes, self._sides)
        for path, content in contents.items():
            write_style(path, content, thumbnails)
        if self._facts:
            self._facts.save(folder / FACTS_FILE)
        paint = self.stylize if repo_id else None
        write_card(
            folder,
            Card(
                title=repo_id.partition("/")[2] if repo_id else folder.resolve().name,
                repository=repo_id,
                model=self.id,
                of_base=self.id == base_id(),
                styles=self.styles,
                license=license,
                config=f"{config.code_dim} numbers a style code, {config.size} networks",
                facts=self._facts,
            ),
            paint,
            thumbnails,
        )
        write_config(folder / CONFIG_FILE, config)


def located(place: str | Path, revision: str | None, options: Download) -> str | Path:
    """The folder that a model at the hub was brought to; any other place as it is.

    At the hub are `hf:user/name` and, where nothing on this machine is called so, `user/name`.

    Raises:
        RemoteError: no such model, the hub refuses, or it cannot be reached.
    """
    if not isinstance(place, str) or place == BASE:
        return place
    if not place.startswith(SCHEME) and (not is_repository(place) or Path(place).exists()):
        return place
    named = repository_of(place)
    try:
        return fetch_model(replace(named, revision=revision or named.revision), options)
    except RemoteError as error:
        if place.startswith(SCHEME):
            raise
        raise RemoteError(f"{place} is not on this machine; {error}") from error


def refuse_base(model: str) -> None:
    """Raise ModelError for the id of the model that comes with gan_style."""
    if model == base_id():
        raise ModelError(
            "this is the model that comes with gan_style, which everybody has: share style codes "
            "of it, or a model that you trained"
        )


def write_style(path: Path, content: bytes, thumbnails: bool) -> None:
    """Write the file of a style code, if need be without its thumbnail."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)
        if not thumbnails:
            replace(StyleCode.load(temporary), thumbnail=None).save(temporary)


def write_card(folder: Path, card: Card, paint: Paint | None, thumbnails: bool) -> None:
    """Write a model card and its pictures; a card that somebody has edited is kept.

    Args:
        folder: beside what the card describes.
        card: what it tells; examples and thumbnails follow from the rest.
        paint: paints the examples; None for a card without.
        thumbnails: whether it shows those of the style codes.
    """
    examples = _example_sheet(paint, card.styles) if paint else None
    small = _thumbnail_sheet(card.styles) if thumbnails else None
    for name, sheet in ((EXAMPLES_FILE, examples), (THUMBNAILS_FILE, small)):
        if sheet:
            save_picture(sheet, folder / name)
    path = folder / CARD_FILE
    if path.exists() and was_edited(path.read_text(encoding="utf-8")):
        return
    shown = replace(card, examples=examples is not None, thumbnails=small is not None)
    with replacing(path) as temporary:
        temporary.write_text(shown.text(), encoding="utf-8")


def _example_sheet(paint: Paint, styles: Mapping[str, StyleCode]) -> Image.Image | None:
    try:
        import skimage  # of the extra demo
    except ImportError:
        return None
    photo = Path(skimage.__file__).parent / "data" / "chelsea.png"
    if not styles or not photo.exists():
        return None
    before = resize_short_side(open_picture(photo), _EXAMPLE_SIDE)
    chosen = list(styles.items())[:_EXAMPLES]
    painted = [Cell(paint(before, code), name) for name, code in chosen]
    return wrapped_sheet([(Cell(before, "photo"), painted)])


def _thumbnail_sheet(styles: Mapping[str, StyleCode]) -> Image.Image | None:
    cells: Sequence[Cell] = [
        Cell(code.thumbnail, name) for name, code in styles.items() if code.thumbnail
    ]
    return wrapped_sheet([(None, cells)], width=1024) if cells else None
