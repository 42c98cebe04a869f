import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recenv.causal import Behaviour, World
from recenv.envs import RecSysEnv, RecSysVectorEnv

from .any_behaviour import ANY_BEHAVIOUR, Drawing, Rising
from .test_addressing import actions_of

WORLD = World.synthetic(2, users=12, items=20, dims=2, topics=3)
LEAVES = Behaviour(leaving=1.0, h0=1.0, h1=4.0, adapt=0.6)


def assert_same(one, two, ignore=()):
    for name in vars(one):
        if name not in ignore:
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def play(env, actions, seed=0):
    """Step through actions (T, B, ...); return (reward, outcome, running, terminated, truncated) of each."""
    env.reset(seed=seed)
    running, records = np.ones(env.num_envs, bool), []
    for action in actions:
        _, reward, terminated, truncated, _ = env.step(action)
        records.append((reward, env.outcome.copy(), running.copy(), terminated, truncated))
        running &= ~(terminated | truncated)
    return records


@pytest.mark.parametrize("slate", [1, 3])
def test_factual_actions_give_back_the_factual_session(slate):
    env = RecSysVectorEnv(40, world=WORLD, behaviour=LEAVES, horizon=5, slate_size=slate, repeat=True)
    actions = actions_of(5, 40, 20, slate)
    records = play(env, actions)
    env.reset(seed=0)  # those that left have begun other episodes meanwhile
    found = env.counterfactual(np.moveaxis(actions, 0, 1))
    for j, (reward, outcome, running, terminated, truncated) in enumerate(records):
        np.testing.assert_array_equal(found.reached[:, j], running)
        np.testing.assert_array_equal(found.reward[running, j], reward[running])
        np.testing.assert_array_equal(found.outcomes[running, j], outcome[running])
        np.testing.assert_array_equal(found.terminated[running, j], terminated[running])
        np.testing.assert_array_equal(found.truncated[running, j], truncated[running])
    assert 0 < found.terminated.sum() < 40
    assert np.all(found.outcomes["item"][~found.reached] == -1)
    assert found.reward[~found.reached].sum() == 0


def episode_of_batch(env, steps, seed=3):
    """Step a batch across autoresets, keeping the items and rewards of each slot's current episode."""
    env.reset(seed=seed)
    shown, rewards = [[] for _ in range(env.num_envs)], [[] for _ in range(env.num_envs)]
    over = np.zeros(env.num_envs, bool)
    for action in actions_of(steps, env.num_envs, 20, seed=seed):
        _, reward, terminated, truncated, _ = env.step(action)
        for i in range(env.num_envs):
            if over[i]:
                shown[i], rewards[i] = [], []
            else:
                shown[i].append(int(action[i]))
                rewards[i].append(reward[i])
        over = ~over & (terminated | truncated)
    return shown, rewards


def test_factual_actions_give_back_the_session_after_autoresets():
    env = RecSysVectorEnv(30, world=WORLD, behaviour=LEAVES, horizon=6)
    shown, rewards = episode_of_batch(env, 17)
    assert np.any(env.get_state().slot["episode"] > 2)
    plan = np.full((30, 6), -1)
    for i, items in enumerate(shown):
        plan[i, : len(items)] = items
    found = env.counterfactual(plan)
    for i, earned in enumerate(rewards):
        assert found.reward[i, : len(earned)].tolist() == earned
        assert found.reached[i, : len(earned)].all()


def test_the_state_says_what_the_factual_actions_were():
    env = RecSysEnv(world=WORLD, behaviour="off", horizon=6)
    env.reset(seed=1)
    earned = [env.step(item)[1] for item in (4, 4, 7, 1)]
    found = env.counterfactual(env.get_state().shown[0, :4])
    assert found.reward.tolist() == earned
    assert found.outcomes["item"][:, 0].tolist() == [4, -1, 7, 1]


def test_another_item_changes_its_step_and_what_follows_but_not_what_came_before():
    env = RecSysEnv(world=WORLD, behaviour=Behaviour(leaving=0.0), horizon=6)
    env.reset(seed=1)
    for item in range(5):
        env.step(item)
    fact = env.counterfactual(np.arange(5))
    other = env.counterfactual([9, 3, 4], start=2)
    assert other.start == 2
    np.testing.assert_array_equal(other.outcomes["item"][:, 0], [9, 3, 4])
    alone = RecSysEnv(env.config)
    alone.reset(seed=1)
    expected = [(alone.step(item)[1], alone.outcome.copy()) for item in (0, 1, 9, 3, 4)]
    np.testing.assert_array_equal(other.reward, [reward for reward, _ in expected[2:]])
    np.testing.assert_array_equal(other.outcomes, [outcome for _, outcome in expected[2:]])
    assert np.any(other.outcomes["satisfaction"][1:] != fact.outcomes["satisfaction"][3:])


