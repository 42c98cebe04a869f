import numpy as np
import pytest

from recenv.causal import Behaviour
from recenv.envs import RecSysEnv, RecSysVectorEnv
from recenv.envs.config import REWARDS

COLUMNS = {"like": "liked", "click": "clicked", "purchase": "purchased", "uplift": "uplift"}
LIVELY = Behaviour(funnel=1.0, discovery=0.9, tau_buy=0.3)


@pytest.mark.parametrize("reward", ["like", "click", "purchase", "uplift"])
def test_counted_rewards_are_counts_over_the_slate(world, reward):
    env = RecSysVectorEnv(200, world=world, reward=reward, slate_size=3, horizon=3, behaviour=LIVELY)
    env.reset(seed=0)
    _, found, *_ = env.step(np.tile([4, 9, 14], (200, 1)))
    np.testing.assert_array_equal(found, env.outcome[COLUMNS[reward]].sum(1))
    assert len(np.unique(found)) > 1


def test_the_rating_reward_counts_what_was_consumed(world):
    env = RecSysVectorEnv(200, world=world, slate_size=2, horizon=3, behaviour=LIVELY)
    env.reset(seed=0)
    _, found, *_ = env.step(np.tile([4, 9], (200, 1)))
    outcome = env.outcome
    np.testing.assert_array_equal(found, (outcome["rating"] * outcome["consumed"]).sum(1))
    assert found.min() == 0.0


def test_the_satisfaction_reward_is_the_trust_after_the_step(world):
    env = RecSysVectorEnv(20, world=world, reward="satisfaction", behaviour=Behaviour(adapt=0.5))
    env.reset(seed=0)
    _, found, *_ = env.step(np.arange(20))
    np.testing.assert_array_equal(found, env.get_state().trust)
    assert len(np.unique(found)) > 3


def test_a_function_of_the_outcomes_may_be_the_reward(world):
    env = RecSysVectorEnv(20, world=world, reward=lambda outcome: outcome["level"].sum(1) + 0.5)
    env.reset(seed=0)
    _, found, *_ = env.step(np.arange(20))
    np.testing.assert_array_equal(found, env.outcome["level"][:, 0] + 0.5)


def test_a_step_that_only_starts_an_episode_earns_nothing(world):
    env = RecSysVectorEnv(4, world=world, reward=lambda outcome: np.ones(len(outcome)), horizon=1)
    env.reset(seed=0)
    rewards = [env.step(np.zeros(4, int))[1].tolist() for _ in range(4)]
    assert rewards == [[1.0] * 4, [0.0] * 4, [1.0] * 4, [0.0] * 4]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda outcome: outcome["rating"], r"must return 3 finite numbers, one a user; got shape \(3, 1\)"),
        (lambda outcome: 1.0, r"got shape \(\)"),
        (lambda outcome: outcome["rating"].sum(1)[:2], r"got shape \(2,\)"),
        (lambda outcome: outcome["rating"].sum(1) * np.nan, "with NaN or infinity"),
        (lambda outcome: outcome["rating"].sum(1) + np.inf, "with NaN or infinity"),
    ],
)
def test_a_reward_function_of_the_wrong_shape_or_without_numbers_is_refused(world, function, message):
    env = RecSysVectorEnv(3, world=world, reward=function)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.step(np.zeros(3, int))


def branch(env, state, action):
    env.set_state(state)
    _, reward, *_ = env.step(action)
    return reward, env.outcome.copy()


@pytest.mark.parametrize("choice", ["position", "cascade", "multinomial"])
@pytest.mark.parametrize("reward", [*REWARDS, "function"])
def test_potential_outcomes_are_what_each_item_then_brings(world, reward, choice):
    behaviour = Behaviour(
        choice=choice, funnel=1.0, discovery=0.9, boredom=2.0, drift=0.1, noise_correlation=0.3, leaving=0.0,
        organic_rate=1.0, exposure=0.0,
    )  # fmt: skip
    kind = (lambda outcome: outcome["level"].sum(1) * 2.0) if reward == "function" else reward
    env = RecSysVectorEnv(4, world=world, reward=kind, behaviour=behaviour, autoreset_mode="Disabled")
    env.reset(seed=11)
    for actions in ([1, 2, 3, 4], [20, 21, 22, 23]):
        env.step(np.array(actions))
    outcomes, rewards, mask, state = (
        env.potential_outcomes(),
        env.potential_rewards(),
        env.action_masks(),
        env.get_state(),
    )
    for item in range(world.n_items):
        reward_now, outcome_now = branch(env, state, np.full(4, item))
        np.testing.assert_array_equal(outcomes[mask[:, item], item], outcome_now[mask[:, item], 0])
        np.testing.assert_allclose(rewards[mask[:, item], item], reward_now[mask[:, item]], rtol=1e-14)
    assert np.all(rewards[~mask] == 0.0)


def test_potential_outcomes_of_a_single_environment_agree(world):
    env = RecSysEnv(world=world)
    env.reset(seed=2)
    expected, reward = env.potential_outcomes()[17], env.potential_rewards()[17]
    assert env.step(17)[1] == reward
    assert env.outcome[0] == expected


def test_asking_for_potential_outcomes_changes_nothing(world):
    one, two = (RecSysEnv(world=world.do(leaving=0.0)) for _ in range(2))
    one.reset(seed=2)
    two.reset(seed=2)
    for action in (3, 4, 5):
        one.potential_outcomes()
        assert one.step(action)[1] == two.step(action)[1]
