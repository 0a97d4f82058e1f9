"""ELM offline: one soft prompt for the whole set, rewarded by the majority (arXiv 2606.17803).

Learned over all problems before the first is answered; every problem is answered with it, without retrieval or routing.
"""

from __future__ import annotations

from elm_app.evaluation.offline_methods import Offline


class ElmOffline(Offline):
    """Keeps one soft prompt."""
