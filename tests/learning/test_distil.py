"""Distilling on a random model: what the example brings about is likelier without it, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from generators import whole

from elm_app.core.config import LearnSettings, ModelSettings
from elm_app.core.errors import BadInput, ModelError
from elm_app.core.events import Event, Progress, TraceFinished
from elm_app.core.learning_events import LearningEnded, LessonsTaken, PhaseStarted, StepFinished, VariantsMade
from elm_app.core.types import AnswerCount, Lesson, Trace, Vote
from elm_app.engine.chat_template import asked, turns_prompt
from elm_app.engine.engine import Engine
from elm_app.engine.loader import load
from elm_app.learning import checkpoint
from elm_app.learning.checkpoint import Checkpoint
from elm_app.learning.compaction import as_prefix
from elm_app.learning.distil import Distiller, distil, lessons_taken, likelier, turn
from elm_app.learning.example import example_of
from elm_app.rollouts import collect as sample_module

PROBLEM = "Add 5 and 12."
EXAMPLE = "nnnnnnnn"
SHORT = LearnSettings.by_recipe(
    recipe="distil", steps=4, variants=4, variant_traces=2, virtual_tokens=6, max_new_tokens=8, temperature=1.0, seed=7
)
T = TypeVar("T")


@pytest.fixture(scope="module", params=["none", "int8"])
def engine(request: pytest.FixtureRequest, random_model: Path) -> Engine:
    """A random model hardly ever ends: many of its tokens end a trace here."""
    made = load(ModelSettings(str(random_model), request.param, "cpu"), lambda _: None)
    made.stop_tokens = frozenset(range(40))
    return made


@pytest.fixture(autouse=True)
def _answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The texts of a random model hold no answers."""
    monkeypatch.setattr(sample_module, "extract", lambda text: str(len(text) % 3))