def leaving_envs():
    env = RecSysVectorEnv(200, world=WORLD, behaviour=LEAVES, horizon=6, autoreset_mode="Disabled")
    env.reset(seed=0)
    return env


def test_steps_past_the_factual_exit_and_lost_steps_are_flagged():
    env = leaving_envs()
    factual, other = actions_of(6, 200, 20, seed=5).T, actions_of(6, 200, 20, seed=6).T
    left = np.full(200, 6)
    for j in range(6):
        env.core.step(factual[:, j : j + 1].astype(np.int64), ~env.core.state.done)
        left[(left == 6) & env.core.out.terminated & env.core.state.done] = j + 1
    found = env.counterfactual(other)
    step = np.arange(6)
    np.testing.assert_array_equal(found.after_factual_exit, found.reached & (step >= left[:, None]))
    np.testing.assert_array_equal(found.lost_steps, ~found.reached & (step < left[:, None]))
    assert found.after_factual_exit.sum() > 10
    assert found.lost_steps.sum() > 10
    same = env.counterfactual(factual)
    assert not same.after_factual_exit.any()
    assert not same.lost_steps.any()


def test_a_running_session_has_no_exit_to_pass():
    env = leaving_envs()
    env.step(np.zeros(200, int))
    still = ~env.get_state().done
    found = env.counterfactual(np.tile([1, 2, 3], (200, 1)))
    assert not found.after_factual_exit[still].any()


def test_totals_are_sums_over_the_reached_steps():
    env = leaving_envs()
    found = env.counterfactual(actions_of(6, 200, 20, seed=6).T)
    totals = found.totals
    np.testing.assert_array_equal(totals["reward"], found.reward.sum(1))
    np.testing.assert_array_equal(totals["reward"], totals["rating"])
    np.testing.assert_array_equal(totals["steps"], found.reached.sum(1))
    np.testing.assert_array_equal(totals["clicked"], found.outcomes["clicked"].sum((1, 2)))
    assert found.of(3).totals["clicked"] == totals["clicked"][3]


def test_starts_may_differ_by_user():
    env = RecSysVectorEnv(3, world=WORLD, behaviour="off", horizon=6)
    env.reset(seed=0)
    for j in range(4):
        env.step(np.array([j, j + 5, j + 10]))
    whole = env.counterfactual([[0, 1, 2, 3], [5, 6, 7, 8], [10, 11, 12, 13]])
    part = env.counterfactual([[2, 3], [5, 6], [13, 1]], start=[2, 0, 3])
    np.testing.assert_array_equal(part.reward[0], whole.reward[0, 2:])
    np.testing.assert_array_equal(part.reward[1], whole.reward[1, :2])
    assert part.reward[2, 0] == whole.reward[2, 3]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    behaviour=ANY_BEHAVIOUR,
    slate=st.integers(1, 3),
    policy=st.sampled_from([None, Rising(), Drawing()]),
    before=st.integers(0, 3),
    mode=st.sampled_from(["NextStep", "SameStep"]),
    seed=st.integers(0, 2**33),
    repeat=st.booleans(),
)
def test_an_answer_is_the_same_alone_in_any_batch_and_any_order(behaviour, slate, policy, before, mode, seed, repeat):
    if policy is not None and slate > 1:
        policy = Drawing()
    options = {"world": WORLD, "behaviour": behaviour, "slate_size": slate, "horizon": 4, "repeat": repeat}
    env = RecSysVectorEnv(4, autoreset_mode=mode, **options)
    actions = actions_of(7, 4, 20, slate, seed=seed)
    env.reset(seed=seed)
    for action in actions[:before]:
        env.step(action)
    asked = np.moveaxis(actions[3:], 0, 1) if policy is None else policy
    state = env.get_state()
    together = env.counterfactual(asked)
    order = np.array([2, 0, 3, 1])
    shuffled = RecSysVectorEnv(4, **options)
    shuffled.set_state(env.get_state(order))
    assert_same(shuffled.counterfactual(asked if policy is not None else asked[order]).of(0), together.of(2))
    for slot in range(4):
        alone = RecSysEnv(**options)
        alone.set_state(env.get_state([slot]))
        assert_same(alone.counterfactual(asked if policy is not None else asked[slot]), together.of(slot))
    for name in state._fields:
        np.testing.assert_array_equal(getattr(env.get_state(), name), getattr(state, name))


