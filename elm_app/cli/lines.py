"""Text for a terminal."""

from __future__ import annotations

import re


def one_line(text: str) -> str:
    r"""Text that stays on its line and cannot steer a terminal.

    >>> one_line("72\x1b[2J")
    '72 [2J'
    """
    return re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text)
