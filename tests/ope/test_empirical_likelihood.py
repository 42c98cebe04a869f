import numpy as np
import pytest

from recenv.ope import BanditTerms, empirical_likelihood_interval, estimate

from .bandit import LOGGING, TARGET, VALUE, draw


def terms_of(context, item, reward, **changes):
    return BanditTerms(reward, LOGGING[context, item], TARGET[context, item], reward_range=(0.0, 1.0), **changes)


@pytest.fixture(scope="module")
def logs():
    rng = np.random.default_rng(12)
    return [terms_of(*draw(rng, 300)) for _ in range(500)]


def test_it_is_the_constrained_maximum_of_the_likelihood(rng):
    """Against a solver that knows nothing of the dual."""
    from scipy.optimize import minimize

    terms = terms_of(*draw(rng, 12))
    weight = terms.weight
    found = minimize(
        lambda p: -np.log(p).sum(),
        np.full(12, 1 / 12),
        bounds=[(1e-9, 1)] * 12,
        constraints=[
            {"type": "eq", "fun": lambda p: p.sum() - 1},
            {"type": "eq", "fun": lambda p: p @ weight - 1},
        ],
        options={"ftol": 1e-14, "maxiter": 1_000},
    )
    assert estimate("empirical_likelihood", terms).value == pytest.approx(found.x @ (weight * terms.reward), abs=1e-5)


def test_a_largest_weight_leaves_room_for_rows_that_were_not_seen():
    """All weights are 1/2: the other half of the weight is elsewhere, and earns the mean logged reward."""
    terms = BanditTerms([1.0, 0.0], [1.0, 1.0], [0.5, 0.5], weight_max=2.0)
    assert estimate("empirical_likelihood", terms).value == pytest.approx(0.5)


def test_it_is_consistent_and_as_sharp_as_the_normalised_estimate(logs):
    found = np.array([estimate("empirical_likelihood", terms).value for terms in logs])
    other = np.array([estimate("snips", terms).value for terms in logs])
    assert abs(found.mean() - VALUE) < 4 * found.std() / np.sqrt(len(logs)) + 1 / 300
    assert found.std() < 1.02 * other.std()


def test_standard_errors_are_the_spread_over_logs(logs):
    results = [estimate("empirical_likelihood", terms) for terms in logs]
    assert np.mean([one.std_error for one in results]) == pytest.approx(np.std([o.value for o in results]), rel=0.1)


def test_the_influence_is_the_derivative_by_a_rows_share(rng):
    terms = terms_of(*draw(rng, 40))
    whole = estimate("empirical_likelihood", terms)
    copies = np.r_[np.tile(np.arange(40), 2_000), 3]
    moved = (estimate("empirical_likelihood", terms.take(copies)).value - whole.value) * len(copies)
    assert moved == pytest.approx(whole.influence[3], rel=1e-2)


def test_intervals_cover_as_often_as_they_claim_and_stay_within_the_rewards(logs):
    found = np.array([empirical_likelihood_interval(terms) for terms in logs])
    assert 0.92 < np.mean((found[:, 0] <= VALUE) & (found[:, 1] >= VALUE)) < 0.98
    assert found.min() >= 0
    assert found.max() <= 1


def test_the_interval_is_the_range_of_nearly_as_likely_values(rng):
    """Against a solver that knows nothing of the dual: the largest value with likelihood ratio exp(-chi2 / 2)."""
    from scipy.optimize import minimize

    terms = terms_of(*draw(rng, 14))
    weight, reward = terms.weight, terms.reward
    top = weight.max()
    support_w = np.r_[weight, 0.0, top, top]  # what may be out there besides the rows
    support_r = np.r_[reward, 0.0, 0.0, 1.0]
    best = -14 * np.log(14) - _loss_at_best(terms)

    def value(p):
        return p @ (support_w * support_r)

    constraints = [
        {"type": "eq", "fun": lambda p: p.sum() - 1},
        {"type": "eq", "fun": lambda p: p @ support_w - 1},
        {"type": "ineq", "fun": lambda p: np.log(p[:14]).sum() - best + 3.841458820694124 / 2},
    ]
    start = np.r_[np.full(14, 1 / 14), 1e-6, 1e-6, 1e-6]
    limits = []
    for sign in (1, -1):
        found = minimize(
            lambda p, sign=sign: sign * value(p),
            start,
            bounds=[(1e-9, 1)] * 14 + [(0, 1)] * 3,
            constraints=constraints,
            options={"ftol": 1e-13, "maxiter": 2_000},
        )
        limits.append(value(found.x))
    np.testing.assert_allclose(empirical_likelihood_interval(terms), limits, atol=2e-4)


def _loss_at_best(terms):
    from recenv.ope.empirical_likelihood import multiplier

    beta, _ = multiplier(terms.weight, None)
    return np.log(1 + beta * (terms.weight - 1)).sum()


def test_users_who_repeat_widen_the_interval(rng):
    context, item, reward = draw(rng, 200)
    twice = np.repeat(np.arange(200), 4)
    low, high = empirical_likelihood_interval(terms_of(context, item, reward))
    repeated = terms_of(context[twice], item[twice], reward[twice], cluster=twice)
    found = empirical_likelihood_interval(repeated)
    assert found[1] - found[0] == pytest.approx(high - low, rel=0.05)


def test_no_overlap_knows_nothing():
    lost = BanditTerms([1.0, 0.0], [0.5, 0.5], [0.0, 0.0], reward_range=(0, 1))
    assert np.isnan(estimate("empirical_likelihood", lost).value)
    assert empirical_likelihood_interval(lost) == (-np.inf, np.inf)


def test_an_interval_needs_the_range_of_the_rewards(terms):
    with pytest.raises(ValueError, match=r"needs terms\.reward_range"):
        empirical_likelihood_interval(terms())
    with pytest.raises(ValueError, match="confidence must be between 0 and 1, not 95"):
        empirical_likelihood_interval(terms(reward_range=(0, 2)), confidence=95)
