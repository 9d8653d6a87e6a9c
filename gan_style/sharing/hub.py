"""Models and style codes from files to the Hugging Face hub, with a model card."""

import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gan_style.errors import RemoteError, StyleError
from gan_style.hub_model import refuse_base, write_card, write_style
from gan_style.models.style_model import MODEL_FILE
from gan_style.pretrained import base_id
from gan_style.remote.card import CARD_FILE, Card, was_edited
from gan_style.remote.hub import Repository
from gan_style.remote.upload import Upload, files_at, send
from gan_style.shipped import BASE, STYLE_SUFFIX, STYLES, named_styles, styles_in
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shared:
    """What somebody wants to share: a model, or style codes.

    model: where it is; None for style codes. styles: files of the codes, by name.
    """

    model: Path | None
    styles: Mapping[str, Path]

    def write(
        self,
        folder: Path,
        place: Repository,
        *,
        license: str | None = None,
        thumbnails: bool = True,
        force: bool = False,
    ) -> None:
        """Write what is sent into a folder, with the model card.

        A README.md beside a model that somebody has edited is taken as the card.

        Args:
            folder: is made if it is missing.
            place: where it will be.
            license: as the hub names it.
            thumbnails: whether style codes keep their thumbnails, and the card shows them.
            force: replace files that are there.

        Raises:
            ModelError: no model, the one that comes with gan_style, or a file is there already.
            StyleError: no style code, codes of several models, or a file is there already.
        """
        if self.model is None:
            self._write_styles(folder, place, license, thumbnails, force)
            return
        own = (self.model if self.model.is_dir() else self.model.parent) / CARD_FILE
        stylizer = Stylizer.from_pretrained(self.model)
        refuse_base(stylizer.id)
        stylizer.save_pretrained(
            folder, force=force, repo_id=place.id, license=license, thumbnails=thumbnails
        )
        if own.is_file() and was_edited(own.read_text(encoding="utf-8")):
            if not (folder / CARD_FILE).samefile(own):
                shutil.copyfile(own, folder / CARD_FILE)
            logger.info("the model card is %s, which was edited", own)

    def push(
        self,
        place: Repository,
        options: Upload,
        *,
        license: str | None = None,
        thumbnails: bool = True,
    ) -> str:
        """Send it in one commit.

        Style codes that come to a repository with a model are put into its styles/; and the model
        card of a repository that holds other things, too, is kept.

        Args:
            place: where to; is made if it is missing.
            options: how.
            license: as in `write`.
            thumbnails: as in `write`.

        Returns:
            The address of the commit.

        Raises:
            RemoteError: the hub refuses, or cannot be reached.
            ModelError: as `write`.
            StyleError: as `write`.
        """
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            self.write(folder, place, license=license, thumbnails=thumbnails)
            if self.model is None:
                self._fit_in(folder, place, options)
            return send(folder, place, options)

    def _write_styles(
        self, folder: Path, place: Repository, license: str | None, thumbnails: bool, force: bool
    ) -> None:
        codes = {name: StyleCode.load(file) for name, file in self.styles.items()}
        models = sorted({code.model for code in codes.values()})
        if len(models) > 1:
            raise StyleError(
                f"the style codes belong to {len(models)} models ({', '.join(models)}): share "
                "those of each model in a repository of its own"
            )
        if not thumbnails:
            codes = {name: replace(code, thumbnail=None) for name, code in codes.items()}
        for name in codes:
            path = folder / f"{name}{STYLE_SUFFIX}"
            if path.exists() and not force:
                raise StyleError(f"{path} is there already; --force (force=True) replaces it")
        for name, file in self.styles.items():
            write_style(folder / f"{name}{STYLE_SUFFIX}", file.read_bytes(), thumbnails)
        of_base = models[0] == base_id()
        base = Stylizer.from_pretrained() if of_base else None
        title = place.id.partition("/")[2]
        card = Card(title, place.id, models[0], of_base, codes, license)
        write_card(folder, card, base.stylize if base else None, thumbnails)

    def _fit_in(self, folder: Path, place: Repository, options: Upload) -> None:
        """Leave what else is in the repository as it is."""
        there = files_at(place, options.token)
        sent = {file.name for file in folder.iterdir()}
        with_model = MODEL_FILE in there
        if with_model:
            (folder / STYLES).mkdir()
            for name in self.styles:
                file = folder / f"{name}{STYLE_SUFFIX}"
                file.rename(folder / STYLES / file.name)
        others = [name for name in there if name.endswith(".safetensors") and name not in sent]
        if others:
            logger.info("%s of %s tells of more than this, and is kept", CARD_FILE, place)
            for file in [each for each in folder.iterdir() if each.is_file()]:
                if not file.name.endswith(STYLE_SUFFIX):
                    file.unlink()


def shared(places: Sequence[str | Path]) -> Shared:
    """What is at some places: one model, or files or folders of style codes.

    Raises:
        RemoteError: nothing, several models, or two style codes of one name.
    """
    paths = [Path(place) for place in places]
    for path in paths:
        if not path.exists() and str(path) in (BASE, *named_styles()):
            raise RemoteError(f"{path} comes with gan_style: everybody has it")
        if not path.exists():
            raise RemoteError(f"{path} does not exist; share a model, or style codes")
    codes = [file for path in paths for file in _codes_at(path)]
    if all(_codes_at(path) for path in paths):
        styles = {file.name.removesuffix(STYLE_SUFFIX): file for file in codes}
        if len(styles) < len(codes):
            raise RemoteError("two style codes have one name: rename one of the files")
        return Shared(None, styles)
    if len(paths) > 1:
        raise RemoteError("share one model at a time, or style codes alone")
    return Shared(paths[0], {})


def _codes_at(path: Path) -> list[Path]:
    if path.is_dir():
        return list(styles_in(path).values())
    return [path] if path.name.endswith(STYLE_SUFFIX) else []
