"""gan_style in ComfyUI, which imports this folder from its custom_nodes and reads these two names.

The classic form of nodes (`NODE_CLASS_MAPPINGS`), which every version of ComfyUI loads.
"""

from .nodes import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
