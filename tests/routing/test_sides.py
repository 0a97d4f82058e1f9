"""A side is made from what was sampled, of one arm or of several."""

from __future__ import annotations

import pytest

from elm_app.answers.extract import extract
from elm_app.core.types import Arm, Trace
from elm_app.rollouts.collect import Sampled
from elm_app.routing.sides import side


def sampled(**arms: list[str]) -> Sampled:
    """Traces with these texts, finished last first; a token a character, and a stop token."""
    done = Sampled({arm: len(texts) for arm, texts in arms.items()})
    for arm, texts in arms.items():
        for index, text in reversed(list(enumerate(texts))):
            logprobs = tuple(-float(place) for place in range(len(text) + 1))
            trace = Trace(arm, index, index, text, extract(text), len(logprobs), True, 0.0)
            done.traces.setdefault(arm, {})[index] = trace
            done.logprobs.setdefault(arm, {})[index] = logprobs
            done.ends[arm, index] = [*range(1, len(text) + 1), len(text)]
    return done


ARMS: dict[str, list[str]] = {
    "zero_shot": [r"\boxed{1}", "no", r"\boxed{2}"],
    "memory": [r"\boxed{3}", r"\boxed{4}"],
    "memory_2": [r"so \boxed{4}", r"\boxed{5}"],
}


def test_one_arm_is_a_side_by_index() -> None:
    made = side("zero_shot", sampled(**ARMS), ["zero_shot"])
    assert [sample.trace.index for sample in made.samples] == [0, 1, 2]
    assert (made.vote.answer, made.vote.abstained, made.vote.tied) == ("1", 1, True)
    assert made.samples[1].logprobs == (0.0, -1.0, -2.0)
    assert made.samples[1].ends == (1, 2, 2)


def test_several_arms_are_one_side_with_one_vote() -> None:
    arms: list[Arm] = ["memory", "memory_2"]
    made = side("memory", sampled(**ARMS), arms)
    assert [(sample.trace.arm, sample.trace.index) for sample in made.samples] == [
        ("memory", 0),
        ("memory", 1),
        ("memory_2", 0),
        ("memory_2", 1),
    ]
    assert (made.vote.answer, made.vote.agreement) == ("4", 0.5)
    assert [sample.trace.text for sample in made.supporters()] == [r"\boxed{4}", r"so \boxed{4}"]


def test_ends_stay_in_the_text_and_reach_its_end() -> None:
    done = sampled(zero_shot=["äb"])
    done.ends["zero_shot", 0] = [0, 3, 3]  # more came through the stream than the text has
    assert side("zero_shot", done, ["zero_shot"]).samples[0].ends == (0, 2, 2)
    done.ends["zero_shot", 0] = [1, 1, 1]  # half a character at the end did not
    assert side("zero_shot", done, ["zero_shot"]).samples[0].ends == (1, 1, 2)


def test_what_has_not_finished_is_not_there() -> None:
    done = sampled(memory=[r"\boxed{1}", r"\boxed{2}"])
    del done.traces["memory"][0]
    assert side("memory", done, ["memory", "memory_2"]).vote.answer == "2"
    with pytest.raises(ValueError, match="no finished trace in memory_2"):
        side("memory", done, ["memory_2"])
