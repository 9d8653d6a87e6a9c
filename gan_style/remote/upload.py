"""A folder with a model or style codes, sent to a repository of the Hugging Face hub."""

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gan_style.errors import RemoteError
from gan_style.remote.card import CARD_FILE, was_edited
from gan_style.remote.hub import (
    Repository,
    in_one_line,
    refuse_silence,
    refuse_without_library,
    repository_of,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Upload:
    """How to send; the arguments of this name of huggingface_hub's `push_to_hub`.

    commit_message: of the commit. private: of a new repository; None leaves it to the hub. token:
    None takes the one of `hf auth login` or HF_TOKEN. branch: None is main. create_pr: whether to
    propose the commit instead.
    """

    commit_message: str
    private: bool | None = None
    token: str | None = None
    branch: str | None = None
    create_pr: bool = False


def target(address: str, token: str | None = None) -> Repository:
    """The repository to send to, if there is a login to do it with.

    Args:
        address: user/name, or hf:user/name.
        token: as in `Upload`.

    Raises:
        RemoteError: no such form, no login, or huggingface_hub is not installed.
    """
    place = repository_of(address)
    if place.style or place.revision:
        raise RemoteError(f"{place} cannot be sent to; the address of a repository is hf:user/name")
    refuse_without_library(str(place))
    from huggingface_hub import constants, get_token

    if constants.HF_HUB_OFFLINE:
        raise RemoteError(f"{place}: HF_HUB_OFFLINE is set: unset it to send something")
    if token is None and get_token() is None:
        raise RemoteError(
            f"{place}: there is no login: run `hf auth login`, or set HF_TOKEN to a token with the "
            "right to write"
        )
    return place


def files_at(place: Repository, token: str | None = None) -> list[str]:
    """The names of a repository's files; none if it does not exist yet.

    Raises:
        RemoteError: the hub refuses, or cannot be reached.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError

    with in_one_line(str(place)):
        try:
            return list(HfApi(token=token).list_repo_files(place.id))
        except RepositoryNotFoundError:
            return []


def send(folder: Path, place: Repository, options: Upload) -> str:
    """Send the files of a folder in one commit, to a repository that is made if it is missing.

    A model card that was edited there is kept, unless the folder's own was edited, too.

    Returns:
        The address of the commit.

    Raises:
        RemoteError: the hub refuses, or cannot be reached.
    """
    from huggingface_hub import HfApi

    api = HfApi(token=options.token, library_name="gan-style")
    with in_one_line(str(place)):
        refuse_silence(place, options.token)
        api.create_repo(place.id, private=options.private, exist_ok=True)
        kept = []
        card = folder / CARD_FILE
        generated = card.exists() and not was_edited(_text(card))
        if generated and _edited_there(place, options):
            logger.info("%s of %s was edited, and is kept as it is", CARD_FILE, place)
            kept = [CARD_FILE]
        sent = api.upload_folder(
            repo_id=place.id,
            folder_path=folder,
            commit_message=options.commit_message,
            revision=options.branch,
            create_pr=options.create_pr,
            ignore_patterns=kept,
        )
    return str(sent.pr_url or sent.commit_url)


def _edited_there(place: Repository, options: Upload) -> bool:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, RevisionNotFoundError

    with tempfile.TemporaryDirectory() as cache:  # the user's own would hold a part of it
        try:
            there = hf_hub_download(
                place.id,
                CARD_FILE,
                revision=options.branch,
                token=options.token,
                cache_dir=cache,
            )
        except (EntryNotFoundError, RevisionNotFoundError):
            return False
        return was_edited(_text(Path(there)))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
