"""Models and style codes from Weights & Biases: `wandb:entity/project/name:v3`.

A version of an artifact never changes. So one that is here is not asked for again, and needs
neither network nor key; `latest` and other aliases are looked up every time.
"""

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gan_style.errors import RemoteError
from gan_style.remote.account import require_wandb_key, wandb_server
from gan_style.remote.places import Kind
from gan_style.shipped import STYLE_SUFFIX

if TYPE_CHECKING:
    import wandb

_ADDRESS = re.compile(r"([\w.-]+)/([\w.-]+)/([\w.-]+)(?::([\w.-]+))?")
_VERSION = re.compile(r"v\d+")
_SECONDS = 20  # for an answer of the server


def fetch(address: str, kind: Kind) -> Path:
    """Fetch an artifact, unless this version of it is in the cache already.

    Args:
        address: `entity/project/name:version`; the version may be an alias, and is `latest` where
            it is left out.
        kind: the type that the artifact has to have.

    Returns:
        Of a style its file; of a model its file, or the folder where there are several.

    Raises:
        RemoteError: no such address, no key, no answer, nothing of that name, or of another type.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        form = "wandb:ENTITY/PROJECT/NAME:VERSION, such as wandb:me/gan-style/mine-model:v3"
        raise RemoteError(f"wandb:{address} is no address of an artifact, which is written {form}")
    entity, project, name, version = found.groups(default="latest")
    home = _cache() / urlsplit(wandb_server()).netloc.replace(":", "-") / entity / project / name
    folder = home / version
    if not (_VERSION.fullmatch(version) and folder.is_dir()):
        require_wandb_key(f"wandb:{address} cannot be fetched")
        folder = _download(f"{entity}/{project}/{name}:{version}", kind, home)
    return _file_in(folder, address, kind)


def _cache() -> Path:
    from wandb import env

    return Path(env.get_cache_dir()) / "gan-style"


def _download(address: str, kind: Kind, home: Path) -> Path:
    """Bring an artifact into the folder of its version under `home`, whole or not at all."""
    import wandb

    wandb.setup(wandb.Settings(silent=True))
    try:
        artifact = wandb.Api(timeout=_SECONDS).artifact(address)
        if artifact.type != kind:
            raise RemoteError(f"wandb:{address} is of type {artifact.type!r}; wanted is a {kind}")
        folder = home / str(artifact.version)
        if not folder.is_dir():
            _bring(artifact, folder)
    except RemoteError:
        raise
    except Exception as error:  # the library's own, and those of several others
        raise RemoteError(f"wandb:{address} cannot be fetched: {_reason(error)}") from error
    return folder


def _bring(artifact: "wandb.Artifact", folder: Path) -> None:
    """Download beside `folder`, and move there what has come whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".", dir=folder.parent) as temporary:
        files = Path(temporary) / folder.name
        artifact.download(root=str(files), skip_cache=True)
        try:
            os.replace(files, folder)
        except OSError:
            if not folder.is_dir():  # or another process was faster
                raise


def _file_in(folder: Path, address: str, kind: Kind) -> Path:
    files = sorted(folder.rglob("*.safetensors"))
    wanted = [file for file in files if file.name.endswith(STYLE_SUFFIX) == (kind == "style")]
    if len(wanted) == 1:
        return wanted[0]
    if wanted and kind == "model":
        return folder
    number = f"{len(wanted)} files" if wanted else "no file"
    ending = STYLE_SUFFIX if kind == "style" else ".safetensors"
    raise RemoteError(f"wandb:{address} has {number} that could be the {kind} (*{ending})")


def _reason(error: Exception) -> str:
    text = str(error).strip()
    if "not found" in text:
        return "there is nothing of that name, or this account may not see it"
    return text.splitlines()[0] if text else type(error).__name__
