"""`python -m elm_app …`: see `cli/main.py`."""

import sys

from elm_app.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
