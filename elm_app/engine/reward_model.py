r"""Process reward models of the Qwen2.5-Math-PRM kind, without their remote code.

Such a model reads a problem and a solution in steps, a separator token behind each, and says at every separator how
probably that step is right. It is a plain Qwen2 without its vocabulary head, and a head of its own:

    probability of a step = softmax(W₂ · relu(W₀ · h + b₀) + b₂)[1],   h: hidden state at the separator, (H,)

with W₀ (H, H) and W₂ (2, H) called `score.0` and `score.2` in the checkpoint. Source: `modeling_qwen2_rm.py` and the
model card of Qwen/Qwen2.5-Math-PRM-7B (Zhang et al., arXiv 2501.07301); its own code breaks on today's transformers,
and code that comes with weights is never run here.
"""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from jinja2 import TemplateError
from torch import Tensor, nn

from elm_app.core.errors import ElmError, ModelError, OutOfMemory, Stopped
from elm_app.core.events import Progress
from elm_app.engine.loader import Report

SYSTEM = "Please reason step by step, and put your final answer within \\boxed{}."
SEPARATOR = "<extra_0>"
"""Stands behind each step; id 151651 in the tokenizer of Qwen2.5-Math-PRM."""
BATCH_TOKENS = {"cpu": 2048, "cuda": 8192}
"""Tokens of one forward pass, padding included; one trace may be longer."""
ANOTHER = "Give a model like Qwen/Qwen2.5-Math-PRM-7B, or use --verifier agreement."
_SMALLER = "Free some, give a smaller reward model with --prm, or use --verifier agreement."


