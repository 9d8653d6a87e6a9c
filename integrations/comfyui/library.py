"""Models and style codes in ComfyUI's models/gan_style, by the names that nodes list."""

from pathlib import Path

from gan_style.checkpoint import CHECKPOINTS
from gan_style.errors import ConfigError, StyleError
from gan_style.files import file_name
from gan_style.models.style_model import MODEL_FILE
from gan_style.shipped import BASE, STYLE_SUFFIX, STYLES, named_styles
from gan_style.style_code import StyleCode

from . import host


def models() -> dict[str, Path]:
    """The models in the folders, by name: runs, saved models, and model files."""
    found: dict[str, Path] = {}
    for folder in host.model_folders():
        for place in sorted(folder.glob("*")):
            if _is_model(place):
                found.setdefault(place.name, place)
    return found


def model_names() -> list[str]:
    """The shipped model, then those in the folders."""
    return [BASE, *(name for name in models() if name != BASE)]


def model_place(name: str) -> str | Path:
    """What `Stylizer.from_pretrained` takes for a name of `model_names`."""
    return BASE if name == BASE else models().get(name, name)


def styles() -> dict[str, Path]:
    """Files of style codes: the shipped ones by name, those in the folders by their path there."""
    found = dict(named_styles())
    for folder in host.model_folders():
        places = (f"*{STYLE_SUFFIX}", f"{STYLES}/*{STYLE_SUFFIX}", f"*/{STYLES}/*{STYLE_SUFFIX}")
        for file in (file for place in places for file in sorted(folder.glob(place))):
            name = file.relative_to(folder).as_posix().removesuffix(STYLE_SUFFIX)
            found.setdefault(name.removeprefix(f"{STYLES}/"), file)
    return found


def save_style(style: StyleCode, name: str) -> Path:
    """Write a style code into the first folder, where `styles` lists it.

    Raises:
        ConfigError: the name cannot be that of a file.
        StyleError: another style of that name is there.
    """
    path = new_place(name).parent / STYLES / f"{name.strip()}{STYLE_SUFFIX}"
    if path.exists():
        if StyleCode.load(path).mean.equal(style.mean):
            return path
        raise StyleError(f"{path} is there already, of another style; choose another name")
    return style.save(path)


def new_place(name: str) -> Path:
    """The folder of a name in the first of the folders.

    Raises:
        ConfigError: the name is empty, or has characters that names of files should not have.
    """
    plain = name.strip()
    if not plain or file_name(plain) != plain or plain in (BASE, STYLES):
        raise ConfigError(
            f"name is {name!r}; allowed are letters, digits, dashes, dots and underscores, and "
            f"neither {BASE!r} nor {STYLES!r}"
        )
    return host.model_folders()[0].absolute() / plain


def fingerprint(*places: str | Path | None) -> str:
    """A text that changes when one of these files, or a file in one of these folders, does."""
    facts = []
    for place in [Path(each) for each in places if each]:
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.is_file():
                status = file.stat()
                facts.append(f"{file} {status.st_size} {status.st_mtime_ns}")
    return "\n".join(facts)


def _is_model(place: Path) -> bool:
    if place.is_dir():
        return (place / MODEL_FILE).is_file() or (place / CHECKPOINTS).is_dir()
    return place.suffix == ".safetensors" and not place.name.endswith(STYLE_SUFFIX)
