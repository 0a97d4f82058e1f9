"""A context of n positions as P keys and values a layer: compaction by attention matching.

Zweiger et al., "Fast KV Compaction via Attention Matching" (arXiv 2602.16284): in each layer and head the few keys and
values are to give every query of some readers the attention output that the whole context gives it. A reader is a text
that stands behind the context; its own positions stay as they are, so with a(q) the share of a query's attention that
goes to the context,

    output(q) = a(q) · mix of the context's values + (1 − a(q)) · mix of the reader's own.

They start as the P positions that get most attention (root mean square over the queries; Li et al., SnapKV,
arXiv 2404.14469), with values by least squares. Then keys and values follow the gradient of the squared error, and in
the end the values are solved for once more. The paper instead gives every kept position a bias, which a prefix has no
room for. Layers are matched on their own, each with the readers' states under the whole context.

Shapes: n context positions, P kept, S reader positions, Q queries, D head size.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from elm_app.core.errors import ModelError
from elm_app.core.events import Progress
from elm_app.engine.attention import Attention
from elm_app.engine.engine import Engine
from elm_app.engine.prefix import packed

_ITERATIONS, _BATCH = 150, 4096
_RATE = 0.02
"""Of Adam, in standard deviations of what it moves; it falls to a tenth."""
_MISSED = 0.05
"""A key that was moved may be wrong by this share of its length: arithmetic in 16 bits is by less, another rotation by
more."""
_RIDGE = 1e-3
"""How firmly least squares hold on to the values that there are, relative to the mean of the diagonal."""


class _Queries(NamedTuple):
    """Queries (Q, D), times 1/√D; of the readers' own positions the log of the summed weights (Q,) and the output
    (Q, D); and the output (Q, D) that is wanted."""

    queries: Tensor
    own_mass: Tensor
    own_output: Tensor
    wanted: Tensor


def as_prefix(
    engine: Engine,
    context: Sequence[int],
    readers: Sequence[Sequence[int]],
    size: int,
    seed: int,
    stopped: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, Tensor | None]:
    """A context as a prefix of P positions; what the readers are stands behind it.

    Args:
        context: n token ids.
        readers: token ids of texts behind it: prompts and what the model wrote to them.
        size: P; if n is less, n positions are kept, and the prefix is the context itself.
        seed: of the order in which queries are taken.

    Returns:
        fp32 (P, W) on the CPU, as `engine/prefix.py` has it; None if it was stopped.
    """
    decoder = engine.decoder
    past = decoder.prefill(decoder.embed(torch.tensor(context)))[1]
    given = []
    for number, reader in enumerate(readers):
        yield Progress("update", "Reading the worked variants", number, len(readers), "variants")
        if stopped():
            return None
        given.append(decoder.attention(decoder.embed(torch.tensor(reader)), past))
    keys, values = (part.cpu() for part in decoder.to_tensors(past))
    pairs = []
    for layer in range(len(keys)):
        yield Progress("update", "Fitting the memory to the worked example", layer, len(keys), "layers")
        if stopped():
            return None
        pairs.append(compacted(keys[layer], values[layer], [one[layer] for one in given], size, seed))
    cache = decoder.to_cache(torch.stack([key for key, _ in pairs]), torch.stack([value for _, value in pairs]))
    kept = len(pairs[0][0][0])
    moved = decoder.moved(cache, kept - len(context))  # what follows stands behind so many positions, not n
    return packed(*decoder.to_tensors(moved)).cpu()


def check(engine: Engine) -> None:
    """Raise `ModelError` where a model will not do for `as_prefix`, in no time.

    A token that stands twice has the same state both times, so its first key, moved by one, must be its second.
    """
    decoder = engine.decoder
    twice = decoder.embed(torch.tensor([0, 0]))
    past = decoder.prefill(twice)[1]
    decoder.attention(twice, past)
    moved = decoder.to_tensors(decoder.moved(decoder.cut(past, slice(0, 1)), 1))[0]
    wanted = decoder.to_tensors(past)[0][:, :, 1:]
    if bool(((moved - wanted).flatten(1).norm(dim=1) > _MISSED * wanted.flatten(1).norm(dim=1)).any()):
        raise ModelError("The keys of this kind of model turn in a way of its own.", "Learn with --init text.")


def compacted(
    keys: Tensor, values: Tensor, readers: Sequence[Attention], size: int, seed: int
) -> tuple[Tensor, Tensor]:
    """One layer of a context in P positions, at most n.

    Args:
        keys, values: of the context, fp32 (kv heads, n, D), on the CPU.
        readers: what attention is given of each text behind it, in this layer.
        size: P.
        seed: of the order in which queries are taken.

    Returns:
        Keys and values, fp32 (kv heads, P, D). Rotated as in the context: they stand for positions before n.
    """
    pairs = [_head(keys[head], values[head], readers, head, size, seed) for head in range(len(keys))]
    return torch.stack([key for key, _ in pairs]), torch.stack([value for _, value in pairs])


def _head(
    keys: Tensor, values: Tensor, readers: Sequence[Attention], head: int, size: int, seed: int
) -> tuple[Tensor, Tensor]:
    """`compacted` for one head of keys and values, and the heads of queries that share it."""
    with torch.no_grad():
        parts = [_own(reader, head) for reader in readers]
        queries, own_mass, own_output = (torch.cat(some) for some in zip(*parts, strict=True))
        scores = queries @ keys.T
        share = torch.sigmoid(scores.logsumexp(1) - own_mass)[:, None]
        weights = scores.softmax(1)
        wanted = share * (weights @ values) + (1 - share) * own_output
        places = (share * weights).square().mean(0).topk(min(size, len(keys))).indices.sort().values
        del scores, weights
        order = torch.randperm(len(queries), generator=torch.Generator().manual_seed(seed))
        given = _Queries(queries[order], own_mass[order], own_output[order], wanted[order])
        key, value = keys[places].clone(), values[places].clone()
        if len(places) == len(keys):
            return key, value
        value = _solved(given, key, value)
    key, value = _descended(given, key, value)
    return key, _solved(given, key, value)


def _own(reader: Attention, head: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of a reader's queries, causal attention to its own positions: queries, `own_mass`, `own_output`."""
    queries, keys, values = (part.float() for part in reader)
    group = queries.shape[1] // keys.shape[1]
    queries = queries[:, head * group : (head + 1) * group].transpose(0, 1) / queries.shape[2] ** 0.5
    later = torch.full((len(keys), len(keys)), -torch.inf).triu_(1)
    scores = queries @ keys[:, head].T + later
    output = scores.softmax(2) @ values[:, head]
    return queries.flatten(0, 1), scores.logsumexp(2).flatten(), output.flatten(0, 1)