class Prm:
    """A loaded process reward model. Made by `reward_model_loader.load`.

    Args:
        title: what it is called in a sentence.
        base: the frozen `PreTrainedModel` without a head; its hidden size is H.
        head: (…, H) to (…, 2), fp32.

    Attributes:
        kept: closed with it: the folder for tensors that fit no memory.
    """

    def __init__(self, title: str, base: Any, head: nn.Module, tokenizer: Any) -> None:
        self.title, self.tokenizer = title, tokenizer
        self.context = int(base.config.max_position_embeddings)
        self._base, self._head = base.eval().requires_grad_(False), head
        self.kept = ExitStack()
        self._device = next(head.parameters()).device
        self._separator = _separator(tokenizer, base.config.vocab_size, title)
        self._frame = _frame(tokenizer, title)
        self._special = _overlapping(tokenizer.get_added_vocab())

    def close(self) -> None:
        """Let go of its memory and its files on disk; it cannot be used any more."""
        self._base = self._head = None
        gc.collect()  # a model refers to itself in circles
        self.kept.close()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def encode(self, problem: str, steps: Sequence[str]) -> tuple[list[int], list[int]]:
        """The token ids of a solution, up to its last separator, and the places of the separators.

        Special tokens written out in the texts (`<extra_0>`, `<|im_end|>`) are read as plain characters.
        """
        before, between = self._frame
        tokens = [*before, *self._plain(problem.strip()), *between]
        places = []
        for step in steps:
            tokens += self._plain(step)
            places.append(len(tokens))
            tokens.append(self._separator)
        return tokens, places

    def _plain(self, text: str) -> list[int]:
        # Cut behind the first character of whatever reads as an added token. `split_special_tokens` alone leaves those
        # that a tokenizer does not mark as special.
        cuts = [match.start() + 1 for match in self._special.finditer(text)]
        parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        return [
            token
            for part in parts
            for token in self.tokenizer(part, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        ]

    def score(
        self,
        problem: str,
        solutions: Sequence[Sequence[str]],
        report: Report = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> list[tuple[float, ...] | None]:
        """For each solution, given as its steps (at least one), the probability of each step in [0, 1].

        None for a solution that does not fit the model's context: a part of it would be judged out of its context.

        Raises:
            Stopped: `stopped()` became true, asked before every layer.
            OutOfMemory: the device's memory ran out.
            ModelError: the model gives no numbers, or the GPU failed.
        """
        rows = [self.encode(problem, steps) for steps in solutions]
        fit = sorted(
            (number for number, row in enumerate(rows) if len(row[0]) <= self.context), key=lambda n: len(rows[n][0])
        )
        batches = _batches([len(rows[number][0]) for number in fit], BATCH_TOKENS[self._device.type])
        found: list[tuple[float, ...] | None] = [None] * len(rows)
        with self._watched(len(batches), report, stopped), readable_errors(self.title):
            for batch in batches:
                numbers = [fit[place] for place in batch]
                for number, scores in zip(numbers, self._forward([rows[number] for number in numbers]), strict=True):
                    found[number] = scores
        return found

    @torch.no_grad()
    def _forward(self, rows: Sequence[tuple[list[int], list[int]]]) -> list[tuple[float, ...]]:
        """Rows of one batch, padded on the right: attention looks back only, so no row sees its padding."""
        width = max(len(tokens) for tokens, _ in rows)
        ids = torch.tensor([tokens + [self._separator] * (width - len(tokens)) for tokens, _ in rows])
        hidden: Tensor = self._base(input_ids=ids.to(self._device), use_cache=False).last_hidden_state
        which = [row for row, (_, places) in enumerate(rows) for _ in places]
        where = [place for _, places in rows for place in places]
        logits: Tensor = self._head(hidden[which, where].to(self._device, torch.float32))
        right = torch.softmax(logits, -1)[:, 1].cpu()
        if not torch.isfinite(right).all():
            raise ModelError(f"{self.title} gives no numbers: its weights are damaged.", "Fetch it again.")
        parts = right.split([len(places) for _, places in rows])
        return [tuple(part.tolist()) for part in parts]

    @contextmanager
    def _watched(self, batches: int, report: Report, stopped: Callable[[], bool]) -> Iterator[None]:
        """Says how far it is, and stops it, at each layer: on a CPU one pass takes long."""
        layers = list(self._base.layers)
        done, said = 0, 0.0

        def layer(*_: object) -> None:
            nonlocal done, said
            if stopped():
                raise Stopped("Stopped while weighing the answers.")
            if time.monotonic() - said > 0.2:
                said = time.monotonic()
                report(Progress("weigh", f"{self.title} reads the traces", done, batches * len(layers), "layers"))
            done += 1

        hooks = [module.register_forward_pre_hook(layer) for module in layers]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def _separator(tokenizer: Any, vocabulary: int, title: str) -> int:
    found = tokenizer.get_vocab().get(SEPARATOR)
    if found is None or found >= vocabulary:
        raise ModelError(f"{title} has no token {SEPARATOR}, which stands behind each step.", ANOTHER)
    return int(found)


def _frame(tokenizer: Any, title: str) -> tuple[list[int], list[int]]:
    """The token ids before the problem, and those between it and the solution."""
    problem, solution = "ELM-PROBLEM-GOES-HERE", "ELM-SOLUTION-GOES-HERE"
    roles = zip(("system", "user", "assistant"), (SYSTEM, problem, solution), strict=True)
    try:
        text = tokenizer.apply_chat_template([{"role": r, "content": c} for r, c in roles], tokenize=False)
        before, rest = text.split(problem)
        between, _ = rest.split(solution)
    except (ValueError, TemplateError) as error:
        raise ModelError(f"{title} has no chat template that takes a problem and its solution.", ANOTHER) from error
    first, second = (tokenizer(part, add_special_tokens=False)["input_ids"] for part in (before, between))
    return list(first), list(second)


def _overlapping(tokens: Sequence[str] | dict[str, int]) -> re.Pattern[str]:
    """Finds where any of these strings begins, inside one another too; one of a single character cannot be cut."""
    long = sorted(re.escape(token) for token in tokens if len(token) > 1)
    return re.compile(f"(?=(?:{'|'.join(long)}))" if long else r"(?!)")


def _batches(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Places of ascending lengths, grouped so that rows × the longest is at most `most`, or one row."""
    batches: list[list[int]] = []
    for place, length in enumerate(lengths):
        if batches and (len(batches[-1]) + 1) * length <= most:
            batches[-1].append(place)
        else:
            batches.append([place])
    return batches


@contextmanager
def readable_errors(title: str) -> Iterator[None]:
    """Turns the device's errors into sentences."""
    try:
        yield
    except ElmError:
        raise
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error):
            raise OutOfMemory(f"There is not enough memory for {title}.", _SMALLER) from error
        if "CUDA" in str(error):
            raise ModelError(f"The GPU failed: {error}.", "Restart the app, or use --device cpu.") from error
        raise
