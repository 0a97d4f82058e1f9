"""Fragments of the page for where there is no program behind them: no links to other places, nothing to ask for."""

from __future__ import annotations

import re

_ELSEWHERE = re.compile(r'(?: · | )?<a href="\?[^"]*"[^>]*>(?:open|replay|save as one file)</a>')
_LINK = re.compile(r'<a href="\?[^"]*"[^>]*>(.*?)</a>', re.DOTALL)
_BUTTON = re.compile(r"\s?<button\b[^>]*>.*?</button>", re.DOTALL)
_SPACE_NAME = re.compile(r' xmlns="[^"]*"')


def offline(fragment: str) -> str:
    """A fragment of the page without links to other runs and memories, whose words stay, and without buttons.

    >>> offline('seed 7 · <a href="?run=r1">run r1</a> · <a href="?replay=r1">replay</a> <button>Learn</button>')
    'seed 7 · run r1'
    """
    return _SPACE_NAME.sub("", _LINK.sub(r"\1", _ELSEWHERE.sub("", _BUTTON.sub("", fragment))))
