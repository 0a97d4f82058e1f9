"""The gold answers of 400 problems of MATH: each is found again, and matches itself written a little differently."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from elm_app.answers.compare import Comparer
from elm_app.answers.extract import extract
from elm_app.answers.reading import key

FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "math500.jsonl"
pytestmark = [pytest.mark.data, pytest.mark.skipif(not FILE.exists(), reason=f"no {FILE.name}")]

PROSE = (
    "We have $\\sqrt{{4}} = 2$, so {{2}} or \\boxed{{0}} at first. But then \\(x \\in \\{{1, 2\\}}\\).\n\n"
    "Therefore the answer is $\\boxed{{{gold}}}$. \\boxed{{"
)


@pytest.fixture(scope="module")
def golds() -> list[str]:
    answers = [json.loads(line)["answer"] for line in FILE.read_text(encoding="utf-8").splitlines()]
    assert len(answers) == 400
    return answers


def spaced(answer: str) -> str:
    """The same formula with other spaces and another fraction sign, between dollars."""
    answer = re.sub(r"(?<=[\w)}])\s*([-+])\s*(?=[\w\\(])", r" \1  ", answer)
    answer = re.sub(r"(?<=[)}\]a-z]),(?=\S)", ", ", answer)
    return f" ${answer.replace(chr(92) + 'frac', chr(92) + 'dfrac')} $ "


def test_every_answer_is_extracted_and_matches(golds: list[str], asker: Comparer) -> None:
    for gold in golds:
        found = extract(PROSE.format(gold=gold))
        assert found == " ".join(gold.split())
        assert asker.equivalent(found, spaced(gold)), gold
        assert asker.equivalent(spaced(gold), gold), gold


def test_math_verify_reads_every_answer(golds: list[str], asker: Comparer) -> None:
    """The keys do most of the work above; here each answer goes to the worker, keys or not."""
    before = asker.timeouts
    unread = [gold for gold in dict.fromkeys(golds) if not asker._ask(gold, spaced(gold).strip(" $"))]
    assert unread == []
    assert asker.timeouts == before


def test_answers_of_other_problems_differ(golds: list[str], asker: Comparer) -> None:
    pairs = [(a, b) for a, b in pairwise(dict.fromkeys(golds)) if key(a) != key(b)]
    assert len(pairs) > 200
    assert [pair for pair in pairs if asker.equivalent(*pair)] == []
