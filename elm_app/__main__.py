"""`python -m elm_app …`: see `cli.py`."""

import sys

from elm_app.cli import main

if __name__ == "__main__":
    sys.exit(main())
