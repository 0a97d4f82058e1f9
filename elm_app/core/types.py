"""The nouns of the method as frozen dataclasses, JSON in and out.

Letters used everywhere: k samples (rollouts), P virtual tokens, T new tokens, H hidden size, V vocabulary.
"No answer" is `None`, never an empty string.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import StringConstraints, TypeAdapter

from elm_app.core.config import Form

Arm = Annotated[str, StringConstraints(pattern=r"^(zero_shot|memory(_[2-9])?)$")]
"""Which prompt a trace came from: `zero_shot`, the bare problem, or `memory`, the problem behind a memory's soft
prompt. `memory_2` … `memory_9` are further memories that are tried beside it, in the order of their rank."""
Outcome = Literal["won", "lost", "agreed"]
"""How a use of a memory ended: its arm's answer was taken instead of the other, was not, or both were the same."""

T = TypeVar("T")


def to_json(value: Any) -> dict[str, Any]:
    """A dataclass of this package as plain JSON values."""
    return asdict(value)


def from_json(kind: type[T], value: Any) -> T:
    """The reverse of `to_json`; raises `pydantic.ValidationError` where `value` is not a `kind`."""
    return TypeAdapter(kind).validate_python(value)


@dataclass(frozen=True)
class Problem:
    """A question in words. `answer` is the gold answer, known only in benchmarks."""

    text: str
    id: str | None = None
    answer: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Trace:
    """One sampled solution.

    Attributes:
        index: its place among the k samples of its arm, from 0.
        seed: what its randomness came from; the same seed and settings give the same trace.
        answer: the extracted final answer, or None.
        tokens: new tokens generated, the stop token included.
        finished: True if the model stopped by itself, False if it was cut off at the limit.
        mean_logprob: mean natural log-probability of its tokens under the distribution they were sampled from.
    """

    arm: Arm
    index: int
    seed: int
    text: str
    answer: str | None
    tokens: int
    finished: bool
    mean_logprob: float


@dataclass(frozen=True)
class AnswerCount:
    """An equivalence class of answers, named by its most frequent spelling, and how many traces gave it."""

    answer: str
    count: int
    traces: tuple[int, ...] = ()


@dataclass(frozen=True)
class Vote:
    """The majority vote over one arm's traces.

    Attributes:
        answer: the winner's spelling, or None if no trace has an answer.
        agreement: votes of the winner divided by all samples, abstentions included; 0.0 without a winner.
        counts: the classes, most votes first.
        abstained: traces without an answer.
        tied: True if another class had as many votes and the tie rule decided.
    """

    answer: str | None
    agreement: float
    counts: tuple[AnswerCount, ...]
    abstained: int
    tied: bool = False

    @property
    def agreed(self) -> bool:
        """Whether at least two traces have the winner's answer: with fewer it is no majority to learn from."""
        return bool(self.counts) and self.counts[0].count > 1


@dataclass(frozen=True)
class Match:
    """A stored memory near a problem.

    Attributes:
        score: the similarity that it was found by, in [-1, 1].
        input: cosine of the problems' embeddings, None if it was not asked for.
        kv: cosine of the model's own keys on the problems, None if it was not asked for.
        utility: similarity and credit together, what it is ranked by if that was asked for.
    """

    id: str
    score: float
    problem: str
    input: float | None = None
    kv: float | None = None
    utility: float | None = None


@dataclass(frozen=True)
class ModelInfo:
    """Which model, as which numbers, where. `weights_sha256` names the bytes it came from."""

    id: str
    quantization: str
    device: str
    weights_sha256: str


@dataclass(frozen=True)
class Measured:
    """How a problem stood on fresh samples, before or after learning.

    Attributes:
        samples: how many traces were voted on.
        answered: share of them with an answer, in [0, 1].
        tokens: mean new tokens of a trace.
    """

    vote: Vote
    samples: int
    answered: float
    tokens: float


