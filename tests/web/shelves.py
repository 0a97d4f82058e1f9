"""A store full of made-up memories: problems of a few kinds, votes and curves as learning gives them.

python tests/web/shelves.py --memories some/folder --count 1000     fills a folder, to be looked at
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from elm_app.core.types import AnswerCount, LearnStep, Measured, Memory, ModelInfo, Vote
from elm_app.store.store import Store

SMALL = ModelInfo("small", "int8", "cpu", "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32")
TINY = ModelInfo("tiny", "int8", "cpu", "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53")
KINDS = (
    "A farmer packs {a} crates with {b} eggs each. On the way {c} eggs break, and the rest is sold in boxes of {d}. "
    "How many boxes does she sell?",
    "Two trains leave the same station in opposite directions, one at {a}0 km/h and the other at {b} km/h. How many "
    "kilometres apart are they after {d} hours?",
    "A rectangular garden is {a} metres long and {d} metres wide. A fence goes all around it except for a gate of 2 "
    "metres. How many metres of fence are needed?",
    "Maya reads one third of a book of {b}0 pages on Monday and one quarter of the rest on Tuesday. How many pages are "
    "left to read after {d} days?",
    "A coat costs {b} dollars. In a sale it is {a}% cheaper, and a voucher takes off another {d} dollars. How many "
    "dollars does it cost then?",
    "A bag holds {a} red, {b} blue and {d} green marbles. One is drawn at random. What is the probability that it is "
    "not blue? Give a fraction in lowest terms.",
)
PEOPLE = ("Anna", "Ben", "Clara", "David", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kofi", "Lena", "Priya")
THINGS = ("apples", "books", "coins", "lamps", "stamps", "tickets", "tiles", "toys", "pencils", "cups", "plants")
ENDS = ("", "Show every step.", "{p} helps with {t}.", "{p} has {a} {t} as well.", "It is {d} o'clock, says {p}.")
WORDS = (
    "Egg eggs farm hen basket",
    "twelve 12 dozen Twelve Dozen",
    "boxes box Box carton cases",
    "minus − less without",
    "step steps Step First then",
    "therefore so thus Hence",
    "÷ / divided by per",
    "answer Answer boxed final",
)
HIDDEN = 896
EVIL = '"><script>window.hacked=1</script><img src=x onerror="window.hacked=1"></textarea></article><svg onload=1>'


class WordEmbedder:
    """Texts with the same words are near: each word has a random direction."""

    name = "words"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [sum((_direction(word) for word in text.lower().split()), np.zeros(384)) for text in texts]
        return np.asarray([row / np.linalg.norm(row) for row in rows], np.float32)


def _direction(word: str) -> NDArray[Any]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
    return np.random.default_rng(seed).standard_normal(384)


class WordEmbedders:
    """Stands where `Embedders` stands; nothing is fetched."""

    def get(self, report: Any, cancelled: Any = None) -> WordEmbedder:  # noqa: ARG002
        return WordEmbedder()


def vote(answer: str, agree: int, others: Sequence[tuple[str, int]], abstained: int) -> Measured:
    """Fresh samples: so many for the answer, for other answers, and for none."""
    total = agree + sum(count for _, count in others) + abstained
    counts = [AnswerCount(answer, agree), *(AnswerCount(other, count) for other, count in others if count)]
    counts.sort(key=lambda count: -count.count)
    answered = (total - abstained) / total
    return Measured(Vote(counts[0].answer, counts[0].count / total, tuple(counts), abstained), total, answered, 214.0)


def memory(number: int, /, **changes: Any) -> Memory:
    """The memory of that number; always the same. Changes may be any fields of the card."""
    draw = np.random.default_rng(number)
    kind = number % len(KINDS)
    values: dict[str, Any] = {name: int(draw.integers(3, 30)) for name in "abcd"}
    answer = str(int(draw.integers(5, 300)))
    values |= {"p": PEOPLE[int(draw.integers(len(PEOPLE)))], "t": THINGS[int(draw.integers(len(THINGS)))]}
    text = f"{KINDS[kind]} {ENDS[int(draw.integers(len(ENDS)))]} {ENDS[int(draw.integers(len(ENDS)))]}".format(**values)
    before, gain = int(draw.integers(7, 12)), int(draw.integers(-2, 6))
    after = min(16, max(9, before + gain))
    improved = after > before
    id = f"{datetime(2026, 11, 1) + timedelta(hours=7 * number):%Y%m%d-%H%M%S}-{number:06d}"
    enabled = improved and number % 9 != 4
    made = Memory(
        id=id,
        problem=" ".join(text.split()),
        answer=answer,
        reward="majority",
        before=vote(answer, before, [("48", (16 - before) // 2)], 16 - before - (16 - before) // 2),
        after=vote(answer, after, [("48", 16 - after)], 0),
        improved=improved,
        verdict=f"{after} of 16 agree, {before} of 16 before." if improved else "No better than without it.",
        steps=tuple(_steps(draw, before, after)),
        settings={"model": "auto", "steps": 10, "rollouts": 8, "virtual_tokens": 20, "learning_rate": 0.002,
                  "temperature": 1.0, "max_new_tokens": 320, "init": "text", "loss": "dr_grpo", "reward": "majority",
                  "keep": False, "seed": 1234 + number},
        model=TINY if number % 7 == 3 else SMALL,
        tokenizer_sha256="c" * 64,
        virtual_tokens=20,
        hidden_size=HIDDEN,
        dtype="float32",
        embedder="words",
        created=(datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=7 * number)).isoformat(),
        seconds=round(float(draw.uniform(90, 420)), 1),
        tokens=int(draw.integers(9000, 32000)),
        bytes=0,
        words=tuple(tuple(WORDS[int(draw.integers(len(WORDS)))].split()) for _ in range(20)),
        run=id,
        enabled=enabled,
        disabled_reason="" if enabled else "No better than without it." if not improved else "Disabled by hand.",
        retrieved=int(draw.integers(0, 9)) if enabled else 0,
    )  # fmt: skip
    if made.retrieved:
        helped = int(draw.integers(0, made.retrieved + 1))
        made = replace(made, helped=helped, hurt=(made.retrieved - helped) // 3)
    return replace(made, **changes)


def evil() -> Memory:
    """A card whose every free text is hostile."""
    plain = memory(5)
    bad = replace(plain.before, vote=Vote(EVIL, 0.5, (replace(plain.before.vote.counts[0], answer=EVIL),), 8))
    steps = tuple(replace(step, answer=EVIL, skipped=EVIL) for step in plain.steps)
    return replace(
        plain, problem=EVIL + " evil", answer=EVIL, reward=EVIL, before=bad, after=bad, verdict=EVIL, steps=steps,
        settings={EVIL: EVIL, "model": [EVIL]}, model=replace(SMALL, id=EVIL, device=EVIL, quantization=EVIL),
        embedder=EVIL, words=((EVIL, "<b>"), ()), run=EVIL, label=EVIL, note=EVIL, enabled=False,
        disabled_reason=EVIL,
    )  # fmt: skip


def _steps(draw: np.random.Generator, before: int, after: int, count: int = 10) -> list[LearnStep]:
    steps = []
    for step in range(1, count + 1):
        share = before / 16 + (after - before) / 16 * step / count
        agreement = round(min(8, max(1, share * 8 + draw.normal(0, 0.7)))) / 8
        skipped = "All tries had the same reward." if agreement == 1 else None
        length = 240 - 6 * step + float(draw.normal(0, 9))
        moved = (None, None) if skipped else (-0.01 * agreement, float(draw.uniform(0.2, 0.7)))
        steps.append(
            LearnStep(
                step,
                "72",
                agreement,
                agreement,
                min(1.0, agreement + 0.125),
                length,
                *moved,
                skipped,
                9.5,
                12.25,
                21.75,
            )
        )
    return steps


def fill(store: Store, memories: Sequence[Memory]) -> None:
    """Stores them, with random tensors and the keys that `WordEmbedder` gives."""
    keys = WordEmbedder().encode([each.problem for each in memories])
    store.add_many(
        (each, np.random.default_rng(place).normal(size=(20, HIDDEN)).astype(np.float32), {"input": key})
        for place, (each, key) in enumerate(zip(memories, keys, strict=True))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--memories", type=Path, required=True)
    parser.add_argument("--count", type=int, default=36)
    given = parser.parse_args()
    store = Store(given.memories)
    fill(store, [memory(number) for number in range(given.count)])
    store.close()


if __name__ == "__main__":
    main()
