"""Run the command line with ``python -m skdsn``."""

import sys

from skdsn.cli import main

if __name__ == "__main__":
    sys.exit(main())
