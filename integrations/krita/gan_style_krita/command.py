"""The command `gan-style`: where it is, what it is called with, what it says. No Qt, no Krita.

Krita has a Python of its own, of version 3.8 or later, without PyTorch: so the plug-in calls the
command that was installed elsewhere.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Optional

NAME = "gan-style"
MISSING = (
    "The command gan-style was not found. Install it with `pip install gan-style`, and choose its "
    "file under Command."
)
_OF_KRITA = ("PYTHONHOME", "PYTHONPATH", "PYTHONNOUSERSITE", "QT_PLUGIN_PATH")
"""Variables by which Krita's packages find their own Python and Qt; another Python is broken by
them."""


@dataclass(frozen=True)
class Order:
    """How a layer is to be painted.

    style: a name, or the path of a style code, a picture or a folder. model: "base", or the path
    of a run folder or a model file. strength: 0 to 1. stroke_size: 0.5 to 4.
    """

    style: str
    model: str = "base"
    strength: float = 1.0
    stroke_size: float = 1.0
    keep_color: bool = False

    def words(self, photo: str, painting: str) -> List[str]:
        """The arguments of the command that paints a file into another one."""
        return [
            *("stylize", photo, "--style", self.style, "--model", self.model or "base"),
            *("--strength", f"{self.strength:g}", "--stroke-size", f"{self.stroke_size:g}"),
            *(["--keep-color"] if self.keep_color else []),
            *("--output", painting),
        ]


def listing(model: str) -> List[str]:
    """The arguments of the command that lists the named styles of a model."""
    return ["styles", "--model", model or "base"]


def names(printed: str) -> List[str]:
    """The named styles, from what `listing` prints: a line each, with two blanks after the name."""
    return [line.rpartition("  ")[0].strip() for line in printed.splitlines() if "  " in line]


def find(chosen: str) -> Optional[str]:
    """The file of the command: the one that was chosen, or that which is on the PATH.

    Programs that are started from a desktop often have a shorter PATH than a terminal has.
    """
    places = [str(Path.home() / ".local" / "bin"), os.environ.get("PATH", os.defpath)]
    return shutil.which(chosen.strip() or NAME, path=os.pathsep.join(places))


def environment(inherited: Mapping[str, str]) -> Dict[str, str]:
    """Krita's environment without what leads to Krita's own Python and libraries."""
    kept = {name: value for name, value in inherited.items() if name not in _OF_KRITA}
    mount = inherited.get("APPDIR")  # where an AppImage is unpacked
    if mount and "LD_LIBRARY_PATH" in kept:
        places = kept["LD_LIBRARY_PATH"].split(os.pathsep)
        kept["LD_LIBRARY_PATH"] = os.pathsep.join(p for p in places if not p.startswith(mount))
    kept["PYTHONIOENCODING"] = "utf-8"
    return kept


def reason(errors: str, code: int) -> str:
    """Why the command failed, in one line, from what it printed to standard error."""
    lines = [line.strip() for line in errors.replace("\r", "\n").splitlines() if line.strip()]
    for line in reversed(lines):
        if line.startswith("error: "):
            return line[len("error: ") :]
    return lines[-1] if lines else f"gan-style ended with {code} and said nothing"
