"""How a problem is put to a model."""

from __future__ import annotations

from typing import Any

INSTRUCTION = "Think step by step, briefly, and put the final answer in \\boxed{}."


def chat_prompt(tokenizer: Any, problem: str) -> list[int]:
    """The token ids that ask for `problem` to be solved, in the model's own chat format if it has one.

    Special tokens written out in the problem (such as `<|im_end|>`) are read as plain characters.
    """
    question = f"{problem.strip()}\n\n{INSTRUCTION}"
    if not tokenizer.chat_template:
        return list(tokenizer(f"Problem: {question}\n\nSolution:", split_special_tokens=True)["input_ids"])
    marker = "ELM-PROBLEM-GOES-HERE"
    messages = [{"role": "user", "content": marker}]
    frame = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    before, after = frame.split(marker)
    tokens: list[int] = []
    for part, special in ((before, True), (question, False), (after, True)):
        tokens += tokenizer(part, add_special_tokens=False, split_special_tokens=not special)["input_ids"]
    return tokens
