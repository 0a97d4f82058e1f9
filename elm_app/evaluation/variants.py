"""ELM online and its controls by name: each is the stream with something changed.

`elm` is the method with the settings that are given. Where only the retrieval differs, the memories are taken from
`elm` if it is there, because what is learned from a problem does not depend on which memories were tried on it. Rewards
that need no vote learn from every problem, also from those on which no two traces agree; `experiments/labels.py
--beside` compares two rewards on the problems that both learned from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variant:
    """What differs from `elm`.

    Attributes:
        about: in a few words.
        routing, learning: settings that are replaced.
        learns: whether memories are made.
        donor: whether the memories of `elm` will do.
        frozen: whether it starts with the memories of another store.
    """

    about: str
    routing: dict[str, Any] = field(default_factory=dict)
    learning: dict[str, Any] = field(default_factory=dict)
    learns: bool = True
    donor: bool = False
    frozen: bool = False


_REWARDS = {
    "vote": "the vote before learning",
    "gold": "the right answers: an oracle",
    "random": "the toss of a coin",
    "inverted": "any answer but the majority's",
    "certainty": "self-certainty",
    "entropy": "low entropy",
    "reference": "a reference solution written from all attempts",
}
VARIANTS = {
    "elm": Variant("ELM online: a memory learned from each problem, the nearest one tried on the next"),
    **{
        f"elm_{reward}_reward": Variant(f"ELM online, rewarded by {about}", learning={"reward": reward})
        for reward, about in _REWARDS.items()
    },
    "elm_sure": Variant(
        "ELM online, learned only where 3 of 8 agree, rewarded by that vote",
        learning={"reward": "vote", "min_agreement": 0.375},
    ),
    "elm_random_memory": Variant("control: any memory instead of the nearest", {"memory": "random"}, donor=True),
    "elm_farthest_memory": Variant("control: the least similar memory", {"memory": "farthest"}, donor=True),
    "elm_untrained": Variant("control: a soft prompt nobody trained", {"memory": "untrained"}, learns=False),
    "elm_frozen": Variant("transfer: memories made elsewhere, used as they are", learns=False, frozen=True),
}