def test_a_policy_is_asked_with_what_it_would_see_in_the_environment():
    seen = []

    class Watching(Rising):
        def probabilities(self, request):
            seen.append(request)
            return super().probabilities(request)

    env = RecSysVectorEnv(5, world=WORLD, behaviour="off", horizon=4)
    env.reset(seed=0)
    found = env.counterfactual(Watching())
    observation, _ = env.reset(seed=0)
    for j, asked in enumerate(seen):
        request = env.request(observation)
        np.testing.assert_array_equal(asked.observation, request.observation)
        np.testing.assert_array_equal(asked.candidates, request.candidates)
        np.testing.assert_array_equal(asked.users, request.users)
        observation, reward, *_ = env.step(found.outcomes["item"][:, j, 0])
        np.testing.assert_array_equal(reward, found.reward[:, j])
    assert len(seen) == 4


def test_keyed_decisions_follow_the_probabilities():
    env = RecSysVectorEnv(4000, world=WORLD, behaviour="off", horizon=1)
    env.reset(seed=0)

    class Fixed:
        def probabilities(self, request):
            return np.tile(np.r_[[0.1, 0.0, 0.6, 0.3], np.zeros(16)], (len(request.candidates), 1))

    items = env.counterfactual(Fixed()).outcomes["item"][:, 0, 0]
    share = np.bincount(items, minlength=20) / 4000
    assert share[:4] == pytest.approx([0.1, 0.0, 0.6, 0.3], abs=0.03)
    assert share[4:].sum() == 0
    assert share[1] == 0


def test_the_history_observation_reaches_the_policy():
    class Last:
        def probabilities(self, request):
            assert request.observation["shown"].shape == (len(request.candidates), 3)
            return np.eye(20)[(request.observation["shown"] >= 0).sum(1)]

    env = RecSysVectorEnv(3, world=WORLD, behaviour="off", horizon=3, observation="history")
    env.reset(seed=0)
    assert env.counterfactual(Last()).outcomes["item"][1, :, 0].tolist() == [0, 1, 2]


def test_a_reward_function_is_applied_to_the_steps_that_happen():
    def clicks(outcome):
        return outcome["clicked"].sum(1) + 0.5

    env = RecSysVectorEnv(20, world=WORLD, behaviour=LEAVES, horizon=5, reward=clicks)
    env.reset(seed=0)
    found = env.counterfactual(actions_of(5, 20, 20).T)
    np.testing.assert_array_equal(found.reward, np.where(found.reached, found.outcomes["clicked"].sum(2) + 0.5, 0.0))


@pytest.mark.parametrize(
    ("actions", "start", "error", "says"),
    [
        ([[0, 1]], 0, ValueError, r"shape \(2, steps\)"),
        ([0, 1], 0, ValueError, r"shape \(2, steps\)"),
        ([[0, 20], [0, 1]], 0, ValueError, r"action 20 at \[0, 1, 0\].*0 to 19"),
        ([[0, 1], [-2, 1]], 0, ValueError, r"action -2 at \[1, 0, 0\]"),
        ([[0.0], [1.0]], 0, TypeError, "whole numbers"),
        ([[0], [1]], 3, ValueError, "start must be 0 to 2 for user 0"),
        ([[0], [1]], -1, ValueError, "start must be 0 to 2"),
        ([[0], [1]], 0.5, TypeError, "start must be a whole number"),
        ([[0], [1]], [0, 1, 2], ValueError, r"shape \(2,\)"),
        (np.zeros((2, 4), int), 2, ValueError, "at most 3"),
        ("popular", 0, TypeError, "or a policy"),
    ],
)
def test_impossible_questions_are_refused_by_name(actions, start, error, says):
    env = RecSysVectorEnv(2, world=WORLD, behaviour="off", horizon=5)
    env.reset(seed=0)
    env.step(np.array([3, 4]))
    env.step(np.array([5, 6]))
    with pytest.raises(error, match=says):
        env.counterfactual(actions, start=start)


def test_a_policy_with_a_wrong_answer_is_refused():
    class Short:
        def probabilities(self, request):
            return np.ones((len(request.candidates), 3)) / 3

    class Unnormalised:
        def probabilities(self, request):
            return np.ones(request.candidates.shape)

    env = RecSysEnv(world=WORLD)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="shape"):
        env.counterfactual(Short())
    with pytest.raises(ValueError, match="sum to 1"):
        env.counterfactual(Unnormalised())


def test_before_the_first_reset_there_is_nothing_to_ask():
    for env in (RecSysEnv(world=WORLD), RecSysVectorEnv(1, world=WORLD)):
        with pytest.raises(RuntimeError, match="reset"):
            env.counterfactual(Rising())


def test_an_ended_session_can_be_rolled_again_but_not_from_beyond_its_end():
    env = RecSysEnv(world=WORLD, behaviour="off", horizon=3)
    env.reset(seed=0)
    earned = [env.step(item)[1] for item in (1, 2, 3)]
    assert env.counterfactual([3], start=2).reward.tolist() == earned[2:]
    with pytest.raises(ValueError, match="0 to 2 for user 0, whose session has ended"):
        env.counterfactual([3], start=3)
