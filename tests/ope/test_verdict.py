import numpy as np
import pytest

from recenv.ope import BanditTerms, diagnose, estimate, judge, judge_estimate
from recenv.ope.hidden_bias import bias_of_missing, bias_of_removed, noise_of_usual_residuals
from recenv.ope.verdict import MAX_BIAS, MAX_NOISE, MAX_REMOVED


def verdict(weight, **options):
    weight = np.asarray(weight, dtype=float)
    return judge(diagnose(weight, np.arange(len(weight)), len(weight)), **options)


def test_diagnostics_reckoned_by_hand():
    found = diagnose(np.array([0.5, 2.0, 2.0, 0.5]), np.array([0, 0, 1, 1]), 2, unlogged=0.1)
    assert (found.rows, found.clusters, found.max_weight, found.mean_weight) == (4, 2, 2.0, 1.25)
    assert (found.ess, found.ess_users) == (pytest.approx(25 / 8.5), 2.0)
    assert found.max_weight_share == pytest.approx(0.4)
    assert (found.match_share, found.unsupported, found.unlogged) == (1.0, 0.0, 0.1)
    assert found.mean_weight_lower == found.mean_weight_upper == 1.25  # both users have the same sum


def test_good_overlap_is_ok(rng):
    assert verdict(rng.uniform(0.5, 1.5, 2_000)).level == "ok"


@pytest.mark.parametrize(
    ("weight", "reason"),
    [
        (np.zeros(500), "no logged row shows an item"),
        (np.r_[np.zeros(1_950), np.full(50, 40.0)], "2,000 rows are worth only 50 rows"),
        (np.r_[np.full(5_000, 0.7), 1_000.0], "one row carries 22% of all weight"),
        (np.r_[np.zeros(1_000), np.ones(1_000)], "about 50% of its choices could not have been logged"),
    ],
)
def test_thin_overlap_is_refused_with_the_reason(weight, reason):
    found = verdict(weight)
    assert found.level == "not enough overlap"
    assert reason in found.reason


@pytest.mark.parametrize(
    ("weight", "reason"),
    [
        (np.r_[np.full(5_000, 0.9), 400.0], "one row carries 8% of all weight"),
        (np.full(2_000, 1.2), "the mean weight is 1.2, not 1"),
        (np.full(2_000, 0.93), "about 7.0% of its choices could not have been logged"),
        (np.ones(60), "the log is small: 60 rows"),
        (np.ones(10), "only 10 users"),
    ],
)
def test_doubts_ask_for_caution(weight, reason):
    found = verdict(weight)
    assert found.level == "caution"
    assert reason in found.reason


def test_a_heavy_tail_is_told(rng):
    heavy = rng.random(50_000) ** -0.85
    assert "Pareto k" in verdict(heavy / heavy.mean()).reason


def test_the_model_alone_is_never_ok(rng):
    assert verdict(rng.uniform(0.5, 1.5, 2_000), model_only=True).level == "caution"
    assert verdict(np.zeros(500), model_only=True).level == "not enough overlap"
    assert "the model extrapolates" in verdict(np.zeros(500), model_only=True).reason


def test_clipping_and_estimated_propensities_ask_for_caution(rng):
    weight = rng.uniform(0.5, 1.5, 2_000)
    assert verdict(weight, removed=0.05).level == "ok"
    assert "20% of the weight was clipped" in verdict(weight, removed=0.2).reason
    assert verdict(weight, estimated_propensity=True).reason == "the propensities are estimated, not logged"


def test_clipping_that_costs_more_than_half_a_standard_error_is_no_longer_ok(rng):
    """Rewards near 1 and a clip that takes 5% of the weight: a bias of .05 beside a small standard error."""
    weight = np.where(rng.random(20_000) < 0.02, 5.0, 1 - 0.08 / 0.98)
    terms = BanditTerms(rng.uniform(0.9, 1.1, 20_000), np.full(20_000, 0.2), weight / 5)
    clipped = estimate("clipped_ips", terms, clip=2.5)
    assert clipped.removed < MAX_REMOVED
    assert clipped.removed_value[0] == pytest.approx(estimate("ips", terms).value - clipped.value)
    assert bias_of_removed(clipped) > MAX_BIAS
    assert bias_of_removed(estimate("clipped_ips", terms, clip=5.0)) == 0
    found = verdict(weight, removed=clipped.removed, bias=bias_of_removed(clipped))
    assert found.level == "caution"
    assert "standard errors" in found.reason


