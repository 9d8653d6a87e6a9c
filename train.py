"""Train on your own collection: `python train.py [CONFIG.yaml] [key.sub=value …]`.

With no argument it trains on the built-in demo. The story of a run is told in gan_style/run.py.
"""

import sys
from pathlib import Path

from gan_style.cli import train_main

if __name__ == "__main__":
    sys.exit(train_main(Path(__file__).resolve().parent / "configs" / "default.yaml"))
