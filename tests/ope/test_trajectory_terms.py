import numpy as np
import pytest

from recenv.ope import estimate
from recenv.ope.tabular_model import TabularModel
from recenv.ope.trajectory_terms import TrajectoryTerms

from .mdp import HORIZON, Policy, draw, make_log, make_terms


def small(**changes):
    columns = {
        "reward": [[1.0, 2.0], [3.0, 0.0]],
        "propensity": [[0.5, 0.5], [0.25, 0.5]],
        "target": [[0.25, 1.0], [0.5, 0.5]],
    }
    return TrajectoryTerms(**{**columns, **changes})


def test_weights_are_products_of_ratios():
    terms = small()
    np.testing.assert_array_equal(terms.ratio, [[0.5, 2.0], [2.0, 1.0]])
    np.testing.assert_array_equal(terms.cumulative, [[0.5, 1.0], [2.0, 2.0]])
    np.testing.assert_array_equal(terms.weight, [1.0, 2.0])


def test_padding_earns_nothing_and_carries_the_weight_forward():
    nan = np.nan
    terms = small(
        reward=[[1.0, 2.0], [3.0, nan]],
        propensity=[[0.5, 0.5], [0.25, nan]],
        target=[[0.25, 1.0], [0.5, nan]],
        length=[2, 1],
    )
    np.testing.assert_array_equal(terms.cumulative, [[0.5, 1.0], [2.0, 2.0]])
    np.testing.assert_array_equal(terms.reward[1], [3.0, 0.0])
    assert estimate("pdis", terms).value == ((0.5 * 1 + 1 * 2) + 2 * 3) / 2


def test_terminated_and_truncated_are_apart():
    terms = small(length=[1, 1], reward=[[1.0, 0.0], [3.0, 0.0]], terminated=[True, False])
    assert terms.truncated.tolist() == [False, True]
    assert small(length=[1, 1], reward=[[1.0, 0.0], [3.0, 0.0]]).truncated.tolist() == [False, False]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reward": [1.0, 2.0]}, r"reward must be \(n, T\)"),
        ({"reward": np.zeros((0, 2))}, "reward is empty"),
        ({"reward": [[1.0, np.nan], [3.0, 0.0]]}, "reward must be finite; episode 0, step 1 has nan"),
        ({"reward": [[1.0, 2.0], [3.0, 1.0]], "length": [2, 1]}, "reward after an episode's end must be 0; episode 1"),
        ({"propensity": [[0.5, 0.5], [0.0, 0.5]]}, r"propensity must be in \(0, 1\]; episode 1, step 0 has 0.0"),
        ({"propensity": [[0.5, 1.5], [0.2, 0.5]]}, r"propensity must be in \(0, 1\]; episode 0, step 1 has 1.5"),
        ({"target": [[0.5, 0.5], [0.2, -0.5]]}, r"target must be in \[0, 1\]; episode 1, step 1"),
        ({"target": [[0.5, 0.5]]}, r"target must have reward's shape \(2, 2\); its shape is \(1, 2\)"),
        ({"length": [2, 3]}, "length must be from 1 to T = 2; episode 1 has 3"),
        ({"length": [2]}, r"length must be \(n,\)"),
        ({"gamma": 1.5}, r"gamma must be in \[0, 1\]"),
        ({"cluster": [1]}, r"cluster must be \(n,\)"),
        ({"state": [[0.5, 1.0], [1.0, 1.0]]}, "state must hold integer codes"),
        ({"state_marginal_ratio": [[1.0, -1.0], [1.0, 1.0]]}, "state_marginal_ratio must be finite and at least 0"),
        ({"reward_range": (0.0, 2.0)}, r"reward must lie in reward_range \[0.0, 2.0\]; episode 1, step 0"),
        ({"weight_max": 1.5}, "weight must be at most 1.5; episode 1, step 0"),
    ],
)
def test_unusable_arrays_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        small(**changes)


def test_a_missing_field_is_named():
    for name, field in (
        ("sequential_dr", "q_logged"),
        ("fqe", "q_target"),
        ("state_marginal_is", "state_marginal_ratio"),
        ("drl", "state_action_marginal_ratio"),
        ("dual_dice", "state"),
    ):
        with pytest.raises(ValueError, match=f"{name} needs terms.{field}, which is missing"):
            estimate(name, small())


def test_one_episode_has_an_estimate_but_no_error():
    terms = small(reward=[[1.0, 2.0]], propensity=[[0.5, 0.5]], target=[[0.25, 1.0]])
    result = estimate("pdis", terms)
    assert result.value == 2.5
    assert result.std_error == np.inf


def test_a_log_becomes_the_same_record(rng):
    drawn = draw(rng, 40)
    terms, wanted = TrajectoryTerms.from_feedback(make_log(drawn), Policy(), gamma=0.9, state="code"), make_terms(drawn)
    assert terms.steps == HORIZON
    np.testing.assert_array_equal(terms.length, wanted.length)
    np.testing.assert_array_equal(terms.reward, wanted.reward)
    np.testing.assert_allclose(terms.cumulative, wanted.cumulative, rtol=1e-12)
    assert terms.gamma == 0.9
    assert terms.state.shape == (40, HORIZON)


def test_from_feedback_fits_a_value_model(rng):
    drawn = draw(rng, 400)
    options = {"value_model": TabularModel(), "options": {"folds": 2}}
    terms = TrajectoryTerms.from_feedback(make_log(drawn), Policy(), **options)
    exact = make_terms(drawn)
    assert np.abs(terms.q_target - exact.q_target)[terms.valid].mean() < 0.3
    assert set(terms.fold) == {0, 1}


def test_a_horizon_cuts_the_sessions(rng):
    log = make_log(draw(rng, 50))
    terms = TrajectoryTerms.from_feedback(log, Policy(), horizon=2)
    assert terms.steps == 2
    assert not terms.truncated.any()
    assert (
        TrajectoryTerms.from_feedback(log, Policy(), horizon=6).truncated.sum()
        == (terms.length == 2).sum()
        - (make_terms(draw(np.random.default_rng(20261), 50)).length < 4)[terms.length == 2].sum()
    )


def test_gaps_and_mixed_users_are_refused(rng):
    log = make_log(draw(rng, 20))
    long = log.episode[log.step == 2][0]
    holed = log.subset(~((log.episode == long) & (log.step == 1)))
    with pytest.raises(ValueError, match=f"episode {long} has a gap: row .* is its step 2 where step 1 should be"):
        TrajectoryTerms.from_feedback(holed, Policy())
    user = np.where(log.step == 2, 99, log.user)
    with pytest.raises(ValueError, match=f"episode {long} has two users"):
        TrajectoryTerms.from_feedback(make_log(draw(np.random.default_rng(20261), 20), user=user), Policy())
