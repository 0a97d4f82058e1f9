"""Past reasoning as keys and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from elm_app.llm.engine import Engine


def past_of_answer(engine: Engine, problem: str, answer: str) -> tuple[Any, int]:
    """Read a problem and an answer to it; the cache of the answer's tokens alone, moved to the front.

    Returns:
        The cache, and the number of tokens that were read.
    """
    question = engine.encode(problem)
    own = engine.tokenizer(answer.strip(), add_special_tokens=False, split_special_tokens=True)["input_ids"]
    tokens = [*question, *own]
    _, cache = engine.decoder.prefill(engine.decoder.embed(torch.tensor(tokens, dtype=torch.long)))
    return engine.decoder.cut(cache, slice(len(question), len(tokens))), len(tokens)


def bytes_of(engine: Engine, text: str) -> int:
    """Bytes of the keys and values of a text's tokens as fp32."""
    _, cache = engine.decoder.prefill(engine.decoder.embed(torch.tensor([0])))
    keys, values = engine.decoder.to_tensors(cache)
    return 4 * int(keys.numel() + values.numel()) * len(engine.tokenizer(text, add_special_tokens=False)["input_ids"])
