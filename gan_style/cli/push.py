"""`gan-style push`: share a model or style codes at the Hugging Face hub."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gan_style.cli.command import Command
from gan_style.errors import ConfigError
from gan_style.options import option

if TYPE_CHECKING:
    from gan_style.sharing.hub import Shared


@dataclass(frozen=True, kw_only=True)
class Push(Command):
    """Share a model or style codes at the Hugging Face hub, with a model card.

    The card tells how to use them, and what they learned from. Your pictures are not sent; style
    codes hold thumbnails of them, 128 px wide, unless --no-thumbnails is given. With -o you see
    first what would be sent.
    """

    examples: ClassVar[tuple[str, ...]] = (
        "gan-style push runs/mine hf:user/mine --license cc-by-4.0",
        "gan-style push mine.style.safetensors hf:user/mine-style --private",
        "gan-style push runs/mine hf:user/mine -o to_send",
    )

    what: tuple[str, ...] = option(positional=True, metavar="MODEL|STYLE")
    """A run folder, a saved model, or style codes: files, or a folder of them."""
    address: str = option(positional=True, metavar="hf:USER/NAME")
    """The repository, which is made if it is missing."""
    private: bool = False
    """Make a new repository that only you can see."""
    license: str | None = option(None, metavar="ID", pattern=r"[a-z0-9.-]+", allowed="cc-by-4.0 …")
    """The license that you give it, as the hub names it: cc-by-4.0, apache-2.0, other."""
    message: str = option("Upload by gan-style push", metavar="TEXT")
    """Message of the commit."""
    no_thumbnails: bool = False
    """Take the thumbnails of your pictures out of the style codes and the card."""
    output: str | None = option(None, short="o", metavar="FOLDER")
    """Write what would be sent into this folder, and send nothing."""
    force: bool = False
    """Replace files in that folder."""

    def run(self) -> None:
        """Write or send it, and say how it is used."""
        if not self.address.startswith("hf:"):
            raise ConfigError(f"{self.address} is no address to send to; one is hf:user/name")
        from gan_style.remote.hub import repository_of
        from gan_style.remote.upload import Upload, target
        from gan_style.sharing.hub import shared

        found = shared(self.what)
        if self.output:
            folder, place = Path(self.output), repository_of(self.address)
            found.write(
                folder,
                place,
                license=self.license,
                thumbnails=not self.no_thumbnails,
                force=self.force,
            )
            print(f"{folder} has what would be sent to {place}; its card is {folder / 'README.md'}")
            return
        place = target(self.address)
        commit = found.push(
            place,
            Upload(self.message, self.private or None),
            license=self.license,
            thumbnails=not self.no_thumbnails,
        )
        print(f"pushed to {commit}")
        if self.license is None:
            print(
                "no license is stated, so nobody may use it freely: --license cc-by-4.0 states one"
            )
        print(f"use it:  gan-style stylize PHOTO {_options(found, str(place))} -o painted.png")


def _options(found: "Shared", place: str) -> str:
    if found.model:
        return f"--model {place} --style STYLE"
    return f"--style {place}" if len(found.styles) == 1 else f"--style {place}/STYLE"