def of(events: list[Event], kind: type[T]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


def distiller(engine: Engine, folder: Path, settings: LearnSettings = SHORT, state: Checkpoint | None = None) -> Any:
    if state is None:
        state = checkpoint.fresh(engine, PROBLEM, settings, {"seed": settings.seed})
        state.example = EXAMPLE
    return Distiller(engine, engine.encode(PROBLEM), settings, state, checkpoint.path_of(folder, "r1"))


LEARNS = LearnSettings.by_recipe(
    recipe="distil", steps=80, learning_rate=0.05, variants=8, variant_traces=8, virtual_tokens=8, max_new_tokens=8,
    temperature=0.5, seed=1,
)  # fmt: skip


def loss(engine: Engine, soft_prompt: torch.Tensor | None, lessons: list[Lesson]) -> float:
    """Mean negative log-likelihood of a token: with the soft prompt, or, as the teacher, with the example in view."""
    parts = []
    with torch.no_grad():
        for lesson in lessons:
            prompt, front = engine.encode(lesson.problem), soft_prompt
            if front is None:
                prompt = turns_prompt(engine.tokenizer, [asked(PROBLEM), EXAMPLE, asked(lesson.problem)])
                front = torch.zeros(0, 64)
            parts.append(engine.log_probs(prompt, front, [lesson.tokens], LEARNS.temperature))
    return -float(torch.cat(parts).mean())


@pytest.mark.parametrize(("form", "init"), [("soft", "text"), ("prefix", "text"), ("prefix", "example")])
def test_what_the_example_brings_about_is_learned(engine: Engine, form: Any, init: Any) -> None:
    """What the teacher writes about variants that were not learned from gets likelier without the example, a good part
    of the way to how likely it is with it. Learning what nobody wrote with the example in view does not bring that
    about."""
    learns = replace(LEARNS, form=form, init=init)
    _, other = whole(distil(engine, PROBLEM, EXAMPLE, replace(learns, steps=1, seed=99)))
    _, state = whole(distil(engine, PROBLEM, EXAMPLE, learns))
    start = checkpoint.fresh(engine, PROBLEM, learns, {}).soft_prompt
    before, after = loss(engine, start, other.lessons), loss(engine, state.soft_prompt, other.lessons)
    teacher = loss(engine, None, other.lessons)
    assert before - after > 0.3 * (before - teacher) > 0

    generator = torch.Generator().manual_seed(5)
    noise = [
        replace(lesson, tokens=tuple(torch.randint(259, (len(lesson.tokens),), generator=generator).tolist()))
        for lesson in state.lessons
    ]
    by_chance = checkpoint.fresh(engine, PROBLEM, learns, {})
    by_chance.example, by_chance.lessons = EXAMPLE, noise
    whole(Distiller(engine, engine.encode(PROBLEM), learns, by_chance, None).train())
    assert loss(engine, by_chance.soft_prompt, other.lessons) > after + 0.5 * (before - after)


def test_a_prefix_starts_as_the_example_with_the_variants_as_readers(engine: Engine, tmp_path: Path) -> None:
    learning = distiller(engine, tmp_path)
    for event in learning.train():
        if isinstance(event, PhaseStarted) and event.phase == "step":
            break
    state = learning.state
    of_each = {lesson.problem: lesson for lesson in reversed(state.lessons)}
    rest = [lesson for lesson in state.lessons if lesson not in of_each.values()]
    lessons = [*sorted(of_each.values(), key=lambda lesson: lesson.index), *rest][:6]
    readers = [[*engine.encode(lesson.problem), *lesson.tokens[:-1]] for lesson in lessons]
    context = turns_prompt(engine.tokenizer, [asked(PROBLEM), EXAMPLE])
    _, wanted = whole(as_prefix(engine, context, readers, 6, SHORT.seed))
    assert torch.equal(state.soft_prompt, wanted)


def test_both_forms_start_as_the_same_words(engine: Engine) -> None:
    """A prefix starts as the keys and values of the soft prompt, so the model writes the same with either."""
    soft, prefix = (
        checkpoint.fresh(engine, PROBLEM, replace(SHORT, form=form, init="text"), {}) for form in ("soft", "prefix")
    )
    assert (soft.soft_prompt.shape, prefix.soft_prompt.shape) == ((6, 64), (6, 128))
    rows = [(70, 71, 3), (72, 4)]
    told = [engine.log_probs(engine.encode("5?"), one.soft_prompt, rows) for one in (soft, prefix)]
    torch.testing.assert_close(*told, atol=0.02, rtol=0.02)


def test_a_step_goes_down_the_mean_of_a_token(engine: Engine) -> None:
    start = checkpoint.fresh(engine, PROBLEM, SHORT, {}).soft_prompt
    prompt, rows = engine.encode("5?"), [(70, 71, 3), (72, 4)]
    leaf = start.clone().requires_grad_()
    told, norm = likelier(torch.optim.SGD([leaf], 0.5), leaf, engine.log_probs(prompt, leaf, rows, 1.0), 1e9)
    other = start.clone().requires_grad_()
    wanted = -engine.log_probs(prompt, other, rows, 1.0).mean()
    wanted.backward()
    assert other.grad is not None
    assert (told, norm) == (float(wanted.detach()), pytest.approx(float(other.grad.norm())))
    torch.testing.assert_close(leaf.detach(), start - 0.5 * other.grad)


def test_no_gradient_is_said() -> None:
    leaf = torch.zeros(2, requires_grad=True)
    with pytest.raises(ModelError, match="zero"):
        likelier(torch.optim.SGD([leaf], 0.1), leaf, leaf * 0, 1.0)


def test_the_story(engine: Engine, tmp_path: Path) -> None:
    learning = distiller(engine, tmp_path)
    told = list(learning.train())
    (made,) = of(told, VariantsMade)
    (taken,) = of(told, LessonsTaken)
    assert (made.example, len(made.variants), made.each) == (EXAMPLE, 4, 2)
    phases = [(event.phase, event.step, event.samples) for event in of(told, PhaseStarted)]
    assert phases == [("teach", 0, 8), ("fit", 0, 0), ("step", 1, 0), ("step", 2, 0), ("step", 3, 0), ("step", 4, 0)]
    traces = {event.trace.index: event.trace for event in of(told, TraceFinished)}
    assert sorted(traces) == list(range(8))
    assert taken.traces == tuple(index for index in range(8) if traces[index].finished)
    lessons = learning.state.lessons
    assert [lesson.index for lesson in lessons] == list(taken.traces)
    for lesson in lessons:
        assert lesson.problem == made.variants[lesson.index // 2]
        assert lesson.tokens[-1] in engine.stop_tokens
        assert len(lesson.tokens) == traces[lesson.index].tokens
    steps = [event.step for event in of(told, StepFinished)]
    assert [step.step for step in steps] == [1, 2, 3, 4]
    assert all(step.loss and step.grad_norm and step.reward_mean is None for step in steps)
    assert told[-1] == LearningEnded("All 4 steps are done.", 4, False)


def test_the_teacher_sees_the_example(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its prompts are those of in-context learning; what they have in common is read once."""
    seen: list[tuple[int, list[int]]] = []
    rollout = engine.rollout

    def watched(requests: Any, *rest: Any) -> Iterator[Any]:
        for request in requests:
            seen.append((0 if request.past is None else 1, list(request.prompt)))
        return rollout(requests, *rest)

    monkeypatch.setattr(engine, "rollout", watched)
    told, _ = whole(distil(engine, PROBLEM, EXAMPLE, replace(SHORT, steps=1)))
    (made,) = of(told, VariantsMade)
    prompts = [turns_prompt(engine.tokenizer, [asked(PROBLEM), EXAMPLE, asked(variant)]) for variant in made.variants]
    common = len(prompts[0]) - len(seen[0][1])
    assert common > len(engine.encode(PROBLEM))
    assert all(past for past, _ in seen)
    assert [prompt[common:] for prompt in prompts] == [rest for _, rest in seen]


def test_going_on_from_a_checkpoint_is_as_if_nothing_had_happened(engine: Engine, tmp_path: Path) -> None:
    uninterrupted = distiller(engine, tmp_path / "whole")
    losses = [event.step.loss for event in of(list(uninterrupted.train()), StepFinished)]
    for cut in (LessonsTaken, Progress, StepFinished):  # the first progress told is that of the fit
        folder = tmp_path / cut.__name__
        first = distiller(engine, folder)
        first.save()  # as a run does before the first step
        work = first.train()
        while not isinstance(next(work), cut):
            pass
        work.close()
        second = distiller(engine, folder, state=checkpoint.read(folder, "r1"))
        told = list(second.train())
        assert bool(of(told, VariantsMade)) == (cut is LessonsTaken)
        assert [step.loss for step in second.state.steps] == losses
        assert torch.equal(second.state.soft_prompt, uninterrupted.state.soft_prompt)
        assert second.state.tokens == uninterrupted.state.tokens


def test_a_stop_is_between_steps(engine: Engine, tmp_path: Path) -> None:
    learning, told = distiller(engine, tmp_path), []
    learning.stopped = lambda: len(of(told, StepFinished)) == 2
    for event in learning.train():
        told.append(event)
    assert told[-1] == LearningEnded("Stopped before step 3.", 2, True)
    assert torch.equal(learning.best(told[-1]), checkpoint.read(tmp_path, "r1").soft_prompt)


def test_a_stop_while_variants_are_solved_learns_nothing(engine: Engine, tmp_path: Path) -> None:
    learning, told = distiller(engine, tmp_path), []
    learning.stopped = lambda: bool(of(told, TraceFinished))
    for event in learning.train():
        told.append(event)
    assert told[-1] == LearningEnded("Stopped before the first step.", 0, True)
    assert learning.state.updates == 0


def test_a_problem_without_numbers_is_solved_often_itself(engine: Engine) -> None:
    problem = "Is every even number the sum of two primes?"
    told, state = whole(distil(engine, problem, EXAMPLE, SHORT))
    assert of(told, VariantsMade)[0].variants == (problem,)
    assert of(told, VariantsMade)[0].each == 8
    assert len(state.steps) == 4


def test_without_a_majority_there_is_nothing_to_learn(engine: Engine, tmp_path: Path) -> None:
    learning = distiller(engine, tmp_path)
    learning.state.example = None
    assert list(learning.train()) == [LearningEnded("There is no majority trace to learn from.", 0, True)]


def test_nothing_that_ended_is_nothing_to_learn(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_module, "extract", lambda _: None)
    told, state = whole(distil(engine, PROBLEM, EXAMPLE, SHORT))
    assert told[-1] == LearningEnded(
        "0 of 8 worked examples ended with an answer, so there is nothing to learn from.", 0, True
    )
    assert state.updates == 0


def trace(index: int, answer: str | None = "7", finished: bool = True, tokens: int = 5) -> Trace:
    return Trace("zero_shot", index, 0, f"text {index}", answer, tokens, finished, -0.1)


class TestExample:
    VOTE = Vote("7", 5 / 6, (AnswerCount("7", 5, (1, 2, 3, 4, 5)), AnswerCount("8", 1, (0,))), 0)

    def test_it_is_the_shortest_of_the_majority_that_ended_and_has_its_working(self) -> None:
        attempts = [
            trace(0, "8", tokens=60), trace(1, finished=False, tokens=50), trace(2, tokens=90), trace(3, tokens=70),
            trace(4, tokens=80), trace(5, tokens=9),
        ]  # fmt: skip
        assert example_of("", attempts, self.VOTE) == "text 3"
        assert example_of("", attempts[:2], self.VOTE) == "text 1"
        assert example_of("", attempts, Vote("7", 0.25, (AnswerCount("7", 1, (1,)),), 3)) is None

    def test_one_without_code_goes_before_a_shorter_one_with_code(self) -> None:
        problem, code = "Lamps 24 and 36.", "24, 36\n```python\nprint(72)\n```\n```output\n72\n```"
        texts = [code, "24 and 36 make 72.", code]
        attempts = [replace(trace(index, tokens=70 - (index != 1)), text=text) for index, text in enumerate(texts)]
        vote = Vote("7", 1.0, (AnswerCount("7", 3, (0, 1, 2)),), 0)
        assert example_of(problem, attempts, vote) == "24 and 36 make 72."
        assert example_of(problem, [attempts[0], attempts[2]], vote) == code

    def test_one_that_names_all_numbers_goes_before_a_shorter_one_that_does_not(self) -> None:
        problem = "Ann buys 9 crates at $15 each, 1,200 plums in all, and sells them for $300. What is her profit?"
        texts = ["", "300 - 135 = 165", "9 * 15 = 135; 300 - 135 = 165", "9 * 15 = 135; 1200 plums; 300 - 135 = 165"]
        attempts = [replace(trace(index, tokens=70 + index), text=text) for index, text in enumerate(texts)]
        vote = Vote("7", 1.0, (AnswerCount("7", 3, (1, 2, 3)),), 0)
        assert example_of(problem, attempts, vote) == texts[3]
        assert example_of(problem, attempts[:3], replace(vote, counts=(AnswerCount("7", 2, (1, 2)),))) == texts[2]
        assert example_of("How many?", attempts, vote) == texts[1]


class TestLessons:
    """Four variants, two traces each; the first two variants' traces agree."""

    VOTES = (
        *[Vote("7", 1.0, (AnswerCount("7", 2, (0, 1)),), 0)] * 2,
        *[Vote("7", 0.5, (AnswerCount("7", 1, (0,)), AnswerCount("8", 1, (1,))), 0)] * 2,
    )

    def test_all_that_ended(self) -> None:
        traces = {index: trace(index) for index in range(8)} | {3: trace(3, finished=False), 5: trace(5, None)}
        taken, reason = lessons_taken(traces, self.VOTES, 2, SHORT)
        assert taken == [0, 1, 2, 4, 6, 7]
        assert reason == "6 of 8 worked examples ended with an answer and are learned."

    def test_those_that_agree(self) -> None:
        traces = {index: trace(index) for index in range(8)}
        taken, reason = lessons_taken(traces, self.VOTES, 2, replace(SHORT, lessons="agreed"))
        assert taken == [0, 1, 2, 3]
        assert reason.startswith("8 of 8 worked examples ended with an answer; the 4 of these")

    def test_all_where_too_few_agree(self) -> None:
        traces = {index: trace(index) for index in range(8)}
        votes = [self.VOTES[2]] * 4
        taken, reason = lessons_taken(traces, votes, 2, replace(SHORT, lessons="agreed"))
        assert taken == list(range(8))
        assert reason.endswith("only 0 are by two or more that agree.")


def test_every_problem_has_its_turn_before_one_comes_again() -> None:
    lessons = [Lesson(text, (1, 2), index) for index, text in enumerate("aabbccd")]
    for time_round in range(4):
        turns = [turn(lessons, 4 * time_round + place, 2, 3) for place in range(4)]
        assert sorted("".join(one.problem for one in each) for each in turns) == ["aa", "bb", "cc", "d"]
    orders = {tuple(turn(lessons, step + place, 2, seed)[0].index for place in range(4))
              for seed in range(5) for step in (0, 4, 8)}  # fmt: skip
    assert len(orders) > 5
    assert turn(lessons, 6, 2, 3) == turn(lessons, 6, 2, 3)
    one = [Lesson("a", (1, 2), index) for index in range(5)]
    assert sorted(each.index for step in range(3) for each in turn(one, step, 2, 3)) == [0, 1, 2, 3, 4]


def test_the_learning_rate_falls_to_a_tenth(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    step = torch.optim.AdamW.step

    def watched(optimizer: torch.optim.AdamW, *rest: Any) -> Any:
        rates.append(optimizer.param_groups[0]["lr"])
        return step(optimizer, *rest)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    whole(distil(engine, PROBLEM, EXAMPLE, replace(SHORT, steps=9, learning_rate=0.05)))
    assert rates == pytest.approx([0.05 * (1 - 0.9 * done / 9) for done in range(9)])


def test_names_change_as_well(engine: Engine) -> None:
    told, _ = whole(distil(engine, "Then Anna gives Tom 5 of 12 eggs.", EXAMPLE, replace(SHORT, steps=1)))
    (made,) = of(told, VariantsMade)
    assert not any("Anna" in text or "Tom" in text for text in made.variants)


def test_one_trace_of_a_variant_agrees_with_none() -> None:
    with pytest.raises(BadInput, match="lessons is 'agreed'") as caught:
        LearnSettings.by_recipe(recipe="distil", lessons="agreed")
    assert caught.value.remedy == "It must be all where variant_traces is 1."


def test_a_reward_is_of_the_other_recipe() -> None:
    with pytest.raises(BadInput, match="reward is 'random'"):
        LearnSettings(recipe="distil", reward="random")


def test_what_a_prefix_cannot_be() -> None:
    for wrong, what in (({"reward": "certainty"}, "reward is 'certainty'"), ({"norm_cap": 2.0}, "norm_cap is 2.0")):
        with pytest.raises(BadInput, match=what):
            LearnSettings(form="prefix", **wrong)
