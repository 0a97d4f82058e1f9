"""The verifier by a process reward model: steps, spans, minima and means, on a tiny random model."""

from __future__ import annotations

import threading
from pathlib import Path
from statistics import fmean

import pytest
from random_models import make_prm

from elm_app.answers.vote import vote
from elm_app.core.config import RouteSettings
from elm_app.core.errors import ModelError, Stopped
from elm_app.core.events import Progress, event_from_json, event_to_json
from elm_app.routing.agreement import Agreement
from elm_app.routing.confidence import SHOWN, Confidence
from elm_app.routing.process_reward import Prms, ProcessReward, split
from elm_app.routing.registry import verifier
from elm_app.routing.router import route
from elm_app.routing.verifier import Side

from .sides import make_sample

TEXTS = {
    "several": "First, 6 × 7.\n\nThen it is 42.\n \t \n  So \\boxed{42}.\n\n",
    "one": "It is \\boxed{42}.",
    "lines": "Line one.\nLine two, no blank line: \\boxed{42}.",
    "literal": "A <extra_0> is no step.\n\n<|im_end|> neither: \\boxed{42}.",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_prm(tmp_path_factory.mktemp("prm") / "random-prm", max_position_embeddings=512)


@pytest.fixture(scope="module")
def prms() -> Prms:
    return Prms()


def make(kind: str, texts: list[str], answers: list[str | None]) -> Side:
    samples = [
        make_sample(kind, place, answer, [-1.0] * 4, text)
        for place, (text, answer) in enumerate(zip(texts, answers, strict=True))
    ]
    return Side(kind, tuple(samples), vote(answers))  # type: ignore[arg-type]


def silent(_: Progress) -> None:
    pass


def test_a_text_is_split_at_blank_lines() -> None:
    parts = {name: [text[start:end] for start, end in split(text)] for name, text in TEXTS.items()}
    assert parts["several"] == ["First, 6 × 7.", "Then it is 42.", "So \\boxed{42}."]
    assert parts["one"] == [TEXTS["one"]]
    assert parts["lines"] == [TEXTS["lines"]]
    assert parts["literal"] == ["A <extra_0> is no step.", "<|im_end|> neither: \\boxed{42}."]
    assert split("\n\n \n a\r\n\r\nb \n\n\n\n") == [(5, 6), (10, 11)]
    assert split(" \n\n ") == []


def test_a_trace_is_as_good_as_its_weakest_step_and_a_side_as_its_traces(folder: Path, prms: Prms) -> None:
    zero_shot = make("zero_shot", list(TEXTS.values()), ["42"] * 4)
    memory = make("memory", ["No.\n\n\\boxed{41}", "x", "\\boxed{41}"], ["41", None, "41"])
    found = ProcessReward(str(folder), prms, "cpu").weigh("6 × 7?", [memory, zero_shot], silent, lambda: False)
    assert [(score.side, score.answer, len(score.traces)) for score in found] == [
        ("memory", "41", 2),
        ("zero_shot", "42", 4),
    ]
    prm = prms.get(str(folder), "cpu", silent, lambda: False)
    for score, side in zip(found, (memory, zero_shot), strict=True):
        assert score.score == pytest.approx(fmean(trace.score for trace in score.traces))
        for trace, sample in zip(score.traces, side.supporters(), strict=True):
            text = sample.trace.text
            assert trace.index == sample.trace.index
            assert [(step.start, step.end) for step in trace.steps] == split(text)
            alone = prm.score("6 × 7?", [[text[step.start : step.end] for step in trace.steps]])[0]
            assert [step.score for step in trace.steps] == pytest.approx(alone, abs=0.02), "bfloat16, other padding"
            assert trace.score == min(step.score for step in trace.steps)


def test_the_router_hears_which_traces_were_too_long(folder: Path, prms: Prms) -> None:
    zero_shot = make("zero_shot", ["x" * 600 + "\\boxed{1}"], ["1"])
    memory = make("memory", ["y" * 600 + "\\boxed{2}", "\\boxed{2}"], ["2", "2"])
    judge = verifier(RouteSettings(verifier="prm", prm=str(folder)), prms, "cpu")
    routed = route("p", zero_shot, memory, judge)
    assert routed.verified is not None
    assert [(side.score > 0, len(side.traces)) for side in routed.verified.sides] == [(False, 0), (True, 1)]
    assert (routed.decision.answer, routed.decision.verifier, routed.outcome) == ("2", "prm", "won")
    assert "2 traces are too long for the reward model and left out; none is left for 1" in routed.decision.reason
    assert event_from_json(event_to_json(routed.verified)) == routed.verified
    nothing = route("p", zero_shot, make("memory", ["y" * 600], ["2"]), judge)
    assert (nothing.decision.source, nothing.outcome) == ("zero_shot", "lost")


def test_of_very_many_steps_the_lowest_are_kept(folder: Path, prms: Prms) -> None:
    many = make("memory", ["\n\n".join("a" * (1 + place % 3) for place in range(60))], ["1"])
    trace = ProcessReward(str(folder), prms, "cpu").weigh("p", [many], silent, lambda: False)[0].traces[0]
    assert len(trace.steps) == SHOWN
    assert trace.score == min(step.score for step in trace.steps)
    assert [step.start for step in trace.steps] == sorted(step.start for step in trace.steps)


def test_a_model_is_loaded_once_and_another_takes_its_place(folder: Path, tmp_path: Path) -> None:
    prms, other = Prms(), make_prm(tmp_path / "other", seed=1)
    first = prms.get(str(folder), "cpu", silent, lambda: False)
    assert prms.get(str(folder), "cpu", silent, lambda: False) is first
    assert prms.get(str(other), "cpu", silent, lambda: False).title == "other"
    assert prms.get(str(folder), "cpu", silent, lambda: False) is not first
    prms.close()


def test_a_model_that_cannot_be_loaded_does_not_stay(folder: Path, random_model: Path) -> None:
    prms = Prms()
    with pytest.raises(ModelError):
        prms.get(str(random_model), "cpu", silent, lambda: False)
    assert prms.get(str(folder), "cpu", silent, lambda: False).title == "random-prm"


def test_whoever_comes_while_it_loads_is_told_and_may_leave(folder: Path) -> None:
    prms, told, inside, go_on = Prms(), list[Progress](), threading.Event(), threading.Event()

    def slow(_: Progress) -> None:
        inside.set()
        go_on.wait(30)

    thread = threading.Thread(target=lambda: prms.get(str(folder), "cpu", slow, lambda: False))
    thread.start()
    assert inside.wait(30)
    with pytest.raises(Stopped):
        prms.get(str(folder), "cpu", told.append, lambda: len(told) > 0)
    go_on.set()
    thread.join(60)
    assert told[0].stage == "load"


def test_verifiers_go_by_their_names() -> None:
    made = [verifier(RouteSettings(verifier=name), Prms()) for name in ("agreement", "confidence", "prm")]
    assert [judge.name for judge in made] == ["agreement", "confidence", "prm"]
    assert [type(judge) for judge in made] == [Agreement, Confidence, ProcessReward]
