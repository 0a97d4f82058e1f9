"""The model's own key of a question: what its attention compares other tokens with, as one vector.

The paper (ELM, arXiv 2606.17803) retrieves memories also by "KV", by the cosine of the model's own keys on the
question; it leaves open which. Our reading: the keys of a few layers in the middle, before the rotary embedding (so
that they say what, not where), mean over the question's own tokens, without the chat format and the instruction that
all prompts share.

All such means point nearly the same way: two random problems have a cosine of 0.96 to 0.99. So the mean over a few
typical problems, always the same ones, is taken off first. Then each layer is brought to length 1, so that none
outweighs the others, and the layers are put one behind the other. docs/RETRIEVAL.md has the measurements.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from elm_app.engine.chat_template import located_prompt
from elm_app.engine.engine import Engine, readable_errors

WIDEST = 2048
"""Numbers in a key, at most. A model of 8B has 1024 in a layer."""
TYPICAL = (
    "Mara buys 4 notebooks for 3 dollars each and a pen for 2 dollars. How much does she pay?",
    "A train travels 150 km in 2 hours. At the same speed, how far does it travel in 5 hours?",
    "A class of 28 pupils has 4 more girls than boys. How many girls are there?",
    "A jacket costs 60 dollars and is reduced by 15%. What is the new price?",
    "Tim reads 20 pages on Monday, twice as many on Tuesday and 5 fewer on Wednesday. How many pages are that?",
    "A tank holds 240 litres. It is filled at 12 litres a minute. How many minutes does that take?",
    "Three brothers are 5, 8 and 11 years old. How old will they be together in 4 years?",
    "A worker earns 18 dollars an hour, and half as much again after 40 hours. What does he earn for 46 hours?",
    "A bakery makes 96 rolls, sells three quarters of them and gives away 6. How many are left?",
    "A rectangle is 9 cm long and 4 cm wide. What are its perimeter and its area?",
    "Solve 3x + 7 = 25.",
    "What is the greatest common divisor of 84 and 126?",
    "A bag holds 5 red and 3 blue marbles. How likely is it to draw a red one?",
    "Find the sum of the solutions of x^2 - 5x + 6 = 0.",
    "How many three-digit numbers have only even digits?",
    "A right triangle has legs of 6 and 8. How long is the hypotenuse?",
)


_typical: WeakKeyDictionary[Engine, Tensor] = WeakKeyDictionary()
"""What is taken off, computed once for an engine."""


def question_key(engine: Engine, problem: str) -> NDArray[np.float32]:
    """The model's own key of a problem, float32 (D,) of length 1. Thread-safe.

    Raises:
        BadInput: the problem does not fit. ModelError: this kind of model does not show its keys.
        OutOfMemory: the device's memory ran out.
    """
    with readable_errors("reading"):
        layers = layers_of(engine.decoder.layer_count)
        typical = _typical.get(engine)
        if typical is None:
            typical = _typical[engine] = typical_keys(engine, layers)
        return np.asarray(joined(mean_keys(engine, problem, layers), typical), np.float32)


def layers_of(count: int) -> list[int]:
    """Four layers around the middle of `count`, every other one; fewer where there are not so many.

    >>> layers_of(24), layers_of(2)
    ([9, 11, 13, 15], [0, 1])
    """
    return sorted({min(max(0, count // 2 + step), count - 1) for step in (-3, -1, 1, 3)})


@torch.no_grad()
def mean_keys(engine: Engine, problem: str, layers: list[int]) -> Tensor:
    """The mean key of each layer over a problem's tokens: fp32 (layers, kv heads · D)."""
    tokens, own = located_prompt(engine.tokenizer, problem)
    engine.check_length(len(tokens), 1)
    keys = engine.decoder.keys(engine.decoder.embed(torch.tensor(tokens)), layers)
    return keys[:, own].mean(1)


def typical_keys(engine: Engine, layers: list[int]) -> Tensor:
    """What is taken off: the mean over `TYPICAL`, fp32 (layers, kv heads · D)."""
    return torch.stack([mean_keys(engine, problem, layers) for problem in TYPICAL]).mean(0)


def joined(keys: Tensor, typical: Tensor) -> Tensor:
    """One vector of length 1, fp32 (D,), of mean keys and typical ones, fp32 (layers, kv heads · D).

    D is at most `WIDEST`: where the layers' keys are wider together, those in the middle are taken, at least one.
    """
    count, width = keys.shape
    taken = min(count, max(1, WIDEST // width))
    first = (count - taken) // 2
    layers = F.normalize(keys - typical, dim=1)[first : first + taken]
    return F.normalize(layers.flatten(), dim=0)
