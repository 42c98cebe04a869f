"""Sequential estimators: by hand, against known values over many logs, and their standard errors."""

import dataclasses
from statistics import NormalDist

import numpy as np
import pytest

from recenv.ope import estimate
from recenv.ope.magic import smallest_on_simplex
from recenv.ope.marginal_ratio import marginal_ratios
from recenv.ope.trajectory_terms import TrajectoryTerms

from .mdp import HORIZON, LOGGING, MOVE, START, TARGET, draw, make_terms, value, values

REPETITIONS, EPISODES, GAMMA = 600, 200, 0.9
MARGINAL = tuple(f"state{mid}_marginal_{end}" for mid in ("", "_action") for end in ("is", "snis", "dr", "sndr"))


@pytest.fixture
def two():
    """Two episodes of two steps with ratios (1/2, 2) and (2, 1)."""
    return TrajectoryTerms(
        reward=[[1.0, 2.0], [3.0, 0.0]],
        propensity=[[0.5, 0.5], [0.25, 0.5]],
        target=[[0.25, 1.0], [0.5, 0.5]],
        q_logged=[[1.0, 1.0], [2.0, 1.0]],
        q_target=[[2.0, 1.0], [2.0, 0.0]],
        state_marginal_ratio=[[1.0, 0.5], [1.0, 1.5]],
        state_action_marginal_ratio=[[0.5, 1.0], [2.0, 1.5]],
        gamma=0.5,
    )


@pytest.mark.parametrize(
    ("name", "hyper", "wanted"),
    [
        ("tis", {}, (1 * 2 + 2 * 3) / 2),
        ("tis", {"gamma": 1.0}, (1 * 3 + 2 * 3) / 2),
        ("sntis", {}, (1 * 2 + 2 * 3) / 3),
        ("pdis", {}, (0.5 + 0.5 * 1 * 2 + 2 * 3) / 2),
        ("snpdis", {}, (0.5 + 6) / 2.5 + 0.5 * 2 / 3),
        ("fqe", {}, 2.0),
        # step 0: 0.5 * 0 + 2 * 1 + values 2 + 2; step 1, halved: 1 * 1 + 2 * -1 + values 0.5 * 1 + 2 * 0
        ("sequential_dr", {}, ((2 + 4) + 0.5 * (-1 + 0.5)) / 2),
        ("wdr", {}, 2 / 2.5 + 2 + 0.5 * (-1 / 3 + 0.5 / 2.5)),
        ("state_marginal_is", {}, (0.5 + 6 + 0.5 * (0.5 * 2 * 2)) / 2),
        ("state_marginal_is", {"k": 1}, (0.5 + 6 + 0.5 * (1.0 * 0.5 * 2 * 2)) / 2),
        ("state_action_marginal_is", {}, (0.5 + 6 + 0.5 * (1.0 * 2)) / 2),
        ("state_action_marginal_is", {"k": 5}, (0.5 + 1 + 6) / 2),
        ("state_action_marginal_snis", {}, 6.5 / 2.5 + 0.5 * 2 / 2.5),
        ("drl", {}, ((2 + 4) + 0.5 * (1 * 1 + 1.5 * -1 + 0.5)) / 2),
    ],
)
def test_values_by_hand(two, name, hyper, wanted):
    assert estimate(name, two, **hyper).value == pytest.approx(wanted, rel=1e-12)


def test_the_value_after_a_cut_session_counts_for_the_model(two):
    more = dataclasses.replace(two, final_value=np.array([4.0, 0.0]))
    gained = 0.5**2 * 1.0 * 4.0 / 2
    assert estimate("sequential_dr", more).value == pytest.approx(estimate("sequential_dr", two).value + gained)
    assert estimate("pdis", more).value == estimate("pdis", two).value


def test_one_step_is_the_bandit_case(rng):
    from recenv.ope import BanditTerms

    drawn = draw(rng, 60, horizon=1)
    terms = make_terms(drawn)
    flat = {name: getattr(terms, name)[:, 0] for name in ("reward", "propensity", "target", "q_logged", "q_target")}
    bandit = BanditTerms(**flat)
    for name, simple in (("tis", "ips"), ("pdis", "ips"), ("sntis", "snips"), ("sequential_dr", "dr")):
        assert estimate(name, terms).value == pytest.approx(estimate(simple, bandit).value, rel=1e-12)
        assert estimate(name, terms).std_error == pytest.approx(estimate(simple, bandit).std_error, rel=1e-9)
    assert estimate("snpdis", terms).value == pytest.approx(estimate("snips", bandit).value, rel=1e-12)


