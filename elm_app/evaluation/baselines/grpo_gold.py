"""GRPO with the right answers (Shao et al., arXiv 2402.03300), on one soft prompt over the whole set: the upper line.

It is told the answers of the very problems that it is asked afterwards; no method without labels can do that.
"""

from __future__ import annotations

from elm_app.evaluation.offline_methods import Offline


class GrpoGold(Offline):
    """Keeps one soft prompt."""

    by_gold = True
