from __future__ import annotations

from collections.abc import Iterator

import pytest

from elm_app.answers.compare import Comparer


@pytest.fixture(scope="session")
def asker() -> Iterator[Comparer]:
    """One comparer for all tests that do not break it; its limit is wide, for a busy machine."""
    with Comparer(timeout=30) as comparer:
        comparer.start()
        yield comparer
