"""What a real system sees of a response, as arrays, in `info`, and in the feedback of the training loop."""

import numpy as np
import pytest

from recenv.agents.uniform import UniformAgent
from recenv.envs import RecSysEnv, RecSysVectorEnv
from recenv.sessions import feedback_rows
from recenv.training import train

SEEN = {"clicked": bool, "purchased": bool, "consumed": bool, "liked": bool, "rating": float}


@pytest.mark.parametrize("slate_size", [1, 3])
def test_responses_are_the_visible_part_of_the_outcome(world, slate_size):
    env = RecSysVectorEnv(20, world=world.do(funnel=1.0), slate_size=slate_size, horizon=5)
    env.reset(seed=0)
    env.step(np.tile(np.arange(slate_size), (20, 1)))
    seen, outcome = env.responses(), env.outcome.copy()
    assert {name: column.dtype for name, column in seen.items()} == SEEN
    for name in ("clicked", "purchased", "consumed", "liked"):
        np.testing.assert_array_equal(seen[name], outcome[name])
    np.testing.assert_array_equal(seen["rating"], np.where(outcome["consumed"], outcome["rating"], 0.0))
    assert 0 < seen["consumed"].sum() < 20 * slate_size
    env.step(np.tile(np.arange(3, 3 + slate_size), (20, 1)))
    np.testing.assert_array_equal(seen["clicked"], outcome["clicked"])  # a copy, not the live record


@pytest.mark.parametrize(
    "reward", ["rating", "like", "click", "purchase", "uplift", "satisfaction", lambda o: o["level"].sum(1)]
)
def test_position_rewards_sum_to_the_reward(world, reward):
    env = RecSysVectorEnv(20, world=world, slate_size=3, horizon=5, reward=reward)
    env.reset(seed=0)
    _, total, *_ = env.step(np.tile([4, 9, 4], (20, 1)))
    split = env.position_rewards()
    assert split.shape == (20, 3)
    np.testing.assert_allclose(split.sum(1), total)
    assert (split[:, 2] == 0).all()  # a repeat is an empty position


@pytest.mark.parametrize("options", [{}, {"candidates": 6}, {"candidates": 6, "slate_size": 2}])
def test_masks_are_in_info_on_request_only(world, options):
    size = options.get("candidates", 30)
    plain = RecSysEnv(world=world, horizon=5, **options)
    asked = RecSysEnv(world=world, horizon=5, mask_in_info=True, **options)
    action = plain.action_space.sample()
    assert "action_mask" not in plain.reset(seed=0)[1]
    assert "action_mask" not in plain.step(action)[4]
    _, info = asked.reset(seed=0)
    assert info["action_mask"].shape == (size * options.get("slate_size", 1),)
    np.testing.assert_array_equal(asked.step(action)[4]["action_mask"], asked.action_masks())
    batch = RecSysVectorEnv(3, world=world, horizon=5, mask_in_info=True, **options)
    _, info = batch.reset(seed=0)
    assert info["action_mask"].shape == (3, size)
    np.testing.assert_array_equal(batch.step(batch.action_space.sample())[4]["action_mask"], batch.action_masks())


class Listener(UniformAgent):
    """Keeps the feedback that it is given."""

    def __init__(self, catalogue):
        super().__init__(catalogue)
        self.heard = []

    def update(self, feedback):
        self.heard.append(feedback)
        return {}


@pytest.mark.parametrize("options", [{}, {"candidates": 6}, {"candidates": 6, "slate_size": 2}, {"slate_size": 2}])
def test_training_hands_over_what_came_of_each_position(world, options):
    env = RecSysVectorEnv(10, world=world, horizon=4, **options)
    agent = Listener(env.catalogue)
    train(agent, env, 80, rng=np.random.default_rng(0))
    assert any(len(feedback.reward) < 10 for feedback in agent.heard)  # slots that only started anew are left out
    for feedback in agent.heard:
        assert set(feedback.outcome) == set(SEEN)
        assert all(column.shape == feedback.decision.items.shape for column in feedback.outcome.values())
        np.testing.assert_allclose(feedback.outcome["rating"].sum(1), feedback.reward)
        offered = feedback.request.candidates
        assert (feedback.decision.items[:, :, None] == offered[:, None]).any(2).all()
    kept = feedback_rows(agent.heard[0], np.array([2, 5]))
    np.testing.assert_array_equal(kept.outcome["rating"], agent.heard[0].outcome["rating"][[2, 5]])
    assert feedback_rows(agent.heard[0]._replace(outcome=None), np.array([1])).outcome is None
