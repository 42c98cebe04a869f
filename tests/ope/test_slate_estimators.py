import numpy as np
import pytest

from recenv.ope import SlateTerms, estimate, interval

WHOLE = {"propensity": [0.25, 0.5], "target": [0.5, 0.25]}
POSITION = {"propensity_position": [[0.5, 0.5], [1.0, 0.5]], "target_position": [[1.0, 0.25], [0.5, 0.5]]}
PREFIX = {"propensity_prefix": [[0.5, 0.25], [1.0, 0.5]], "target_prefix": [[0.5, 0.5], [0.5, 0.25]]}
MODEL = {"q_logged": [[1.0, 0.0], [2.0, 1.0]], "q_target": [[2.0, 1.0], [1.0, 2.0]]}


def make(**changes):
    """Two slates; whole weights 2 and 1/2, by position [2 .5] and [.5 1], of prefixes [1 2] and [.5 .5]."""
    columns = {"reward": [[1.0, 2.0], [0.0, 4.0]], **WHOLE, **POSITION, **PREFIX, **MODEL, "pi_weight": [1.5, -0.5]}
    return SlateTerms(**{**columns, **changes})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sips", (2 * 3 + 0.5 * 4) / 2),
        ("snsips", (2 * 3 + 0.5 * 4) / 2.5),
        ("iips", (2 * 1 + 0.5 * 2 + 0 + 1 * 4) / 2),
        ("sniips", 2 / 2.5 + 5 / 1.5),
        ("rips", (1 * 1 + 2 * 2 + 0 + 0.5 * 4) / 2),
        ("snrips", 1 / 1.5 + 6 / 2.5),
        ("pi", (1.5 * 3 - 0.5 * 4) / 2),
        ("sn_pi", (1.5 * 3 - 0.5 * 4) / 1),
        ("cascade_dr", (2 + 0 + 1 + 4 + 1 - 1 + 0.5 * 2 + 0.5 * 3) / 2),
        ("sn_cascade_dr", 3 / 2 + (0 - 1) / 1.5 + (1 + 1) / 1.5 + (4 + 1.5) / 2.5),
    ],
)
def test_values_reckoned_by_hand(name, value):
    terms = make(target_prefix=[[0.5, 0.5], [0.5, 0.25]])
    assert estimate(name, terms).value == pytest.approx(value, rel=1e-12)
    assert estimate(name, terms).influence.mean() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", ["snsips", "sniips", "snrips", "sn_pi"])
def test_self_normalised_influence_is_the_derivative_by_a_rows_share(name, rng):
    n, h = 30, 1e-5
    columns = {
        "reward": rng.normal(size=(n, 2)),
        "propensity": rng.uniform(0.1, 0.2, n),
        "target": rng.uniform(0, 0.2, n),
        "propensity_position": rng.uniform(0.2, 1, (n, 2)),
        "target_position": rng.uniform(0, 1, (n, 2)),
        "propensity_prefix": np.sort(rng.uniform(0.2, 1, (n, 2)))[:, ::-1],
        "target_prefix": np.sort(rng.uniform(0, 1, (n, 2)))[:, ::-1],
        "pi_weight": rng.normal(1, 1, n),
    }
    columns["propensity"], columns["target"] = columns["propensity_prefix"][:, 1], columns["target_prefix"][:, 1]
    whole = estimate(name, SlateTerms(**columns))
    copies = np.r_[np.tile(np.arange(n), round(1 / h / n)), 3]  # row 3 counts a little more
    more = estimate(name, SlateTerms(**{key: array[copies] for key, array in columns.items()}))
    moved = (more.value - whole.value) * len(copies)
    assert moved == pytest.approx(whole.influence[3], rel=1e-2, abs=1e-3)


def test_agreeing_policies_earn_what_was_logged(rng):
    reward = rng.random((50, 3))
    prefix = np.sort(rng.uniform(0.1, 1, (50, 3)), axis=1)[:, ::-1]
    same = SlateTerms(
        reward,
        prefix[:, -1],
        prefix[:, -1],
        prefix,
        prefix,
        prefix,
        prefix,
        np.ones(50),
        np.zeros((50, 3)),
        np.zeros((50, 3)),
    )
    for name in ("sips", "snsips", "iips", "sniips", "rips", "snrips", "pi", "sn_pi", "cascade_dr", "sn_cascade_dr"):
        assert estimate(name, same).value == pytest.approx(reward.sum(axis=1).mean())


def test_the_effective_size_is_that_of_the_worst_position():
    assert estimate("iips", make()).ess == pytest.approx(min(2.5**2 / 4.25, 1.5**2 / 1.25))
    assert estimate("sips", make()).ess == pytest.approx(2.5**2 / 4.25)


def test_a_position_without_overlap_is_no_number():
    lost = make(target_position=[[1.0, 0.0], [0.5, 0.0]])
    result = estimate("iips", lost)
    assert np.isnan(result.value)
    assert result.std_error == np.inf
    assert np.isfinite(estimate("sips", lost).value)


def test_one_slate_shows_no_spread():
    one = SlateTerms(reward=[[1.0, 0.0]], propensity=[0.5], target=[0.5])
    assert estimate("sips", one).value == 1.0
    assert estimate("sips", one).std_error == np.inf


def test_bounds_know_that_a_slate_earns_several_rewards(rng):
    terms = SlateTerms(
        rng.integers(2, size=(200, 2)), np.full(200, 0.5), np.full(200, 0.5), reward_range=(0, 1), weight_max=2
    )
    low, high = interval(estimate("sips", terms), "hoeffding")
    assert high - low == pytest.approx(2 * 4 * np.sqrt(np.log(40) / 400))


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("sips", "target"),
        ("iips", "propensity_position"),
        ("rips", "target_prefix"),
        ("pi", "pi_weight"),
        ("cascade_dr", "q_target"),
    ],
)
def test_a_missing_field_is_named(name, missing):
    with pytest.raises(ValueError, match=rf"{name} needs terms\.{missing}, which is missing"):
        estimate(name, make(**{missing: None}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reward": [[1.0, np.nan], [0.0, 4.0]]}, "reward must be finite; row 0, position 1, has nan"),
        ({"reward": [1.0, 2.0]}, r"reward must be \(n, K\)"),
        ({"reward": np.zeros((0, 2)), "target": None}, "reward is empty"),
        ({"propensity": [0.25, 0.0]}, r"propensity must be in \(0, 1\]; row 1 has 0\.0"),
        ({"propensity": [0.25, 1.5]}, r"propensity must be in \(0, 1\]; row 1 has 1\.5"),
        ({"propensity_position": [[0.5, 0.5], [1.0, 0.0]]}, "propensity_position .* row 1, position 1, has 0"),
        (
            {"target_prefix": [[0.5, 0.6], [0.5, 0.25]]},
            "target_prefix must not grow along the slate; row 0, position 1",
        ),
        ({"propensity": [0.3, 0.5]}, "propensity must equal the last column of propensity_prefix; row 0 has 0.3"),
        ({"target_position": [[1.0], [0.5]]}, r"target_position must have reward's shape \(2, 2\), not \(2, 1\)"),
        ({"target": [0.5]}, "target has 1 rows, reward has 2"),
        ({"pi_weight": [1.0, np.inf]}, "pi_weight must be finite; row 1 has inf"),
        ({"weight_max": 1.0}, "weight must be at most weight_max 1.0; row 0 has 2.0"),
        ({"weight_max": 1.0, "target": None, "target_prefix": None}, "weight_max needs terms.propensity"),
    ],
)
def test_unusable_slates_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)
