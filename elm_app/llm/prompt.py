"""How a problem is put to a model."""

from __future__ import annotations

from typing import Any

INSTRUCTION = "Think step by step, briefly, and put the final answer in \\boxed{}."


def chat_prompt(tokenizer: Any, problem: str) -> list[int]:
    """The token ids that ask for `problem` to be solved, in the model's own chat format if it has one.

    Special tokens written out in the problem (such as `<|im_end|>`) are read as plain characters.
    """
    return located_prompt(tokenizer, problem)[0]


def located_prompt(tokenizer: Any, problem: str) -> tuple[list[int], slice]:
    """As `chat_prompt`, and the places of the problem's own tokens, without the instruction and the chat format."""
    problem = problem.strip()
    question, tokens, begins = f"{problem}\n\n{INSTRUCTION}", [], 0
    if tokenizer.chat_template:
        marker = "ELM-PROBLEM-GOES-HERE"
        messages = [{"role": "user", "content": marker}]
        frame = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        before, after = (tokenizer(part, add_special_tokens=False)["input_ids"] for part in frame.split(marker))
        tokens += before
        read = tokenizer(question, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
    else:
        begins, after = len("Problem: "), []
        text = f"Problem: {question}\n\nSolution:"
        read = tokenizer(text, split_special_tokens=True, return_offsets_mapping=True)
    own = [
        place
        for place, (start, end) in enumerate(read["offset_mapping"], len(tokens))
        if start < begins + len(problem) and end > max(begins, start)  # it may begin with the space before
    ]
    return [*tokens, *read["input_ids"], *after], slice(own[0], own[-1] + 1)
