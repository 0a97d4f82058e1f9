from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["extract", "normalise", "vote", "reward"])
def test_the_examples_in_the_docstrings(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"elm_app.answers.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
