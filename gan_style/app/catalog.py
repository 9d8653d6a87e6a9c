"""The styles that can be chosen on the page, each under a key: no path comes from the browser."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gan_style.app.folder import WorkFolder
from gan_style.errors import StyleError
from gan_style.models.style_model import MODEL_FILE
from gan_style.pretrained import base_id
from gan_style.shipped import BASE, STYLES, named_styles, styles_in
from gan_style.style_code import StyleCode


@dataclass(frozen=True)
class Choice:
    """A style that can be chosen.

    key: by which the browser names it. label: by which people do. file: of the code. model: the
    place of the model that paints it. run: the run folder that learned it, if one did.
    """

    key: str
    label: str
    file: Path
    model: str | Path
    run: Path | None = None

    @property
    def code(self) -> StyleCode:
        """The style code.

        Raises:
            StyleError: its file is gone or damaged.
        """
        return _read(self.file, self.file.stat().st_mtime_ns)


class Catalog:
    """What there is to choose from: learned styles first, then saved codes, then shipped styles."""

    def __init__(self, folder: WorkFolder) -> None:
        self.folder = folder

    def styles(self) -> dict[str, Choice]:
        """All choices by their keys, as they are now."""
        learned = list(self._learned())
        models: dict[str, str | Path] = {base_id(): BASE}
        models |= {each.code.model: each.model for each in reversed(learned)}
        shipped = [Choice(f"base:{n}", n, file, BASE) for n, file in named_styles().items()]
        return {each.key: each for each in (*learned, *self._saved(models), *shipped)}

    def choice(self, key: str | None) -> Choice:
        """The choice of a key.

        Raises:
            StyleError: nothing was chosen, or it is not there any more.
        """
        if not key:
            raise StyleError("no style is chosen yet: choose one first")
        found = self.styles().get(key)
        if found is None:
            raise StyleError("this style is not there any more: reload the page")
        return found

    def _learned(self) -> Iterator[Choice]:
        """The styles of runs that have come to their end, the newest run first."""
        runs = [run for run in self.folder.runs.iterdir() if (run / MODEL_FILE).is_file()]
        for run in sorted(runs, key=lambda run: -(run / MODEL_FILE).stat().st_mtime):
            styles = _readable(styles_in(run / STYLES))
            for name, file in styles.items():
                label = run.name if len(styles) == 1 else f"{run.name}: {name}"
                yield Choice(f"run:{run.name}:{name}", label, file, run, run)

    def _saved(self, models: Mapping[str, str | Path]) -> Iterator[Choice]:
        """Saved codes whose model is there."""
        for name, file in _readable(styles_in(self.folder.codes)).items():
            choice = Choice(f"code:{name}", name, file, BASE)
            model = models.get(choice.code.model)
            if model is not None:
                yield Choice(choice.key, name, file, model)


def _readable(files: Mapping[str, Path]) -> dict[str, Path]:
    """Those that are whole: a name that is taken already may have an empty file for a moment."""
    found = {}
    for name, file in files.items():
        try:
            _read(file, file.stat().st_mtime_ns)
        except (StyleError, OSError):
            continue
        found[name] = file
    return found


@lru_cache(maxsize=500)
def _read(file: Path, modified: int) -> StyleCode:
    """Codes are small, and are asked for each time that a list is shown."""
    return StyleCode.load(file)
