"""Fitted Q evaluation against the solved process, and what it may and may not look at."""

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from recenv.ope.episode_sample import sample_episodes
from recenv.ope.episode_states import episode_states
from recenv.ope.fitted_q import fit_q
from recenv.ope.reward_models import model_factory
from recenv.ope.tabular_model import TabularModel

from .mdp import HORIZON, ITEMS, STATES, TARGET, Policy, draw, make_log, values

GAMMA = 0.9


def all_pairs(model, rows=STATES):
    return model.predict_all(np.eye(STATES, dtype=np.float32), np.tile(np.arange(ITEMS), (rows, 1)))


def empirical(log):
    """Return MOVE and REWARD as the log itself shows them, from rows whose next state is known."""
    state, item = log.observation["features"].argmax(axis=1), log.item
    follows = np.append((np.diff(log.episode) == 0), False)
    known = follows | log.terminated
    move, count, total, first = (np.zeros((STATES, ITEMS)) for _ in range(4))
    jump = np.zeros((STATES, ITEMS, STATES))
    np.add.at(count, (state[known], item[known]), 1)
    np.add.at(total, (state[known], item[known]), log.reward[known])
    rows = np.flatnonzero(follows)
    np.add.at(jump, (state[rows], item[rows], state[rows + 1]), 1)
    move = jump / count[:, :, None]
    np.add.at(first, (state, item), log.reward)
    all_count = np.zeros((STATES, ITEMS))
    np.add.at(all_count, (state, item), 1)
    return move, total / count, first / all_count


@pytest.mark.parametrize("model", [TabularModel(), DecisionTreeRegressor()])
def test_it_solves_the_process_of_the_log_exactly(rng, model):
    log = make_log(draw(rng, 300))
    features = np.eye(ITEMS) if isinstance(model, DecisionTreeRegressor) else None
    fitted = fit_q(log, Policy(), model_factory(model, features), horizon=HORIZON, gamma=GAMMA, folds=1)
    move, reward, one_step = empirical(log)
    after = (TARGET * one_step).sum(axis=1)
    np.testing.assert_allclose(all_pairs(fitted.models[0][0]), one_step, rtol=1e-6)
    for steps in range(2, HORIZON + 1):
        q = reward + GAMMA * move @ after
        np.testing.assert_allclose(all_pairs(fitted.models[0][steps - 1]), q, rtol=1e-6)
        after = (TARGET * q).sum(axis=1)


def test_it_approaches_the_true_values(rng):
    fitted = fit_q(make_log(draw(rng, 40_000)), Policy(), TabularModel, horizon=HORIZON, gamma=GAMMA, folds=1)
    q = values(TARGET, GAMMA)[0]
    for steps in range(1, HORIZON + 1):
        np.testing.assert_allclose(all_pairs(fitted.models[0][steps - 1]), q[HORIZON - steps], atol=0.08)


def test_nothing_follows_a_termination_and_truncation_goes_on(rng):
    """One state, reward 1: leaving is worth 1, being cut is worth the steps to go."""
    for terminated, wanted in ((True, 1.0), (False, 3.0)):
        n, ones = 20, np.ones((20, 3), dtype=np.float32)
        log = make_log(
            (np.zeros((n, 1), int), np.zeros((n, 1), int), np.ones((n, 1)), np.ones(n, int)),
            terminated=np.full(n, terminated),
            truncated=np.full(n, not terminated),
            observation={"features": ones},
            next_observation={"features": ones},
        )
        fitted = fit_q(log, Policy(), TabularModel, horizon=3, folds=2)
        assert fitted.models[0][2].predict(ones, np.zeros(n, int)) == pytest.approx(np.full(n, wanted))


def test_the_observation_after_a_cut_session_is_asked_for(rng):
    log = make_log(draw(rng, 30))
    following = {name: array[::-1].copy() for name, array in log.observation.items()}
    log = make_log(draw(np.random.default_rng(20261), 30), next_observation=following)
    states = episode_states(log)
    cut = np.flatnonzero(log.truncated)
    assert len(cut) > 0
    assert states.log.rows == log.rows + len(cut)
    np.testing.assert_array_equal(states.log.observation["code"][states.follows[cut]], following["code"][cut])
    inside = np.flatnonzero(np.diff(log.episode) == 0)
    np.testing.assert_array_equal(
        states.log.observation["code"][states.follows[inside]], log.observation["code"][inside + 1]
    )
    assert not states.unknown.any()
    assert (states.follows[log.terminated] == -1).all()
    without = episode_states(make_log(draw(np.random.default_rng(20261), 30)))
    np.testing.assert_array_equal(without.unknown, log.truncated)


def test_no_user_is_predicted_by_a_model_that_has_seen_it(rng):
    log = make_log(draw(rng, 60))
    seen = []

    class Spy(TabularModel):
        def fit(self, observation, item, reward, weight=None):
            seen.append(len(item))
            return super().fit(observation, item, reward, weight)

    fitted = fit_q(log, Policy(), Spy, horizon=1, folds=3)
    sizes = [np.isin(log.user, fitted.users[fitted.fold != number]).sum() for number in range(3)]
    assert seen == sizes


def test_the_policy_is_asked_in_blocks(rng, monkeypatch):
    from recenv.ope import fitted_q

    monkeypatch.setattr(fitted_q, "CELLS", 20 * ITEMS)
    log, policy = make_log(draw(rng, 100)), Policy()
    blocks = fit_q(log, policy, TabularModel, horizon=2, folds=2)
    assert max(policy.asked) <= 20
    monkeypatch.undo()
    whole = fit_q(log, Policy(), TabularModel, horizon=2, folds=2)
    np.testing.assert_allclose(all_pairs(blocks.models[0][1]), all_pairs(whole.models[0][1]), rtol=1e-12)


def test_a_sample_holds_whole_sessions(rng):
    log = make_log(draw(rng, 200))
    part = sample_episodes(log, max_rows=100, seed=1)
    assert 50 < part.rows <= 100
    for user in np.unique(part.user):
        assert (part.user == user).sum() == (log.user == user).sum()
    assert sample_episodes(log, max_rows=10_000).rows == log.rows


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": 0}, "horizon must be at least 1"),
        ({"horizon": 2, "gamma": 2.0}, r"gamma must be in \[0, 1\]"),
        ({"horizon": 2, "folds": 99}, "folds must be from 1 to the number of users 10"),
    ],
)
def test_misuse_is_refused(rng, options, message):
    with pytest.raises(ValueError, match=message):
        fit_q(make_log(draw(rng, 10)), Policy(), TabularModel, **options)


def test_a_table_falls_back_on_its_state_and_then_on_all(rng):
    table = TabularModel().fit(np.eye(2, dtype=np.float32)[[0, 0, 1]], np.array([0, 1, 0]), np.array([1.0, 3.0, 5.0]))
    new = np.array([[1, 0], [0, 1], [1, 1]], dtype=np.float32)
    assert table.predict_all(new, np.tile([0, 1, 2], (3, 1))).tolist() == [[1, 3, 2], [5, 5, 5], [3, 3, 3]]
    shrunk = TabularModel(shrinkage=1.0).fit(np.ones((2, 1)), np.array([0, 1]), np.array([0.0, 2.0]))
    assert shrunk.predict(np.ones((2, 1)), np.array([0, 1])).tolist() == [0.5, 1.5]
