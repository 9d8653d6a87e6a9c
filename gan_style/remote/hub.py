"""Models and style codes at the Hugging Face hub: addresses, downloads, and what can go wrong.

    hf:user/name           a model, or the one style code of a repository
    hf:user/name/STYLE     one style code of several, of a model, too
    hf:user/name@REVISION  as it was at a branch, a tag or a commit; after STYLE, if there is one

Downloads go to the cache of huggingface_hub, where they are found again without a network.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gan_style.errors import RemoteError
from gan_style.remote.places import Kind
from gan_style.shipped import STYLE_SUFFIX, STYLES

SCHEME = "hf:"
"""How the addresses of this module begin."""

_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
_ADDRESS = re.compile(
    rf"(?://)?(?P<id>{_NAME.pattern})(?:/(?P<style>[^@/]+))?(?:@(?P<revision>\S+))?",
    re.ASCII,
)
_CARD = "README.md"
_MODEL_FILES = (  # and nothing else: no pickle is ever downloaded
    _CARD,
    "config.json",
    "training.json",
    "model.safetensors",
    "model.discriminator.safetensors",
    f"{STYLES}/*{STYLE_SUFFIX}",
)


@dataclass(frozen=True)
class Repository:
    """What an address names.

    id: user/name. style: name of one of its style codes. revision: branch, tag or commit; None is
    the newest.
    """

    id: str
    style: str | None = None
    revision: str | None = None

    def __str__(self) -> str:
        style = f"/{self.style}" if self.style else ""
        return f"{SCHEME}{self.id}{style}" + (f"@{self.revision}" if self.revision else "")


@dataclass(frozen=True)
class Download:
    """How to download; as the arguments of this name of huggingface_hub's `from_pretrained`."""

    token: str | bool | None = None
    cache_dir: str | Path | None = None
    force_download: bool = False
    local_files_only: bool = False


def repository_of(address: str) -> Repository:
    """What an address names, with or without its `hf:`.

    Raises:
        RemoteError: it is no address.
    """
    found = _ADDRESS.fullmatch(address.removeprefix(SCHEME))
    if not found:
        raise RemoteError(
            f"{address} is no address at the hub; one is hf:user/name, hf:user/name/STYLE, "
            "and either with @REVISION"
        )
    return Repository(found["id"], found["style"], found["revision"])


def is_repository(place: object) -> bool:
    """Whether this text has the form user/name, as other libraries write a repository."""
    return isinstance(place, str) and _NAME.fullmatch(place) is not None


def fetch(address: str, kind: Kind) -> Path:
    """Bring a model or a style code here; see `gan_style.remote.places.fetch`.

    Args:
        address: without its `hf:`.
        kind: what is wanted.

    Raises:
        RemoteError: no such thing at the hub, it refuses, or it cannot be reached.
    """
    place = repository_of(address)
    return fetch_model(place) if kind == "model" else _fetch_style(place)


def fetch_model(place: Repository, options: Download = Download()) -> Path:
    """The folder of a model in the cache.

    Raises:
        RemoteError: no such model, the hub refuses, or it cannot be reached.
    """
    if place.style:
        raise RemoteError(f"{place} names a style; the model is {SCHEME}{place.id}")
    folder = _download(place, _MODEL_FILES, options)
    if not (folder / "model.safetensors").is_file():
        _refuse_a_part(place, options)
        raise RemoteError(f"{place} has no model.safetensors: it is not a model of gan_style")
    return folder


def _fetch_style(place: Repository) -> Path:
    if place.style:
        name = f"{place.style.removesuffix(STYLE_SUFFIX)}{STYLE_SUFFIX}"
        folder = _download(place, (_CARD, name, f"{STYLES}/{name}"))
        for file in (folder / name, folder / STYLES / name):
            if file.is_file():
                return file
    folder = _download(place, (_CARD, f"*{STYLE_SUFFIX}", f"{STYLES}/*{STYLE_SUFFIX}"))
    found = {
        file.name.removesuffix(STYLE_SUFFIX): file
        for file in (*folder.glob(f"{STYLES}/*{STYLE_SUFFIX}"), *folder.glob(f"*{STYLE_SUFFIX}"))
    }
    if not found or place.style:
        _refuse_a_part(place)
    if not found:
        raise RemoteError(f"{SCHEME}{place.id} has no style codes (*{STYLE_SUFFIX})")
    if place.style or len(found) > 1:
        what = f"has no style {place.style!r}" if place.style else f"has {len(found)} styles"
        raise RemoteError(
            f"{SCHEME}{place.id} {what}; give one of: "
            + ", ".join(f"{SCHEME}{place.id}/{name}" for name in sorted(found))
        )
    return next(iter(found.values()))


