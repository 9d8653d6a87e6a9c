"""Arrays of a picture's pixels, of 8 or 16 bits, and tensors, without a copy of all in floats.

Elsewhere a picture is a float32 tensor (1, 3, H, W), RGB in [0, 1]; a photo of 48 megapixels would
take 576 MB as one, and 144 MB as it is in its file.
"""

import numpy as np
import torch
from torch import Tensor

from gan_style.painting.strips import Pixels, full


def to_floats(pixels: Pixels, device: torch.device) -> Tensor:
    """(H, W, 3) -> (1, 3, H, W) float32 in [0, 1]."""
    if pixels.dtype == np.uint8:  # bytes to the device, and floats only there
        # a copy, because these may be read-only, which PyTorch does not know
        values = torch.from_numpy(np.array(pixels)).to(device).float()
    else:
        values = torch.from_numpy(pixels.astype(np.float32)).to(device)
    return (values / full(pixels)).permute(2, 0, 1)[None].contiguous()


def write_floats(painted: Tensor, pixels: Pixels) -> None:
    """Put (1, 3, H, W) in [0, 1] into (H, W, 3), rounded; not-a-number becomes 0."""
    scaled = painted[0].nan_to_num().clamp(0, 1).mul(full(pixels)).round_().permute(1, 2, 0)
    eight = pixels.dtype == np.uint8
    pixels[:] = (scaled.byte() if eight else scaled).cpu().numpy()
