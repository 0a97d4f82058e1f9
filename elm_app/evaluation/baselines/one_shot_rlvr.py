"""One-shot RLVR: one problem with its right answer is learned over and over, and every problem is answered with that
(Wang et al., arXiv 2504.20571). As many updates as `elm_offline` makes over the whole set. Simplified: the first
problem of the set is the one (theirs is picked by how much its reward varied while all were trained on), and a soft
prompt is learned, not the whole model.
"""

from __future__ import annotations

from collections.abc import Sequence

from elm_app.core.types import Problem
from elm_app.evaluation.offline_methods import Offline


class OneShotRlvr(Offline):
    """Keeps one soft prompt."""

    by_gold = True

    def taught(self, problems: Sequence[Problem]) -> Sequence[Problem]:
        return problems[:1]
