"""What the tabs share: the work folder, the styles to choose from, the models, the trainings."""

from dataclasses import dataclass
from pathlib import Path

from gan_style.app.catalog import Catalog
from gan_style.app.folder import WorkFolder
from gan_style.app.studio import Studio
from gan_style.app.trainings import Trainings


@dataclass(frozen=True)
class Desk:
    """One for the whole page; nothing in it belongs to one browser."""

    folder: WorkFolder
    catalog: Catalog
    studio: Studio
    trainings: Trainings

    @classmethod
    def at(cls, place: Path, device: str = "auto", config: Path | None = None) -> "Desk":
        """Open a work folder.

        Args:
            place: is made if it is missing.
            device: where to paint and train.
            config: of trainings; see `Trainings`.

        Raises:
            ConfigError: the folder cannot be used.
        """
        folder = WorkFolder(place)
        folder.clean()
        return cls(folder, Catalog(folder), Studio(device), Trainings(folder, config, device))
