import numpy as np
import pytest

from recenv.ope import BanditTerms, estimate
from recenv.ope.confidence_sequence import confidence_sequence, sequence_interval

LOGGING = np.array([0.1, 0.2, 0.3, 0.4])
TARGET = np.array([0.6, 0.2, 0.1, 0.1])
CHANCE = np.array([0.3, 0.2, 0.5, 0.7])
VALUE = float(TARGET @ CHANCE)


def ips(rng, rows, **changes):
    item = rng.choice(4, rows, p=LOGGING)
    reward = (rng.random(rows) < CHANCE[item]).astype(float)
    bounds = {"reward_range": (0, 1), "weight_max": 6.0}
    return estimate("ips", BanditTerms(reward, LOGGING[item], TARGET[item], **{**bounds, **changes}))


def test_it_holds_at_every_time_at_once(rng):
    """Of 200 sequences with confidence 0.8, at most 40 are expected to fail; more than 58 has probability 0.001."""
    failed = 0
    for _ in range(200):
        sequence = confidence_sequence(ips(rng, 400), confidence=0.8)
        failed += bool((sequence.lower > VALUE).any() or (sequence.upper < VALUE).any())
    assert failed <= 58


def test_it_narrows_towards_the_value(rng):
    sequence = confidence_sequence(ips(rng, 100_000), confidence=0.95)
    assert (np.diff(sequence.lower) >= 0).all()
    assert (np.diff(sequence.upper) <= 0).all()
    assert sequence.lower[-1] < VALUE < sequence.upper[-1]
    assert sequence.upper[-1] - sequence.lower[-1] < 0.1 < sequence.upper[1_000] - sequence.lower[1_000]


def test_the_lower_bound_does_not_pay_for_the_largest_weight(rng):
    small, large = (
        sequence_interval(ips(np.random.default_rng(1), 20_000, weight_max=most), confidence=0.95)
        for most in (6.0, 60.0)
    )
    assert large[0] == pytest.approx(small[0], abs=0.03)
    assert large[1] > small[1]


def test_by_hand_for_two_rows():
    """Range 0 to 1 and delta = 2/e, so that log(2 / delta) is 1; both rows are 1."""
    result = estimate("ips", BanditTerms([1.0, 1.0], np.ones(2), np.ones(2), reward_range=(0, 1), weight_max=1.0))
    sequence = confidence_sequence(result, confidence=1 - 2 / np.e)
    psi = np.log(2) - 0.5  # both bets are capped at a stake of 1/2
    assert sequence.upper[0] == 1
    assert sequence.lower[0] == pytest.approx(0)  # center .5: (1 - psi - 1) / 1 is below the range
    eta = 0.5 / 0.75  # the center before the second row is (.5 + 1) / 2
    assert sequence.lower[1] == pytest.approx((1 + eta - psi - psi * (0.25 / 0.75) ** 2 - 1) / (1 + eta))


def test_users_with_many_rows_are_one_cluster_each(rng):
    user = np.repeat(np.arange(500), rng.integers(1, 9, 500))
    sequence = confidence_sequence(ips(rng, len(user), cluster=user), confidence=0.95)
    assert sequence.lower.shape == (500,)
    assert sequence.lower[-1] < VALUE < sequence.upper[-1]


def test_ratios_are_refused(rng):
    ratio = estimate("snips", BanditTerms([1.0], [1.0], [1.0], reward_range=(0, 1), weight_max=1.0))
    with pytest.raises(ValueError, match="confidence_sequence does not apply to snips"):
        confidence_sequence(ratio, confidence=0.95)
