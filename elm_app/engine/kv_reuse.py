"""Past reasoning as keys and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from elm_app.engine.engine import Engine


def past_of_answer(engine: Engine, problem: str, answer: str, room: int) -> tuple[Any | None, int]:
    """Read a problem and an answer to it; the cache of the answer's tokens alone, moved to the front.

    Returns:
        The cache, and the number of tokens that were read; None and 0 if they would be more than `room`.
    """
    question = engine.encode(problem)
    own = _tokens(engine, answer)
    tokens = [*question, *own]
    if len(tokens) > room:
        return None, 0
    _, cache = engine.decoder.prefill(engine.decoder.embed(torch.tensor(tokens, dtype=torch.long)))
    return engine.decoder.cut(cache, slice(len(question), len(tokens))), len(tokens)


def bytes_of(engine: Engine, text: str) -> int:
    """Bytes of the keys and values of a text's tokens as fp32."""
    _, cache = engine.decoder.prefill(engine.decoder.embed(torch.tensor([0])))
    keys, values = engine.decoder.to_tensors(cache)
    return 4 * int(keys.numel() + values.numel()) * len(_tokens(engine, text))


def _tokens(engine: Engine, text: str) -> list[int]:
    """An answer's tokens, special ones read as plain characters."""
    ids: list[int] = engine.tokenizer(text.strip(), add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return ids
