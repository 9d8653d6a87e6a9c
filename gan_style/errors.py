"""What this package raises: one root, and a kind for each sort of thing that can be wrong.

A message names the thing, its value and what is allowed. Most kinds are a ValueError, too: they
say that something given cannot be used, and are raised before any work.
"""


class GanStyleError(Exception):
    """The root of all errors that this package raises by itself."""


class ConfigError(GanStyleError, ValueError):
    """An option that does not exist, or a value that it cannot have."""


class PictureError(GanStyleError, ValueError):
    """A picture that cannot be read or written. The message names the file and the reason."""


class VideoError(GanStyleError, ValueError):
    """A video that cannot be read or written. The message names the file and the reason."""


class DataError(GanStyleError, ValueError):
    """A collection that cannot be trained on. The message names the folder and the reason."""


class FeaturesError(GanStyleError, ValueError):
    """A frozen network that does not exist, or whose weights are missing or do not fit."""


class CheckpointError(GanStyleError, ValueError):
    """A checkpoint that is missing, damaged, foreign or cannot be written."""


class ModelError(GanStyleError, ValueError):
    """A model that cannot be found or loaded."""


class RemoteError(GanStyleError, ValueError):
    """A model or style code that cannot be fetched from its address, or not be sent there."""


class StyleError(GanStyleError, ValueError):
    """A style that cannot be found, loaded, combined with others or used by a model."""


class EvaluationError(GanStyleError, ValueError):
    """An evaluation that cannot be done. The message names the option and what is allowed."""


class TooLargeError(GanStyleError, ValueError):
    """A picture that does not fit into memory. The message names the size that does."""


class DivergedError(GanStyleError, ValueError):
    """The loss of the picture that an optimization starts from is not finite."""


class RunError(GanStyleError, RuntimeError):
    """A run that broke while it worked, as for want of memory; what it had saved is whole."""


class DistributedError(RunError):
    """A process of a job lost the others. They say why in messages of their own."""


class NonFiniteLossError(RunError):
    """A loss of training that is not a number or infinite; the optimizers have not moved."""
