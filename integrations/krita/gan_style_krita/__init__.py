"""gan_style in Krita, which imports this package when it starts.

It is not called gan_style: the Krita of a Linux distribution has the system's Python, in which the
library of that name may be installed.
"""

from krita import (  # type: ignore[attr-defined]  # Krita's, not a folder's
    DockWidgetFactory,
    DockWidgetFactoryBase,
    Krita,
)

from .docker import Docker

Krita.instance().addDockWidgetFactory(
    DockWidgetFactory("gan_style", DockWidgetFactoryBase.DockRight, Docker)
)
