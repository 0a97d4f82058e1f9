"""Intervals and tests are those of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from elm_app.evaluation.statistics import proportion, share, sign_flip

SOME = np.random.default_rng(7)


@pytest.mark.parametrize(("right", "of"), [(0, 20), (3, 40), (20, 40), (39, 40), (40, 40), (1, 1)])
def test_the_interval_of_a_share(right: int, of: int) -> None:
    found = proportion([1.0] * right + [0.0] * (of - right))
    theirs = stats.binomtest(right, of).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


@pytest.mark.parametrize(("wins", "losses"), [(4, 0), (16, 8), (9, 9), (1, 7), (30, 12)])
def test_equal_differences_are_a_sign_test(wins: int, losses: int) -> None:
    ours = sign_flip([1.0] * wins + [-1.0] * losses + [0.0] * 5)
    assert ours == pytest.approx(stats.binomtest(wins, wins + losses).pvalue)


@pytest.mark.parametrize("values", [[1.0, 0.5, -0.25], [0.125, 0.25, -0.5, 0.75, 1.0, 0.375, -0.125]])
def test_unequal_differences_are_an_exact_permutation_test(values: list[float]) -> None:
    theirs = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(values) == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize("values", [SOME.random(40), SOME.integers(0, 2, 100).astype(float), SOME.normal(0, 1, 12)])
def test_a_bootstrap_of_means(values: np.ndarray) -> None:
    found = share(list(values))
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=10_000, rng=1)
    near = 0.05 * (theirs.confidence_interval.high - theirs.confidence_interval.low)  # both are drawn at random
    assert found.low == pytest.approx(theirs.confidence_interval.low, abs=near)
    assert found.high == pytest.approx(theirs.confidence_interval.high, abs=near)
