"""Launches the web page: `python app.py`, then open the address it prints; the same as `elm app`."""

import sys

from elm_app.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["app", *sys.argv[1:]]))
