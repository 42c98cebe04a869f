import numpy as np
import pytest
from scipy.optimize import linprog

from recenv.ope import BanditTerms, estimate
from recenv.ope.sensitivity import difference_sensitivity, value_sensitivity

LOGGING = np.array([0.1, 0.2, 0.3, 0.4])
TARGET = np.array([0.6, 0.2, 0.1, 0.1])
OTHER = np.full(4, 0.25)
CHANCE = np.array([0.7, 0.2, 0.5, 0.3])


def logs(rng, rows):
    item = rng.choice(4, rows, p=LOGGING)
    reward = (rng.random(rows) < CHANCE[item]) + rng.normal(0, 0.1, rows)
    return [BanditTerms(reward, LOGGING[item], policy[item]) for policy in (TARGET, OTHER)]


def solved(gain, shares, propensity, strength):
    """The same programme by an independent solver."""
    odds = 1 / propensity - 1
    box = np.stack([1 + odds / strength, 1 + odds * strength], axis=1)
    found = linprog(-gain / len(gain), A_eq=np.array(shares) / len(gain), b_eq=np.ones(len(shares)), bounds=box)
    return -found.fun


def test_bounds_are_those_of_the_linear_programme(rng):
    mine, other = logs(rng, 200)
    shares = [one.target / one.weight.mean() for one in (mine, other)]
    value = value_sensitivity(mine, strengths=(1.5, 3.0)).curve
    both = difference_sensitivity(mine, other, strengths=(1.5, 3.0)).curve
    for row, strength in enumerate((1.5, 3.0)):
        gain = mine.reward * shares[0]
        assert value[row].high == pytest.approx(solved(gain, shares[:1], mine.propensity, strength), abs=1e-7)
        assert value[row].low == pytest.approx(-solved(-gain, shares[:1], mine.propensity, strength), abs=1e-7)
        gain = mine.reward * (shares[0] - shares[1])
        assert both[row].high == pytest.approx(solved(gain, shares, mine.propensity, strength), abs=1e-7)


def test_without_confounding_it_is_the_self_normalised_estimate(rng):
    mine, other = logs(rng, 2_000)
    (only,) = value_sensitivity(mine, strengths=(1.0,)).curve
    snips = estimate("snips", mine)
    assert only.low == pytest.approx(snips.value, abs=1e-9)
    assert only.high - only.low == pytest.approx(0, abs=1e-9)
    assert only.upper - only.high == pytest.approx(1.96 * snips.std_error, rel=0.01)
    (gap,) = difference_sensitivity(mine, other, strengths=(1.0,)).curve
    assert gap.low == pytest.approx(snips.value - estimate("snips", other).value, abs=1e-9)


def test_bounds_widen_with_the_strength_and_hold_the_truth_under_a_known_confounder(rng):
    """A hidden coin makes the logger twice as likely to show item 0 and the reward higher."""
    rows, odds = 40_000, 4.0
    hidden = rng.random(rows) < 0.5
    nominal = 0.5
    high = np.sqrt(odds) / (1 + np.sqrt(odds))
    shown = rng.random(rows) < np.where(hidden, high, 1 - high)
    reward = (rng.random(rows) < np.where(shown, 0.5, 0.4) * np.where(hidden, 1.5, 0.5)).astype(float)
    truth = 0.5 - 0.4
    always, never = (BanditTerms(reward, np.full(rows, nominal), match.astype(float)) for match in (shown, ~shown))
    found = difference_sensitivity(always, never, strengths=(1.0, np.sqrt(odds), 4.0))
    width = [row.high - row.low for row in found.curve]
    assert width == sorted(width)
    assert found.curve[0].lower > truth + 0.05  # the naive interval misses it
    assert found.curve[1].low <= truth <= found.curve[1].high
    assert 1 < found.overturned_at <= found.point_overturned_at


def test_the_winner_changes_where_the_bound_crosses_zero(rng):
    mine, other = logs(rng, 3_000)
    found = difference_sensitivity(mine, other)
    at = found.point_overturned_at
    before, after = difference_sensitivity(mine, other, strengths=(at - 0.02, at)).curve
    assert before.low > 0 >= after.low
    assert found.overturned_at <= at


def test_misuse_is_refused(rng):
    mine, _ = logs(rng, 10)
    with pytest.raises(ValueError, match="odds ratios of 1 or more"):
        value_sensitivity(mine, strengths=(0.5,))
    with pytest.raises(ValueError, match="must have the rows of terms"):
        difference_sensitivity(mine, logs(rng, 10)[0])
    with pytest.raises(ValueError, match="nothing to bound"):
        value_sensitivity(BanditTerms(mine.reward, mine.propensity, np.zeros(10)))
