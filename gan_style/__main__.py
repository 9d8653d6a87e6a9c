"""`python -m gan_style`: the command `gan-style`."""

import sys

from gan_style.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