def _mixed(given: _Queries, keys: Tensor) -> tuple[Tensor, Tensor]:
    """The weights of the kept positions (Q, P), and what the readers' own give (Q, D)."""
    scores = given.queries @ keys.T
    share = torch.sigmoid(scores.logsumexp(1) - given.own_mass)[:, None]
    return share * scores.softmax(1), (1 - share) * given.own_output


@torch.no_grad()
def _solved(given: _Queries, keys: Tensor, values: Tensor) -> Tensor:
    """The values (P, D) of least squared error with these keys, near the given ones."""
    weights, own = _mixed(given, keys)
    square = weights.T @ weights
    ridge = _RIDGE * square.diagonal().mean()
    square.diagonal().add_(ridge)
    return torch.linalg.solve(square, weights.T @ (given.wanted - own) + ridge * values)


def _descended(given: _Queries, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values after the descent."""
    leaves = [keys.clone().requires_grad_(), values.clone().requires_grad_()]
    optimizer = torch.optim.Adam([{"params": [leaf], "lr": _RATE * float(leaf.detach().std())} for leaf in leaves])
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, _ITERATIONS)
    count = max(1, len(given.queries) // _BATCH)
    batches = list(zip(*(part.tensor_split(count) for part in given), strict=True))
    for turn in range(_ITERATIONS):
        batch = _Queries(*batches[turn % len(batches)])
        weights, own = _mixed(batch, leaves[0])
        loss = (weights @ leaves[1] + own - batch.wanted).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()
    return leaves[0].detach(), leaves[1].detach()