@dataclass(frozen=True)
class LearnStep:
    """One step of learning: its rollouts, then an update of the soft prompt.

    Attributes:
        step: from 1.
        answer: the majority of this step's rollouts, which come from the soft prompt as it was before the update.
        agreement: the majority's share of them. This one, `reward_mean` and `answered` are None in a step without
            rollouts, whose update is by traces that were there before.
        reward_mean: mean reward of the k rollouts.
        answered: share of them with an answer, in [0, 1].
        tokens: mean new tokens of a rollout, or of a trace that the update is by.
        loss: the loss that was minimised, None if nothing was; of `distil` the mean negative log-likelihood of a token,
            in nats.
        grad_norm: norm of the gradient before clipping, None if there was none.
        skipped: why there was no update, in words, or None.
        rollout_seconds, update_seconds, seconds: of the rollouts, of the update, of the whole step.
    """

    step: int
    answer: str | None
    agreement: float | None
    reward_mean: float | None
    answered: float | None
    tokens: float
    loss: float | None
    grad_norm: float | None
    skipped: str | None
    rollout_seconds: float
    update_seconds: float
    seconds: float


@dataclass(frozen=True)
class Lesson:
    """A trace that is to be made likelier: token ids of the answer to `problem`, its stop token included.

    `index` is its place among the traces that were written for this purpose.
    """

    problem: str
    tokens: tuple[int, ...]
    index: int


@dataclass(frozen=True)
class Credit:
    """How uses of a memory ended where this verifier had the word."""

    verifier: str
    won: int = 0
    lost: int = 0
    agreed: int = 0


@dataclass(frozen=True)
class Memory:
    """The card of a memory: a soft prompt or prefix learned from one problem. The tensor itself is stored beside it.

    Attributes:
        id: the id of the run that made it.
        problem: the text that it was learned from; its embedding is the key under which the memory is found.
        answer: what the vote before learning gave.
        reward: the source of the reward, such as "majority"; "distil" where there was none but that recipe.
        before, after: fresh samples without and with it.
        improved: whether `after` is better than `before`; `verdict` says so in a sentence.
        settings: those of the learning run, seed included.
        tokenizer_sha256: of the tokenizer's own description, to know the model again.
        virtual_tokens, hidden_size: P and H; the tensor is (P, H) in `dtype`. Of a prefix (`settings["form"]`) the
            second is its width: keys and values of every layer and head.
        embedder: name and hash of the model that made the key.
        created: ISO 8601, UTC.
        seconds, tokens: what learning cost, measuring included.
        bytes: size of the tensor file.
        words: for each virtual token the vocabulary words nearest to it by cosine, nearest first.
        run: the run it came from.
        label, note: the user's own words.
        enabled: whether it is offered; `disabled_reason` says why not, if a reason was given.
        retrieved, helped, hurt: how often it was used, and how often its arm won and lost.
        credit: how its uses ended, by verifier.
        schema: version of this card.
    """

    id: str
    problem: str
    answer: str | None
    reward: str
    before: Measured
    after: Measured | None
    improved: bool
    verdict: str
    steps: tuple[LearnStep, ...]
    settings: dict[str, Any]
    model: ModelInfo
    tokenizer_sha256: str
    virtual_tokens: int
    hidden_size: int
    dtype: str
    embedder: str
    created: str
    seconds: float
    tokens: int
    bytes: int
    words: tuple[tuple[str, ...], ...]
    run: str
    label: str = ""
    note: str = ""
    enabled: bool = True
    disabled_reason: str = ""
    retrieved: int = 0
    helped: int = 0
    hurt: int = 0
    credit: tuple[Credit, ...] = ()
    schema: int = 1

    @property
    def form(self) -> Form:
        """What the tensor is: a soft prompt, or keys and values."""
        return "prefix" if self.settings.get("form") == "prefix" else "soft"


@dataclass(frozen=True)
class Decision:
    """The answer given to the user, and who decided."""

    answer: str | None
    source: Literal["zero_shot", "memory", "agreement"]
    reason: str
    verifier: str | None = None


@dataclass(frozen=True)
class Timing:
    """Seconds spent and tokens made by a run; `tokens_per_second` counts decoding only."""

    load_seconds: float
    prefill_seconds: float
    decode_seconds: float
    new_tokens: int
    tokens_per_second: float
