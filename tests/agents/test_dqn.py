import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.candidates import candidates_left
from recenv.agents.double_q import hide_shown
from recenv.agents.dqn import DQNAgent
from recenv.agents.exploration import EpsilonGreedy
from recenv.agents.popularity import PopularityAgent
from recenv.agents.uniform import UniformAgent
from recenv.envs import RecSysVectorEnv
from recenv.training import evaluate_sessions, train

FAST = {"learning_starts": 64, "batch_size": 32, "width": 8, "dims": 4, "target_every": 128, "epsilon_steps": 300}


def request_from(env, seed=0):
    observation, _ = env.reset(seed=seed)
    return env.request(observation)


def learned(agent, env, steps=640, seed=0):
    agent.learn(env, steps, rng=np.random.default_rng(seed))
    return agent


def test_it_beats_uniform_and_popularity_by_more_than_users_differ(env):
    agent = DQNAgent(env.catalogue)
    train(agent, env, 20_000, rng=np.random.default_rng(0))
    sessions = evaluate_sessions(agent, env, seed=5)
    for other in (UniformAgent(env.catalogue), PopularityAgent(env.catalogue)):
        gain = sessions.reward - evaluate_sessions(other, env, seed=5).reward
        assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))


def test_a_target_is_reward_plus_discounted_value_of_the_best_unshown_item(env):
    agent = learned(DQNAgent(env.catalogue, gamma=0.5, **FAST), env)
    rows = agent.replay.sample(200, np.random.default_rng(0))
    take = {name: torch.as_tensor(column) for name, column in rows.items()}
    mean, spread, offset = agent.rewards.mean[0], agent.rewards.spread()[0], agent.rewards.mean[0] / 0.5
    online = agent.online.scores(take["next_observation"]).detach().numpy()
    target = agent.target.scores(take["next_observation"]).detach().numpy()
    expected = []
    for row in range(200):
        unshown = np.setdiff1d(np.arange(60), rows["next_shown"][row])
        best = unshown[online[row, unshown].argmax()]
        ahead = 0.0 if rows["terminated"][row] else offset + spread * target[row, best]
        expected.append(rows["reward"][row] + 0.5 * ahead)
    got = offset + spread * agent._target(take, True).numpy()
    assert rows["terminated"].any()
    assert_allclose(got, expected, rtol=1e-4)
    assert mean == pytest.approx(offset * 0.5)


def test_with_discount_zero_the_target_is_the_reward(env):
    agent = learned(DQNAgent(env.catalogue, gamma=0.0, **FAST), env)
    take = {name: torch.as_tensor(column) for name, column in agent.replay.sample(50, np.random.default_rng(0)).items()}
    got = agent.rewards.mean[0] + agent.rewards.spread()[0] * agent._target(take, True).numpy()
    assert_allclose(got, take["reward"], rtol=1e-5, atol=1e-5)


def test_the_replay_holds_the_last_state_of_a_session_and_its_cut_is_no_end(world):
    env = RecSysVectorEnv(16, world=world.do(leaving=0.0), horizon=4)
    agent = learned(DQNAgent(env.catalogue, **FAST), env, 320)
    rows = agent.replay.arrays("")
    assert not rows["terminated"].any()
    lengths, counts = np.unique((rows["next_shown"] >= 0).sum(axis=1), return_counts=True)
    assert lengths.tolist() == [1, 2, 3, 4]
    assert counts.tolist() == [80, 80, 80, 80]
    last = (rows["next_shown"] >= 0).sum(axis=1) - 1
    assert_array_equal(rows["next_shown"][np.arange(320), last], rows["item"])


def test_in_training_no_item_is_shown_twice_in_a_session(env):
    agent = learned(DQNAgent(env.catalogue, **FAST), env)
    shown = agent.replay.arrays("")["next_shown"]
    for row in shown:
        session = row[row >= 0]
        assert len(np.unique(session)) == len(session)


def test_with_repeats_allowed_nothing_is_masked(world):
    env = RecSysVectorEnv(16, world=world, horizon=8, repeat=True)
    agent = learned(DQNAgent(env.catalogue, epsilon=0.0, epsilon_start=0.0, **{**FAST, "epsilon_steps": 0}), env)
    shown = agent.replay.arrays("")["next_shown"]
    assert any(len(np.unique(row[row >= 0])) < (row >= 0).sum() for row in shown)


def test_masks_hide_exactly_what_was_shown():
    shown = np.array([[2, -1, -1], [0, 3, -1]])
    assert_array_equal(candidates_left(2, 4, shown), [[0, 1, -1, 3], [-1, 1, 2, -1]])
    scores = torch.zeros(2, 4)
    hide_shown(scores, torch.as_tensor(shown))
    assert_array_equal(torch.isinf(scores).numpy(), [[False, False, True, False], [True, False, False, True]])


