"""A run without a model: typed events at a chosen pace, so that the page can be looked at and tested."""

from __future__ import annotations

import itertools
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from elm_app.core.config import SamplingSettings
from elm_app.core.events import (
    Decided,
    Event,
    Failed,
    ModelReady,
    Progress,
    PromptRead,
    RunFinished,
    RunStopped,
    TraceChunk,
    TraceFinished,
    VoteChanged,
)
from elm_app.core.types import AnswerCount, Decision, ModelInfo, Timing, Trace, Vote
from elm_app.runs.runner import Work

EGGS = r"""To find the number of boxes, we follow the eggs step by step.

1. **Eggs packed.** There are 7 crates with 24 eggs each: \(7 \times 24 = 168\) eggs.
2. **Eggs that break.** On the way 12 eggs break, so
\[ 168 - 12 = 156 \]
eggs are left.
3. **Boxes.** Each box holds 6 eggs, so she sells \(\frac{156}{6} = 26\) boxes.

The farmer sells \boxed{26} boxes."""
SHORT = r"""First compute the eggs: $7 \times 24 = 168$. Then take away the broken ones: $168 - 12 = 156$.

Now divide by the size of a box:
$$\frac{156}{6} = 26$$

So the answer is \boxed{26}."""
EQUATION = r"""Let \(b\) be the number of boxes. The eggs that arrive are
\[ \begin{aligned} 6b &= 7 \cdot 24 - 12 \\ &= 168 - 12 \\ &= 156 \end{aligned} \]

Dividing both sides by 6 gives \(b = 26\).

**Check:** 26 boxes hold \(26 \times 6 = 156\) eggs, and 12 more are broken, which makes 168. This is what was packed.

\boxed{26}"""
FORGOT = r"""The farmer has 7 crates of 24 eggs, in total \(7 \times 24 = 168\) eggs.

The eggs are sold in boxes of 6. The number of boxes is
\[ \frac{168}{6} = 28. \]

Therefore she sells \boxed{28} boxes."""
SLIP = r"""### Step 1
Total number of eggs: \(7 \times 24 = 162\).

### Step 2
Remaining eggs after 12 break: \(162 - 12 = 150\).

### Step 3
Boxes of 6: \(150 / 6 = 25\).

The final answer is \boxed{25}."""
CODE = """We can write a small program for this.

```python
crates = 7
eggs_per_crate = 24
broken = 12
box = 6

total = crates * eggs_per_crate
left = total - broken
boxes = left // box
print(boxes)
```

Running this program by hand: total is 168, and left is 156. Then we compute the number of boxes, but first let us make
sure that the broken eggs were counted right. The farmer breaks 12 eggs on the way, and"""
HOSTILE = (
    '<script>window.hacked = 1</script> <img src=x onerror="window.hacked=1"> \\text{<b>x</b>} \\(\\text{<img src=x '
    "onerror=window.hacked=1>}\\) \\(\\href{javascript:window.hacked=1}{click}\\) an odd $ and \\[ \\frac{1}{ \\] "
    "</div></article><style>body{display:none}</style> \\boxed{<svg onload=window.hacked=1>}"
)
WIDE = r"""All of it in one line:
\[ 7 \times 24 - 12 = (24 + 24 + 24 + 24 + 24 + 24 + 24) - 12 = 168 - 12 = 156 = 6 \times 26 = 6 \times (20 + 6) \]

and \(7 \times 24 - 12 = 24 + 24 + 24 + 24 + 24 + 24 + 24 - 12 = 168 - 12 = 156 = 6 \times 26\) among words.

\boxed{26}"""
SCATTERED = [SHORT.replace("26", str(number)) for number in (26, 31, 19, 28, 17)] + [CODE, CODE, SLIP]
"""No two of these agree."""
TIED = [SHORT, FORGOT, CODE, EQUATION, FORGOT, SLIP, FORGOT, EGGS]
"""Three say 26, three 28."""
WEAK = [SHORT, FORGOT, CODE, SHORT, CODE, SLIP, SCATTERED[1], SCATTERED[2]]
"""Two say 26."""
REALISTIC = [EGGS, SHORT, FORGOT, EQUATION, EGGS, CODE, SLIP, SHORT]