def test_weight_that_the_log_lacks_is_worth_a_warning():
    # 4% of the target's choices were never logged: each row's weight is .96, and the value falls short by 4%
    rng = np.random.default_rng(0)
    reward = (rng.random(2_000) < 0.9).astype(float)
    terms = BanditTerms(reward, np.full(2_000, 0.5), np.full(2_000, 0.48) + 0.01 * rng.choice([-1, 1], 2_000))
    result, found = estimate("ips", terms), diagnose(terms.weight, np.arange(2_000), 2_000)
    expected = (1 - terms.weight.mean()) * np.sqrt((terms.weight * reward**2).sum() / terms.weight.sum())
    assert bias_of_missing(result, found) == pytest.approx(expected / result.std_error)
    assert judge(found).level == "ok"
    verdict = judge_estimate(result, found)
    assert verdict.level == "caution"
    assert "the mean weight is 0.96, not 1" in verdict.reason


def test_a_mean_weight_that_chance_explains_is_no_warning():
    rng = np.random.default_rng(1)
    terms = BanditTerms(rng.random(500), np.full(500, 0.5), rng.choice([0.1, 0.9], 500))
    found = diagnose(terms.weight, np.arange(500), 500)
    assert bias_of_missing(estimate("ips", terms), found) == 0.0
    assert judge_estimate(estimate("ips", terms), found).level == "ok"


def test_noise_of_usual_residuals_reckoned_by_hand():
    # e = 1, 1, 0 under weights 1, 1, 2: s^2 = 2 / 4, and s^2 sum w^2 - sum (w e)^2 = 3 - 2
    terms = BanditTerms([1.0, 1.0, 0.0], [0.5] * 3, [0.5, 0.5, 1.0])
    result = estimate("ips", terms)
    assert noise_of_usual_residuals(result) == pytest.approx(np.sqrt(1 + 1 / (3 * result.std_error) ** 2))


def test_residuals_that_do_not_depend_on_the_weight_are_usual(rng):
    weight, residual = rng.choice([0.5, 1.5], 20_000), rng.normal(size=20_000)
    terms = BanditTerms(
        residual, np.full(20_000, 0.5), weight / 2, q_logged=np.zeros(20_000), q_target=np.zeros(20_000)
    )
    for name in ("ips", "snips", "dr", "sndr"):
        assert noise_of_usual_residuals(estimate(name, terms)) == pytest.approx(1, abs=0.02)


def test_large_weights_that_met_only_good_luck_are_told():
    """Rewards of 1 with one 0 in ten; the rows that count most have met no 0 yet."""
    weight, reward = np.r_[np.full(1_000, 0.8), np.full(10, 21.0)], np.ones(1_010)
    reward[:1_000:10] = 0
    terms = BanditTerms(reward, np.full(1_010, 0.04), weight * 0.04, q_logged=[0.9] * 1_010, q_target=[0.9] * 1_010)
    found = diagnose(terms.weight, np.arange(1_010), 1_010)
    for name in ("snips", "dr", "sndr"):
        result = estimate(name, terms)
        assert noise_of_usual_residuals(result) > MAX_NOISE
        verdict = judge_estimate(result, found)
        assert verdict.level == "caution"
        assert "unusually small errors" in verdict.reason
    assert noise_of_usual_residuals(estimate("dm", terms)) == 1


def test_a_sum_of_steps_has_no_single_weight_behind_it():
    terms = BanditTerms([1.0, 0.0, 1.0], [0.5] * 3, [0.5, 0.5, 1.0], reward_range=(0, 1))
    assert noise_of_usual_residuals(estimate("empirical_likelihood", terms)) == 1