@pytest.mark.parametrize("observation", ["features", "history"])
def test_as_a_policy_it_needs_only_a_request(world, env, observation):
    agent = learned(DQNAgent(env.catalogue, **FAST), env)
    other = RecSysVectorEnv(5, world=world, horizon=8, observation=observation)
    request = request_from(other)
    probability = agent.probabilities(request)
    assert agent.exploration == EpsilonGreedy(0.05)
    assert_allclose(np.sort(probability, axis=1)[:, -1], 0.95 + 0.05 / 60)
    assert_allclose(probability.sum(axis=1), 1.0)


def test_it_learns_the_same_with_the_same_seeds_and_draws_from_no_global_generator(env):
    before = (np.random.get_state()[1].copy(), torch.get_rng_state())  # noqa: NPY002
    one, two, other = (learned(DQNAgent(env.catalogue, seed=1, **FAST), env, seed=s) for s in (0, 0, 1))
    request = request_from(env)
    assert_array_equal(one.scores(request), two.scores(request))
    assert not np.array_equal(one.scores(request), other.scores(request))
    assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


@pytest.mark.parametrize("before", [0, 32, 640])
def test_saved_loaded_and_continued_it_is_bit_for_bit_the_same(env, tmp_path, before):
    agent = DQNAgent(env.catalogue, seed=2, replay_size=500, **FAST)
    if before:
        learned(agent, env, before)
    agent.save(tmp_path / "agent")
    again = DQNAgent.load(tmp_path / "agent")
    for one in (agent, again):
        learned(one, env, 320, seed=9)
    request = request_from(env)
    assert (again.steps, again.calls, again.debt) == (agent.steps, agent.calls, agent.debt)
    assert_array_equal(again.scores(request), agent.scores(request))
    for name, array in agent.replay.arrays("").items():
        assert_array_equal(again.replay.arrays("")[name], array)


def test_the_number_of_gradient_steps_does_not_depend_on_the_number_of_users(world):
    counts = []
    for users in (4, 32):
        env = RecSysVectorEnv(users, world=world, horizon=8)
        agent = DQNAgent(env.catalogue, replay_ratio=4.0, **FAST)
        calls: list[int] = []
        agent._gradient_step = lambda *_, calls=calls, **__: calls.append(1) or 0.0  # type: ignore[method-assign]
        learned(agent, env, 640)
        counts.append(len(calls))
    assert counts[0] == pytest.approx((640 - 64) * 4 / 32, abs=1)  # the first 64 steps only collect
    assert counts[1] == pytest.approx(counts[0], abs=4)


def test_learning_reports_its_sessions_and_its_progress(env):
    seen = []
    agent = DQNAgent(env.catalogue, **FAST)
    metrics = agent.learn(
        env, 640, rng=np.random.default_rng(0), progress=lambda done, steps: seen.append((done, steps))
    )
    assert metrics["sessions"] > 50
    assert 1.0 <= metrics["step_reward"] <= 5.0
    assert metrics["session_reward"] == pytest.approx(metrics["step_reward"] * metrics["session_length"])
    assert seen[0] == (32, 640)
    assert seen[-1] == (640, 640)


def test_slates_are_refused_with_the_remedy(world):
    env = RecSysVectorEnv(4, world=world, slate_size=3, horizon=4)
    with pytest.raises(ValueError, match="slate_size is 3: use epsilon_greedy"):
        DQNAgent(env.catalogue).learn(env, 10, rng=np.random.default_rng(0))


def test_another_horizon_is_refused_once_it_has_learned(world, env):
    agent = learned(DQNAgent(env.catalogue, **FAST), env, 64)
    with pytest.raises(ValueError, match="sessions of 8 steps, env has horizon 9"):
        agent.learn(RecSysVectorEnv(8, world=world, horizon=9), 64, rng=np.random.default_rng(0))


@pytest.mark.parametrize(("option", "value"), [("gamma", 1.0), ("epsilon", -0.1), ("target_every", 0)])
def test_options_out_of_range_are_refused_by_name(catalogue, option, value):
    with pytest.raises(ValueError, match=option):
        DQNAgent(catalogue, **{option: value})


def test_an_agent_of_another_catalogue_is_refused(env, catalogue, tmp_path):
    agent = learned(DQNAgent(env.catalogue, **FAST), env)
    other = RecSysVectorEnv(4, observation="features", horizon=8)
    assert other.catalogue.n_items != env.catalogue.n_items
    with pytest.raises(ValueError, match="made for a catalogue of 60 items"):
        agent.act(request_from(other), rng=np.random.default_rng(0))


@pytest.mark.parametrize("device", ["abacus", "cuda:99"])
def test_a_device_that_is_not_there_is_refused_by_name(catalogue, device):
    with pytest.raises(ValueError, match=f"device '{device}' cannot be used"):
        DQNAgent(catalogue, device=device)