@pytest.fixture(scope="module")
def logs():
    rng = np.random.default_rng(8)
    q, v = values(TARGET, GAMMA)
    wrong = (q * 0.8 + 0.3, v * 0.8 + 0.3)
    result = []
    for _ in range(REPETITIONS):
        drawn = draw(rng, EPISODES)
        terms = make_terms(drawn, GAMMA, wrong)
        ratios = exact_ratios(drawn)
        result.append(
            dataclasses.replace(terms, state_marginal_ratio=ratios, state_action_marginal_ratio=ratios * terms.ratio)
        )
    return result


def exact_ratios(drawn):
    state, _, reward, length = drawn
    valid, result = np.arange(HORIZON) < length[:, None], np.ones_like(reward)
    logging, target = START, START
    for t in range(HORIZON):
        ratio = target / logging
        left = (1 - target.sum()) / (1 - logging.sum()) if t else 1.0
        result[:, t] = np.where(valid[:, t], ratio[state[:, t]], left)
        logging, target = (
            np.einsum("s,sa,sax->x", now, by, MOVE) for now, by in ((logging, LOGGING), (target, TARGET))
        )
    return result


UNBIASED = (
    "tis",
    "pdis",
    "sequential_dr",
    *(f"{name}_{end}" for name in ("state_marginal", "state_action_marginal") for end in ("is", "dr")),
    "drl",
)


def p_values(logs, names, **hyper):
    truth, result = value(gamma=GAMMA), {}
    for name in names:
        found = np.array([estimate(name, terms, **hyper).value for terms in logs])
        z = (found.mean() - truth) / (found.std(ddof=1) / np.sqrt(len(found)))
        result[name] = 2 * NormalDist().cdf(-abs(z))
    return result


def holm(p):
    """Return the smallest p-value after Holm's correction (all others are larger)."""
    return min(p.values()) * len(p)


def test_unbiased_estimators_centre_on_the_true_value(logs):
    assert holm(p_values(logs, UNBIASED)) > 0.01


def test_the_same_test_sees_a_bias(logs):
    assert holm(p_values(logs, ("fqe",))) < 1e-6
    shifted = [dataclasses.replace(terms, propensity=np.minimum(terms.propensity * 1.05, 1.0)) for terms in logs]
    assert max(p_values(shifted, ("tis", "pdis")).values()) < 1e-6


@pytest.mark.parametrize(
    "name", [*UNBIASED, "sntis", "snpdis", "wdr", *(name for name in MARGINAL if "_sn" in name), "dual_dice"]
)
def test_standard_errors_are_the_spread_over_logs(logs, name):
    results = [estimate(name, terms) for terms in logs]
    spread = np.std([result.value for result in results], ddof=1)
    assert np.mean([result.std_error for result in results]) == pytest.approx(spread, rel=0.12)
    assert abs(np.mean([result.value for result in results]) - value(gamma=GAMMA)) < 0.2 * spread


def test_intervals_of_weighted_estimators_cover(logs):
    truth = value(gamma=GAMMA)
    for name in ("snpdis", "wdr", "dual_dice"):
        results = [estimate(name, terms) for terms in logs]
        covered = np.mean([abs(result.value - truth) < 1.972 * result.std_error for result in results])
        assert 0.92 < covered < 0.975


def test_influence_is_the_derivative_by_an_episodes_weight(rng):
    """Doubling an episode in the log moves the estimate by its influence / n, to first order."""
    drawn = draw(rng, 400)
    terms = make_terms(drawn, GAMMA)
    for name in ("snpdis", "wdr", "return_variance"):
        whole = estimate(name, terms)
        for row in (0, 7, 11):
            twice = np.append(np.arange(400), row)
            more = estimate(name, make_terms(tuple(part[twice] for part in drawn), GAMMA))
            assert more.value - whole.value == pytest.approx(whole.influence[row] / 400, rel=0.05, abs=1e-5)