def _download(
    place: Repository,
    patterns: Sequence[str],
    options: Download = Download(),
) -> Path:
    """The folder of a repository in the cache, with the files of these patterns."""
    refuse_without_library(str(place))
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    with in_one_line(str(place)):
        silent = not options.local_files_only and not _answers(place, options.token)
        try:
            folder = snapshot_download(
                place.id,
                revision=place.revision,
                allow_patterns=list(patterns),
                token=options.token,
                cache_dir=options.cache_dir,
                force_download=options.force_download,
                local_files_only=options.local_files_only or silent,
                library_name="gan-style",
                tqdm_class=_patient_bar(),
            )
        except LocalEntryNotFoundError as error:
            if not silent:
                raise
            raise RemoteError(f"{place}: {_silence()}, and it is not in the cache") from error
    return Path(folder)


def refuse_silence(place: Repository, token: str | None) -> None:
    """Raise RemoteError if the hub does not answer in time."""
    if not _answers(place, token):
        raise RemoteError(f"{place}: {_silence()}")


def _answers(place: Repository, token: str | bool | None) -> bool:
    """Whether the hub answers in time, with whatever.

    huggingface_hub asks without a limit of time, but for files; it would wait for ever.
    """
    from huggingface_hub import HfApi, constants

    try:
        HfApi(token=token).model_info(
            place.id, revision=place.revision, timeout=constants.HF_HUB_ETAG_TIMEOUT
        )
    except Exception as error:  # anything else comes again when it matters
        return not _is_timeout(error)
    return True


def _refuse_a_part(place: Repository, options: Download = Download()) -> None:
    """Raise RemoteError if the hub cannot be asked what else it has.

    Without it, huggingface_hub before 2 gives the part of a repository that is in the cache.
    """
    from huggingface_hub import HfApi

    with in_one_line(f"{place} is not whole in the cache, and"):
        if options.local_files_only:
            raise RemoteError(f"{place} is not whole in the cache, and local_files_only is given")
        HfApi(token=options.token).model_info(place.id, revision=place.revision)


def _patient_bar() -> type[Any]:
    """A progress bar for downloads that take more than a second: most find all in the cache."""
    from huggingface_hub.utils.tqdm import tqdm

    class PatientBar(tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            options = {"delay": 1.0, "leave": False} | options
            super().__init__(*args, **options)  # type: ignore[no-untyped-call]

    return PatientBar


def refuse_without_library(place: str) -> None:
    """Raise RemoteError if huggingface_hub is not installed."""
    if find_spec("huggingface_hub") is None:
        raise RemoteError(f"{place} needs huggingface_hub: pip install 'gan-style[hub]'")


@contextmanager
def in_one_line(place: str) -> Iterator[None]:
    """Turn what huggingface_hub raises into a RemoteError of one line that says what to do."""
    try:
        yield
    except RemoteError:
        raise
    except Exception as error:  # it raises errors of a dozen kinds, and those of its HTTP client
        raise RemoteError(f"{place}: {_reason(error)}") from error


_LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"


def _reason(error: Exception) -> str:
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, LocalEntryNotFoundError):
        return f"{_unreachable(error.__cause__)}, and it is not in the cache"
    if isinstance(error, OfflineModeIsEnabled) or _is_of_the_client(error):
        return _unreachable(error)
    if isinstance(error, GatedRepoError):
        return f"its author has to let you in: ask at its page, and {_LOG_IN}"
    if isinstance(error, RepositoryNotFoundError):
        return f"there is no such repository, or it is private: {_LOG_IN}"
    if isinstance(error, RevisionNotFoundError):
        return "there is no such revision (branch, tag or commit)"
    if isinstance(error, HfHubHTTPError):
        return _refusal(error.response.status_code, error.server_message)
    return _first_line(error)


def _refusal(status: int, message: str | None) -> str:
    said = f": {' '.join(message.split())}" if message else ""
    if status == 401:
        return f"the hub refuses this login (401): {_LOG_IN}"
    if status == 403:
        return f"this login may not do that (403){said}; a token needs the right to write there"
    if status == 429:
        return "the hub has had too many requests from here (429); try again in some minutes"
    if status >= 500:
        return f"the hub is out of order ({status}); try again later"
    return f"the hub refuses ({status}){said}"


def _unreachable(error: BaseException | None) -> str:
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if error is None or isinstance(error, OfflineModeIsEnabled):
        return "the network is not to be used (HF_HUB_OFFLINE, or local_files_only)"
    if isinstance(error, HfHubHTTPError):
        return _refusal(error.response.status_code, error.server_message)
    if _is_timeout(error):
        return _silence()
    return f"{constants.ENDPOINT} cannot be reached"


def _silence() -> str:
    from huggingface_hub import constants

    return f"{constants.ENDPOINT} does not answer"


def _is_timeout(error: BaseException) -> bool:
    return _is_of_the_client(error) and "Timeout" in type(error).__name__


def _is_of_the_client(error: BaseException) -> bool:
    """Whether the HTTP client raised it: httpx in huggingface_hub 1, httpx2 in 2."""
    return type(error).__module__.partition(".")[0] in ("httpx", "httpx2")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]) or type(error).__name__
