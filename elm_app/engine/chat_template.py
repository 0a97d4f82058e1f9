"""How a problem is put to a model."""

from __future__ import annotations

from collections.abc import Sequence
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
    question, tokens, begins = asked(problem), [], 0
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


def asked(problem: str) -> str:
    """A problem and the instruction, as the user says them."""
    return f"{problem.strip()}\n\n{INSTRUCTION}"


def turns_prompt(tokenizer: Any, turns: Sequence[str]) -> list[int]:
    """The token ids of a conversation, the user's turns and the model's by turns, the user's first.

    After a turn of the user the model's is opened; after one of the model the conversation is over, and a new one may
    stand behind it.

    Special tokens written out in a turn are read as plain characters. Without a chat format the turns stand one under
    the other.
    """
    asking = len(turns) % 2 == 1

    def plain(text: str) -> list[int]:
        ids: list[int] = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return ids

    if not tokenizer.chat_template:
        names = ("Problem", "Solution")
        told = "".join(f"{names[place % 2]}: {turn.strip()}\n\n" for place, turn in enumerate(turns))
        whole: list[int] = tokenizer(told + "Solution:" * asking, split_special_tokens=True)["input_ids"]
        return whole
    markers = [f"ELM-TURN-{place}-GOES-HERE" for place in range(len(turns))]
    roles = ("user", "assistant")
    messages = [{"role": roles[place % 2], "content": marker} for place, marker in enumerate(markers)]
    rest = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=asking)
    tokens: list[int] = []
    for marker, turn in zip(markers, turns, strict=True):
        before, _, rest = rest.partition(marker)
        tokens += [*tokenizer(before, add_special_tokens=False)["input_ids"], *plain(turn.strip())]
    return [*tokens, *tokenizer(rest, add_special_tokens=False)["input_ids"]]
