"""Train on your own collection: `python train.py [CONFIG.yaml] [key.sub=value …]`.

With no argument it trains on the built-in demo. gan_style/training/run.py is the story of a run.
"""

import sys
from pathlib import Path

from gan_style.cli.main import train_main

if __name__ == "__main__":
    sys.exit(train_main(Path(__file__).resolve().parent / "configs" / "default.yaml"))
