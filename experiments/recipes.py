"""Recipes: what is made of one problem and its traces, to be put in front of others. One function each.

    recipe(engine, problem, traces, seed, **settings) -> Learned

The traces are the ones that the model wrote without help; nobody knows which are right. To add a recipe, write such a
function and name it in `RECIPES`. Controls are recipes, too:

    untrained   the soft prompt that learning starts from
    icl         a trace of the problem's majority as an example in the prompt: the teacher, and the bar
    distil      what the model does with that example in view, put into a prefix (or, form=soft, a soft prompt)
    paper       GRPO with the vote's reward, as `python -m elm_app learn --recipe paper` does it
    random      the same, rewarded by the toss of a coin
    another:R   what recipe R makes of the next family's problem
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from elm_app.core.config import LearnSettings
from elm_app.core.events import Event, TraceFinished
from elm_app.core.learning_events import StepFinished
from elm_app.core.types import LearnStep, Trace
from elm_app.engine.chat_template import asked, turns_prompt
from elm_app.learning.example import example_of
from experiments.sampling import measured

if TYPE_CHECKING:
    from torch import Tensor

    from elm_app.engine.engine import Engine, RolloutRequest

ANOTHER = "another:"
T = TypeVar("T")


@dataclass(frozen=True)
class Learned:
    """What a recipe made of a problem.

    Attributes:
        soft_prompt: fp32 (P, H), or a prefix (P, W), on the CPU, or None.
        turns: of a conversation that stands in front of a problem, the user's first; empty if there is none.
        reason: why nothing was made, if nothing was.
        tokens: new tokens that were sampled for it.
        detail: whatever else is worth keeping, as JSON values.
    """

    soft_prompt: Tensor | None = None
    turns: tuple[str, ...] = ()
    reason: str = ""
    tokens: int = 0
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def helps(self) -> bool:
        """Whether there is anything to put in front of a problem."""
        return self.soft_prompt is not None or bool(self.turns)

    def request(self, engine: Engine, problem: str, samples: int, seed: int) -> RolloutRequest:
        """k samples of a problem with it in front."""
        from elm_app.engine.engine import RolloutRequest

        prompt = turns_prompt(engine.tokenizer, [*self.turns, asked(problem)]) if self.turns else engine.encode(problem)
        return RolloutRequest(prompt, samples, seed, self.soft_prompt)

    def save(self, path: Path) -> None:
        """Write it whole or not at all."""
        from safetensors.torch import save_file

        rest = {"turns": self.turns, "reason": self.reason, "tokens": self.tokens, "detail": self.detail}
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f".{path.name}")
        tensors = {} if self.soft_prompt is None else {"soft_prompt": self.soft_prompt.contiguous()}
        save_file(tensors, half, metadata={"learned": json.dumps(rest)})
        half.replace(path)

    @staticmethod
    def read(path: Path) -> Learned:
        """What `save` wrote."""
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:
            rest = json.loads(file.metadata()["learned"])
            (soft_prompt,) = [file.get_tensor(name) for name in file.keys()] or [None]  # noqa: SIM118
        return Learned(soft_prompt, tuple(rest["turns"]), rest["reason"], rest["tokens"], rest["detail"])


Recipe = Callable[..., Learned]


def untrained(
    engine: Engine,
    problem: str,  # noqa: ARG001
    traces: Sequence[Trace],  # noqa: ARG001
    seed: int,
    virtual_tokens: int = 20,
    init: Literal["text", "vocabulary"] = "text",
    form: Literal["soft", "prefix"] = "soft",
) -> Learned:
    """The soft prompt, or prefix, that learning starts from."""
    from elm_app.learning.soft_prompt import start

    return Learned(start(engine, virtual_tokens, init, seed, form))


def icl(
    engine: Engine,  # noqa: ARG001
    problem: str,
    traces: Sequence[Trace],
    seed: int,  # noqa: ARG001
    example: Literal["distil", "shortest", "first"] = "distil",
) -> Learned:
    """A trace of the majority as an example in the prompt: the one that `distil` takes, the shortest, or the first."""
    vote = measured(traces).vote
    if not vote.agreed:
        return Learned(reason=f"No two of the {len(traces)} traces agree.")
    if example == "first":
        shown: str | None = traces[vote.counts[0].traces[0]].text
    else:  # no number to name: the shortest
        shown = example_of(problem if example == "distil" else "", traces, vote)
    assert shown is not None
    return Learned(turns=(asked(problem), shown))


def paper(engine: Engine, problem: str, traces: Sequence[Trace], seed: int, **settings: Any) -> Learned:
    """GRPO with the defaults of `learn`; `settings` are those of `LearnSettings`."""
    from elm_app.learning import checkpoint
    from elm_app.learning.trainer import Trainer, passed_over

    learning = LearnSettings(**{"seed": seed, **settings})
    before = measured(traces)
    if reason := passed_over(before.vote, before.samples, learning):
        return Learned(reason=reason)
    state = checkpoint.fresh(engine, problem, learning, asdict(learning))
    state.before = before
    with TemporaryDirectory() as folder:
        trainer = Trainer(engine, engine.encode(problem), learning, state, Path(folder) / "state.safetensors")
        ended = watched(trainer.train())
    rewards = [step.reward_mean for step in state.steps]
    detail = {"rewards": rewards, "updates": state.updates, "ended": ended.reason}
    if not state.updates:
        return Learned(reason=ended.reason, tokens=state.tokens, detail=detail)
    return Learned(trainer.best(ended), tokens=state.tokens, detail=detail)


def watched(learning: Generator[Event, None, T], traces: dict[int, Trace] | None = None) -> T:
    """What learning returns in the end; its steps are told on stderr, and traces of no step are kept in `traces`."""
    while True:
        try:
            event = next(learning)
        except StopIteration as done:
            result: T = done.value
            return result
        if isinstance(event, StepFinished):
            print(f"    {told(event.step)}", file=sys.stderr, flush=True)
        elif isinstance(event, TraceFinished) and traces is not None:
            traces[event.trace.index] = event.trace


def told(step: LearnStep) -> str:
    """A step in a few words."""
    loss = "" if step.loss is None else f", loss {step.loss:.3f}"
    reward = "" if step.reward_mean is None else f", reward {step.reward_mean:.2f}"
    return f"step {step.step}{reward}{loss}, {step.seconds:.0f} s"


def random(engine: Engine, problem: str, traces: Sequence[Trace], seed: int, **settings: Any) -> Learned:
    """As `paper`, with rewards by the toss of a coin."""
    return paper(engine, problem, traces, seed, **{"reward": "random", **settings})


def distil(
    engine: Engine,
    problem: str,
    traces: Sequence[Trace],
    seed: int,
    shown: Literal["majority", "minority"] = "majority",
    **settings: Any,
) -> Learned:
    """A trace of the majority, or as a control of the largest minority, put into a memory by way of variants.

    `settings` are those of `LearnSettings`.
    """
    from elm_app.learning import distil as distilling

    learning = LearnSettings.by_recipe(**{"recipe": "distil", "seed": seed, **settings})
    vote = measured(traces).vote
    example = example_of(problem, traces, vote)
    if example is not None and shown == "minority":
        example = traces[vote.counts[1].traces[0]].text if len(vote.counts) > 1 else None
    if example is None:
        return Learned(reason=f"There is no {shown} among the {len(traces)} traces.")
    worked: dict[int, Trace] = {}
    state = watched(distilling.distil(engine, problem, example, learning), worked)
    detail = {
        "losses": [step.loss for step in state.steps], "lessons": len(state.lessons), "updates": state.updates,
        "worked": [worked[index].answer for index in sorted(worked)],
    }  # fmt: skip
    if not state.updates:
        return Learned(reason="Nothing could be learned from the variants.", tokens=state.tokens, detail=detail)
    return Learned(state.soft_prompt, tokens=state.tokens, detail=detail)


RECIPES: dict[str, Recipe] = {
    "untrained": untrained, "icl": icl, "distil": distil, "paper": paper, "random": random,
}  # fmt: skip
