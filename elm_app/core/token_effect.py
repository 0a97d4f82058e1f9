"""What a memory does to the tokens of a trace: the same tokens scored without it and with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from elm_app.core.types import Arm


@dataclass(frozen=True)
class TokenScore:
    """A token of a trace, scored without a memory and with it.

    Attributes:
        text: its part of the trace's text; of a special token its name.
        ids: its token id; several where it takes several tokens to make a character.
        zero_shot, memory: natural log-probabilities, without the memory and with it.
        special: True for the token that ends the trace; it has no part in the text.
    """

    text: str
    ids: tuple[int, ...]
    zero_shot: float
    memory: float
    special: bool = False

    @property
    def gain(self) -> float:
        """By how much the memory made it likelier, in nats; below 0 it made it less likely."""
        return self.memory - self.zero_shot


@dataclass(frozen=True)
class TraceEffect:
    """The tokens of one trace, scored without a memory and with it.

    Attributes:
        arm, index: which trace of the run it is.
        note: where its tokens may not be those that were drawn, that in a sentence.
    """

    arm: Arm
    index: int
    tokens: tuple[TokenScore, ...]
    note: str = ""

    def strongest(self, most: int = 20) -> list[int]:
        """The places of the tokens whose likelihood the memory changed most, the strongest first."""
        moved = [place for place, token in enumerate(self.tokens) if token.gain]
        return sorted(moved, key=lambda place: (-abs(self.tokens[place].gain), place))[:most]

    def around(self, place: int, longest: int = 32) -> tuple[str, str]:
        """The text before a token and behind it, so many characters at most; an ellipsis stands where it is cut."""
        before = "".join(token.text for token in self.tokens[:place])
        after = "".join(token.text for token in self.tokens[place + 1 :] if not token.special)
        return (
            before if len(before) <= longest else f"…{before[-longest:]}",
            after if len(after) <= longest else f"{after[:longest]}…",
        )

    def means(self) -> tuple[float, float]:
        """The mean log-probability of a token in nats, without the memory and with it."""
        count = max(1, sum(len(token.ids) for token in self.tokens))
        return sum(one.zero_shot for one in self.tokens) / count, sum(one.memory for one in self.tokens) / count


def parting(effects: Sequence[TraceEffect]) -> int | None:
    """The place of the first token at which two traces differ; None where they are the same.

    >>> one, other = (TokenScore(text, (ord(text),), 0.0, 0.0) for text in "ab")
    >>> parting([TraceEffect("zero_shot", 0, (one, one)), TraceEffect("memory", 0, (one, other))])
    1
    """
    first, second = ([token.ids for token in effect.tokens] for effect in effects)
    for place, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return place
    return None if len(first) == len(second) else min(len(first), len(second))
