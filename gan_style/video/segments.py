"""Work on a video that goes on after it was broken off, by whatever.

A folder beside the output holds the segments that are done, each in a file that is whole or not
there, and what the next segment needs to begin as if the work had never stopped:

    clip.mp4.unfinished/
        plan.json       what is being made: another plan does not go on from here
        000000.packets  the encoded frames of a segment
        000001.packets
        000002.state    what segment 2 begins with; written last, and makes those before it count
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from gan_style.errors import ConfigError
from gan_style.files import replacing
from gan_style.video.encoding import Packets
from gan_style.video.state import State, read_arrays, write_arrays

_PLAN = "plan.json"


class Segments:
    """The segments of one output.

    Args:
        output: the file or folder that they become.
        plan: names and values of all that the result depends on.
        force: begin anew where there is work by another plan.

    Raises:
        ConfigError: there is work by another plan; the message names what differs.
    """

    def __init__(self, output: Path, plan: Mapping[str, str], *, force: bool = False) -> None:
        self.folder = unfinished(output)
        self._plan = dict(plan)
        self.done = 0
        """Segments that are done."""
        if self.folder.exists():
            self._go_on(force)

    def state(self) -> State:
        """What the next segment begins with; empty for the first."""
        return read_arrays(self._file(self.done, "state")) if self.done else {}

    def add(self, packets: Packets, state: State) -> None:
        """Keep a segment, and what the one after it begins with.

        Raises:
            OSError: they cannot be written.
        """
        plan = self.folder / _PLAN
        if not plan.exists():
            with replacing(plan) as temporary:
                temporary.write_text(json.dumps(self._plan, indent=1), encoding="utf-8")
        write_arrays(self._file(self.done, "packets"), packets.to_arrays())
        write_arrays(self._file(self.done + 1, "state"), state)
        self._file(self.done, "state").unlink(missing_ok=True)
        self.done += 1

    def __iter__(self) -> Iterator[Packets]:
        """The packets of all segments, one segment in memory at a time."""
        for number in range(self.done):
            yield Packets.from_arrays(read_arrays(self._file(number, "packets")))

    def remove(self) -> None:
        """Remove the folder: the output is written."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _go_on(self, force: bool) -> None:
        if not any(self.folder.glob("[!.]*")):  # as a full disk leaves it
            return
        plan = self._found_plan()
        if plan != self._plan:
            if not force:
                raise ConfigError(
                    f"{self.folder} holds work that was begun {_difference(plan, self._plan)}; "
                    "give what was given then to go on, or --force to begin anew"
                )
            self.remove()
            return
        states = sorted(self.folder.glob("*.state"))
        self.done = int(states[-1].stem) if states else 0

    def _found_plan(self) -> dict[str, str]:
        try:
            found = json.loads((self.folder / _PLAN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _file(self, number: int, kind: str) -> Path:
        return self.folder / f"{number:06d}.{kind}"


def unfinished(output: Path) -> Path:
    """The folder in which an output is made."""
    return output.with_name(f"{output.name}.unfinished")


def _difference(found: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    for name in wanted:
        if name not in found:
            return f"without {name}" if found else "in another way"
        if found[name] != wanted[name]:
            return f"with {name} {found[name]}, not {wanted[name]}"
    return "in another way"
