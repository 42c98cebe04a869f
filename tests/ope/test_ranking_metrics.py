import numpy as np
import pytest
from scipy.stats import spearmanr

from recenv.ope.ranking_metrics import rank_correlation, regret_at_k, sharpe_ratio_at_k

TRUTH = np.array([[1.0, 4.0, 2.0, 3.0]])
VALUES = np.array([[3.0, 2.0, 1.0, 4.0]])
"""The order of the estimates is policy 3, 0, 1, 2."""


def test_rank_correlation_is_spearmans(rng):
    values, truth = rng.normal(size=(2, 20, 6)).round(1)
    expected = [spearmanr(one, other).statistic for one, other in zip(values, truth, strict=True)]
    np.testing.assert_allclose(rank_correlation(values, truth), expected)


def test_rank_correlation_by_hand():
    # Ranks of the estimates 3, 2, 1, 4 and of the truth 1, 4, 2, 3: 1 - 6 * (4 + 4 + 1 + 1) / (4 * 15).
    assert rank_correlation(VALUES, TRUTH)[0] == pytest.approx(0.0)
    assert rank_correlation(TRUTH**2, TRUTH)[0] == pytest.approx(1.0)
    assert rank_correlation(-TRUTH, TRUTH)[0] == pytest.approx(-1.0)


def test_estimates_that_are_all_equal_say_nothing_and_equal_policies_have_no_ranks():
    assert rank_correlation(np.ones((1, 4)), TRUTH)[0] == 0.0
    assert np.isnan(rank_correlation(VALUES, np.ones((1, 4)))[0])


def test_a_policy_without_an_estimate_ranks_last():
    unknown_worst = np.array([[np.nan, 4.0, 2.0, 3.0]])
    assert rank_correlation(unknown_worst, TRUTH)[0] == pytest.approx(1.0)
    unknown_best = np.array([[1.0, np.nan, 2.0, 3.0]])
    assert regret_at_k(unknown_best, TRUTH, 1)[0] == 1.0


@pytest.mark.parametrize(("k", "regret"), [(1, 1.0), (2, 1.0), (3, 0.0), (4, 0.0)])
def test_regret_is_what_the_best_of_the_top_k_lacks(k, regret):
    assert regret_at_k(VALUES, TRUTH, k)[0] == regret


def test_ties_are_taken_in_the_worst_order():
    assert regret_at_k(np.ones((1, 4)), TRUTH, 1)[0] == 3.0
    assert regret_at_k(np.ones((1, 4)), TRUTH, 3)[0] == 1.0


def test_more_than_there_are_has_no_answer():
    assert np.isnan(regret_at_k(VALUES, TRUTH, 5)[0])
    assert np.isnan(sharpe_ratio_at_k(VALUES, TRUTH, 2.0, 5)[0])


def test_sharpe_ratio_is_the_gain_over_the_risk_of_the_test():
    # The top two are worth 3 and 1, the logging policy 2: gain 1, deviation of (3, 1, 2) sqrt(2 / 3).
    assert sharpe_ratio_at_k(VALUES, TRUTH, 2.0, 2)[0] == pytest.approx(1 / np.sqrt(2 / 3))
    # Nothing beats a logging policy that is worth 5.
    assert sharpe_ratio_at_k(VALUES, TRUTH, 5.0, 2)[0] == 0.0


def test_sharpe_ratio_prefers_the_estimator_that_tests_no_bad_policies():
    truth = np.array([[10.0, 9.0, 1.0, 5.0]])
    careful, reckless = np.array([[4.0, 3.0, 1.0, 2.0]]), np.array([[4.0, 1.0, 3.0, 2.0]])
    assert regret_at_k(careful, truth, 2) == regret_at_k(reckless, truth, 2)
    assert sharpe_ratio_at_k(careful, truth, 5.0, 2) > sharpe_ratio_at_k(reckless, truth, 5.0, 2)


def test_sharpe_ratio_of_equal_policies_is_undefined():
    assert np.isnan(sharpe_ratio_at_k(VALUES, np.ones((1, 4)), 0.9, 2)[0])
    assert np.isnan(sharpe_ratio_at_k(VALUES, TRUTH, np.nan, 2)[0])