def test_an_exact_model_makes_dr_sharper(rng):
    terms = make_terms(draw(rng, 2_000), GAMMA)
    assert estimate("sequential_dr", terms).std_error < 0.9 * estimate("pdis", terms).std_error


def test_shorter_memory_has_less_variance(logs):
    errors = [estimate("state_marginal_is", logs[0], k=k).std_error for k in range(HORIZON)]
    assert errors[0] < errors[-1]
    assert estimate("state_marginal_is", logs[0], k=HORIZON).value == pytest.approx(estimate("pdis", logs[0]).value)
    with pytest.raises(ValueError, match="k must be a whole number of steps"):
        estimate("state_marginal_is", logs[0], k=-1)


def test_no_overlap_at_a_later_step_is_never_a_confident_number(two):
    none = dataclasses.replace(two, target=np.array([[0.25, 0.0], [0.5, 0.0]]))
    for name in ("tis", "pdis", "snpdis", "sequential_dr", "wdr"):
        result = estimate(name, none)
        assert np.isnan(result.value)
        assert result.std_error == np.inf
    assert np.isfinite(estimate("magic", none).value)


def test_magic_takes_the_model_when_it_is_right_and_the_weights_when_it_is_not(rng):
    drawn = draw(rng, 3_000)
    right = make_terms(drawn, GAMMA)
    q, v = values(TARGET, GAMMA)
    wrong = make_terms(drawn, GAMMA, (q + 3, v + 3))
    assert estimate("magic", right).std_error < 0.5 * estimate("wdr", right).std_error
    assert estimate("magic", wrong).value == pytest.approx(estimate("wdr", wrong).value, abs=0.1)
    assert abs(estimate("fqe", wrong).value - value(gamma=GAMMA)) > 2


def test_the_simplex_solver_finds_the_smallest(rng):
    factor = rng.normal(size=(5, 5))
    matrix = factor @ factor.T
    best = smallest_on_simplex(matrix)
    assert best.sum() == pytest.approx(1)
    assert best.min() >= 0
    others = rng.dirichlet(np.ones(5), size=2_000)
    assert best @ matrix @ best <= np.einsum("ij,jk,ik->i", others, matrix, others).min() + 1e-12


def test_estimated_ratios_approach_the_exact_ones(rng):
    drawn = draw(rng, 40_000)
    terms = make_terms(drawn)
    found = marginal_ratios(terms.state, terms.ratio, terms.valid)
    assert np.abs(found.state - exact_ratios(drawn)).max() < 0.06
    onehot = np.eye(3)[terms.state][:, :, 1:]
    linear = marginal_ratios(onehot, terms.ratio, terms.valid)
    np.testing.assert_allclose(linear.state, found.state, atol=1e-6)


def test_dice_solves_the_flow_equations(rng):
    terms = make_terms(draw(rng, 500))
    found = marginal_ratios(terms.state, terms.ratio, terms.valid)
    for t in range(1, HORIZON):
        for state in range(3):
            here = terms.valid[:, t] & (terms.state[:, t] == state)
            assert (found.state_action[:, t - 1] * here).mean() == pytest.approx((found.state[:, t] * here).mean())


def test_dice_needs_no_propensity_where_items_are_given(rng):
    terms = make_terms(draw(rng, 4_000), GAMMA)
    ruined = dataclasses.replace(terms, propensity=np.full(terms.reward.shape, 0.5))
    assert estimate("dual_dice", ruined).value == estimate("dual_dice", terms).value
    result = estimate("dual_dice", terms)
    assert abs(result.value - value(gamma=GAMMA)) < 4 * result.std_error
    known = estimate("dual_dice", dataclasses.replace(terms, action=None))
    assert result.std_error < known.std_error < estimate("pdis", terms).std_error


def test_bounds_hold_for_unbiased_returns(rng):
    from recenv.ope import interval

    state, item, _, length = draw(rng, 2_000)
    reward = (rng.random(state.shape) < 0.3) * (np.arange(HORIZON) < length[:, None])
    terms = make_terms((state, item, reward, length), reward_range=(0.0, 1.0), weight_max=20.0)
    for method in ("hoeffding", "empirical_bernstein"):
        low, high = interval(estimate("pdis", terms), method)
        assert low < estimate("pdis", terms).value < high
    with pytest.raises(ValueError, match="does not apply to snpdis"):
        interval(estimate("snpdis", terms), "hoeffding")
