"""A model as a page that paints in the browser: a folder of files for any static web server."""

import base64
import hashlib
import io
import json
import tarfile
import urllib.request
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np

from gan_style.errors import ConfigError, RemoteError
from gan_style.files import file_name, replacing
from gan_style.sharing.onnx_export import export_onnx
from gan_style.style_code import StyleCode
from gan_style.stylizer import Stylizer

RUNTIME_VERSION = "1.30.0"
"""Of onnxruntime-web."""
RUNTIME_ADDRESS = (
    f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{RUNTIME_VERSION}.tgz"
)
"""Where its package is fetched from."""
RUNTIME_SHA512 = (
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
)
"""Of the package, as the registry's own `integrity` gives it."""
RUNTIME_FILES = (
    "dist/ort.wasm.min.mjs",
    "dist/ort-wasm-simd-threaded.mjs",
    "dist/ort-wasm-simd-threaded.wasm",
    "dist/ort.webgpu.min.mjs",
    "dist/ort-wasm-simd-threaded.asyncify.mjs",
    "dist/ort-wasm-simd-threaded.asyncify.wasm",
    "package.json",
    "README.md",
)
"""Of the package, those that the page needs, and what says whose they are."""
PAGE_FILES = ("index.html", "app.js", "worker.js", "style.css")
_PATIENCE = 60  # seconds without a byte


def export_web(stylizer: Stylizer, folder: Path, runtime: Path | None = None) -> list[Path]:
    """Write the page.

    Args:
        stylizer: whose model and named styles the page has.
        folder: is made if it is missing; files that are there are replaced.
        runtime: the package of onnxruntime-web, RUNTIME_VERSION, as a file; None fetches it.

    Returns:
        The files that were written.

    Raises:
        ConfigError: a library is missing, or `runtime` is not that package.
        RemoteError: the package cannot be fetched.
        ModelError: the exported model differs from PyTorch.
        OSError: a file cannot be written.
    """
    package = runtime_package(runtime)  # first: it is what can fail
    graphs = export_onnx(stylizer.model, stylizer.id, folder / "model.onnx", half=True)
    return [*(each.path for each in graphs), *write_page(stylizer, folder, package)]


def write_page(stylizer: Stylizer, folder: Path, package: Mapping[str, bytes]) -> list[Path]:
    """Write everything but the networks, which have to be model.onnx and the files beside it.

    Args:
        stylizer: whose named styles the page has.
        folder: is made if it is missing.
        package: from `runtime_package`.
    """
    web = resources.files("gan_style") / "sharing" / "web"
    contents = {name: (web / name).read_bytes() for name in PAGE_FILES}
    contents |= {f"runtime/{Path(name).name}": data for name, data in package.items()}
    contents |= _catalog(stylizer)
    for name, data in contents.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(data)
    return [folder / name for name in contents]


def runtime_package(file: Path | None = None) -> dict[str, bytes]:
    """RUNTIME_FILES of onnxruntime-web's package, from a file or from the registry of npm.

    Raises:
        ConfigError: the file is missing, or not the package of RUNTIME_VERSION.
        RemoteError: it cannot be fetched.
    """
    if file is not None:
        try:
            packed = file.read_bytes()
        except OSError as error:
            raise ConfigError(f"--runtime {file} cannot be read: {error.strerror}") from error
    else:
        packed = _fetched()
    digest = base64.b64encode(hashlib.sha512(packed).digest()).decode()
    if digest != RUNTIME_SHA512:
        raise ConfigError(
            f"{file or RUNTIME_ADDRESS} is not the package of onnxruntime-web {RUNTIME_VERSION}: "
            "its SHA-512 is another"
        )
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {name: _content(archive, f"package/{name}") for name in RUNTIME_FILES}


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None, "a file of the package, whose hash has been compared"
    return member.read()


def _fetched() -> bytes:
    try:
        with urllib.request.urlopen(RUNTIME_ADDRESS, timeout=_PATIENCE) as answer:
            return bytes(answer.read())
    except (URLError, OSError) as error:
        raise RemoteError(
            f"{RUNTIME_ADDRESS} cannot be fetched ({error}); download it elsewhere and give the "
            "file: --runtime FILE"
        ) from error


def _catalog(stylizer: Stylizer) -> dict[str, bytes]:
    """styles.json and the thumbnails of the named styles."""
    files: dict[str, bytes] = {}
    listed = []
    for name, style in stylizer.styles.items():
        entry: dict[str, Any] = {"name": name, "sides": list(style.sides), "codes": _packed(style)}
        if style.thumbnail is not None:
            image = io.BytesIO()
            style.thumbnail.convert("RGB").save(image, "JPEG", quality=85)
            entry["thumbnail"] = f"thumbnails/{file_name(name)}.jpg"
            files[entry["thumbnail"]] = image.getvalue()
        listed.append(entry)
    catalog: Mapping[str, Any] = {
        "model": stylizer.id,
        "code_dim": stylizer.model.config.code_dim,
        "styles": listed,
    }
    return {"styles.json": json.dumps(catalog).encode(), **files}


def _packed(style: StyleCode) -> str:
    """The codes, (R, d) little-endian float32, as base64."""
    values = style.mean.float().numpy().astype(np.dtype("<f4"))
    return base64.b64encode(values.tobytes()).decode()