Clock = Callable[[float], None]


def answer_of(text: str) -> str | None:
    """What stands in the last box, if any."""
    found = re.findall(r"\\boxed\{([^{}]*)\}", text)
    return found[-1] if found else None


def vote_over(traces: list[Trace], samples: int) -> Vote:
    """Equal spellings, most votes first, the earliest trace first among equals."""
    by_answer: dict[str, list[int]] = {}
    for trace in sorted(traces, key=lambda trace: trace.index):
        if trace.answer is not None:
            by_answer.setdefault(trace.answer, []).append(trace.index)
    counts = sorted(
        (AnswerCount(answer, len(which), tuple(which)) for answer, which in by_answer.items()),
        key=lambda each: (-each.count, each.traces),
    )
    first = counts[0] if counts else None
    return Vote(
        answer=first.answer if first else None,
        agreement=first.count / samples if first else 0.0,
        counts=tuple(counts),
        abstained=sum(trace.answer is None for trace in traces),
        tied=len(counts) > 1 and counts[0].count == counts[1].count,
    )


def scripted(
    texts: list[str],
    sampling: SamplingSettings,
    *,
    step_seconds: float = 0.06,
    load_seconds: float = 0.3,
    fetch: bool = False,
    fails: bool = False,
) -> Work:
    """A run that writes `texts`, two words a step, all at once; the rest of the k samples repeats them."""

    def work(stopped: Callable[[], bool]) -> Iterator[Event]:
        if fetch:
            for done in range(0, 492, 12):
                yield Progress("download", "Fetching the model", done * 1e6, 491.4e6, "B")
                time.sleep(load_seconds / 4)
                if stopped():
                    yield RunStopped(Timing(0, 0, 0, 0, 0))
                    return
        for done in range(5):
            yield Progress("load", "Loading the model", done * 6, 24, "tensors")
            time.sleep(load_seconds / 5)
        yield ModelReady(ModelInfo("small", "4-bit", "cpu", "1d9614638d18024d" * 4), load_seconds)
        time.sleep(load_seconds / 3)
        if fails:
            yield Failed("OutOfMemory", "Memory ran out with 64 samples.", "Lower the samples or the new tokens.")
            return
        yield PromptRead("zero_shot", 74, load_seconds / 3)
        began = time.monotonic()
        full = [texts[index % len(texts)] for index in range(sampling.samples)]
        words = [re.findall(r"\S+\s*", text) for text in full]
        at = [0] * len(full)
        done_traces: list[Trace] = []

        def timing() -> Timing:
            seconds = max(1e-3, time.monotonic() - began)
            tokens = sum(at) * 2
            return Timing(load_seconds, load_seconds / 3, seconds, tokens, tokens / seconds)

        for step in itertools.count():
            if len(done_traces) == len(full):
                break
            if stopped():
                yield RunStopped(timing())
                return
            for index, mine in enumerate(words):
                if at[index] >= len(mine) or (step + index) % 4 == 3:
                    continue
                chunk = mine[at[index] : at[index] + 1 + (index + step) % 3]
                at[index] += len(chunk)
                tokens = min(at[index] * 2, sampling.max_new_tokens)
                yield TraceChunk("zero_shot", index, "".join(chunk), tokens)
                if at[index] < len(mine):
                    continue
                answer = answer_of(full[index])
                cut = full[index] == CODE
                length = sampling.max_new_tokens if cut else tokens
                trace = Trace(
                    "zero_shot", index, sampling.seed + index, full[index], answer, length, not cut, -0.31 - index / 50
                )
                done_traces.append(trace)
                yield TraceFinished(trace)
                yield VoteChanged("zero_shot", vote_over(done_traces, len(full)), len(done_traces), len(full))
            time.sleep(step_seconds)
        vote = vote_over(done_traces, len(full))
        reason = "the most frequent answer" if vote.answer is not None else "No trace has an answer."
        if vote.tied:
            reason = "Two answers have the same number of votes; the likelier traces decide."
        yield Decided(Decision(vote.answer, "zero_shot", reason))
        yield RunFinished(timing())

    return work
