"""`python -m tuner_component`."""

import sys

from tuner_component.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
