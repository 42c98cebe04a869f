import numpy as np
import pytest

from recenv.ope import BanditTerms, estimate

from .mdp import draw, make_terms

REPETITIONS = 400


@pytest.fixture
def four():
    """Rewards 1, 2, 3, 4 with weights 1, 2, 1, 0."""
    ones = np.full(4, 0.5)
    return BanditTerms(reward=[3.0, 1.0, 2.0, 4.0], propensity=ones, target=[0.5, 0.5, 1.0, 0.0])


@pytest.mark.parametrize(
    ("name", "hyper", "wanted"),
    [
        ("reward_cdf", {"at": 1.0}, 0.25),
        ("reward_cdf", {"at": 2.5}, 0.75),
        ("reward_cdf", {"at": 9.0}, 1.0),
        ("reward_variance", {}, 0.5),
        ("reward_quantile", {"level": 0.25}, 1.0),
        ("reward_quantile", {"level": 0.26}, 2.0),
        ("reward_quantile", {"level": 1.0}, 3.0),
        ("reward_cvar", {"level": 0.25}, 1.0),
        ("reward_cvar", {"level": 0.5}, 5 / 3),
        ("reward_cvar", {"level": 1.0}, 2.0),
    ],
)
def test_values_by_hand(four, name, hyper, wanted):
    assert estimate(name, four, **hyper).value == pytest.approx(wanted)


def test_the_estimand_is_said(four, rng):
    assert estimate("reward_variance", four).estimand == "reward_variance"
    assert estimate("return_cvar", make_terms(draw(rng, 50)), level=0.1).estimand == "return_cvar"


@pytest.mark.parametrize("level", [0.0, 1.2, -1.0])
def test_a_level_outside_its_range_is_refused(four, level):
    for name in ("reward_quantile", "reward_cvar"):
        with pytest.raises(ValueError, match=r"level must be in \(0, 1\]"):
            estimate(name, four, level=level)


def test_a_whole_tail_is_the_mean(rng):
    terms = make_terms(draw(rng, 200), 0.9)
    assert estimate("return_cvar", terms, level=1.0).value == pytest.approx(estimate("sntis", terms).value)
    assert estimate("return_cvar", terms, level=1.0, gamma=1.0).value == pytest.approx(
        estimate("sntis", terms, gamma=1.0).value
    )


def test_no_overlap_is_not_a_number(four):
    none = BanditTerms(four.reward, four.propensity, np.zeros(4))
    for name, hyper in (("cdf", {"at": 1}), ("variance", {}), ("quantile", {"level": 0.5}), ("cvar", {"level": 0.5})):
        assert np.isnan(estimate(f"reward_{name}", none, **hyper).value)


@pytest.mark.parametrize(
    ("name", "hyper"),
    [
        ("return_cdf", {"at": 2.0}),
        ("return_variance", {}),
        ("return_quantile", {"level": 0.5}),
        ("return_quantile", {"level": 0.1}),
        ("return_cvar", {"level": 0.1}),
    ],
)
def test_standard_errors_are_the_spread_over_logs(name, hyper):
    rng = np.random.default_rng(3)
    results = [estimate(name, make_terms(draw(rng, 500)), **hyper) for _ in range(REPETITIONS)]
    spread = np.std([result.value for result in results], ddof=1)
    assert np.mean([result.std_error for result in results]) == pytest.approx(spread, rel=0.15)
