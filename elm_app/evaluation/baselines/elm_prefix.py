"""ELM with a prefix as the form of memory (prefix tuning, Li and Liang, arXiv 2101.00190): keys and values of P
positions in every layer, learned directly, without the MLP that makes them in the paper. They start as those of the
text that a soft prompt starts from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from elm_app.evaluation.learned_forms import OtherForm

if TYPE_CHECKING:
    from elm_app.learning.policies import Policy


class ElmPrefix(OtherForm):
    """Keeps keys and values, a file a problem."""

    def make(self) -> Policy:
        from elm_app.learning.policies import Prefix

        return Prefix(self.desk.engine, self.desk.learning)
