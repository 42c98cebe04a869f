import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.allowed_items import pack_allowed
from recenv.agents.planning.ppo import PPOAgent
from recenv.agents.planning.sb3_ppo import MaskedSessions, unpacked
from recenv.agents.uniform import UniformAgent
from recenv.causal import World
from recenv.envs import RecSysVectorEnv
from recenv.sb3 import RecSysVecEnv
from recenv.testing import check_agent
from recenv.training import evaluate_sessions

FAST = {"rollout": 128, "batch_size": 64, "epochs": 2, "width": 8, "dims": 4}


def learned(agent, env, steps=256, seed=0):
    agent.learn(env, steps, rng=np.random.default_rng(seed))
    return agent


def request_from(env, seed=0):
    observation, _ = env.reset(seed=seed)
    return env.request(observation)


def test_it_beats_uniform_by_more_than_users_differ(env):
    agent = learned(PPOAgent(env.catalogue, width=32, dims=16), env, 6_000)
    sessions = evaluate_sessions(agent, env, seed=5)
    gain = sessions.reward - evaluate_sessions(UniformAgent(env.catalogue), env, seed=5).reward
    assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))


@pytest.mark.parametrize("options", [{}, {"candidates": 9}, {"observation": "history"}, {"repeat": True}])
def test_it_keeps_the_contract_in_every_kind_of_world(world, options):
    env = RecSysVectorEnv(8, world=world, horizon=8, **options)
    check_agent(learned(PPOAgent(env.catalogue, **FAST), env), env)


def test_probabilities_are_the_softmax_of_the_logits_over_the_candidates(env):
    agent = learned(PPOAgent(env.catalogue, **FAST), env)
    request = request_from(env)
    few = request._replace(candidates=np.tile([7, -1, 3, 50], (32, 1)))
    logits = agent.network.actor.scores(torch.tensor(request.observation)).detach().numpy()[:, [7, 3, 50]]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert_allclose(agent.probabilities(few)[:, [0, 2, 3]], expected, rtol=1e-5)
    assert_array_equal(agent.probabilities(few)[:, 1], 0.0)


def test_the_training_policy_is_the_one_that_acts(env):
    agent = learned(PPOAgent(env.catalogue, **FAST), env)
    model = agent._model(agent._sessions(env, 3), 128)
    request = request_from(env)
    candidates = request.candidates.copy()
    candidates[:, ::2] = -1
    observed = {
        "features": torch.tensor(request.observation),
        "allowed": torch.tensor(pack_allowed(candidates, 60)).float(),
    }
    law = model.policy.law(observed)
    expected = agent.probabilities(request._replace(candidates=candidates))
    assert_allclose(law.probs.detach().numpy(), expected, rtol=1e-4, atol=1e-7)
    _, log_chance, entropy = model.policy.evaluate_actions(observed, torch.ones(32, dtype=torch.long))
    assert_allclose(log_chance.detach().numpy(), np.log(expected[:, 1]), rtol=1e-4)
    assert_allclose(entropy.detach().numpy(), -(expected[:, 1::2] * np.log(expected[:, 1::2])).sum(axis=1), rtol=1e-4)
    (entropy.sum() + log_chance.sum()).backward()
    assert all(torch.isfinite(p.grad).all() for p in agent.network.actor.parameters() if p.grad is not None)


def test_bits_are_read_as_they_were_packed():
    candidates = np.array([[0, 9, -1], [8, 3, 10]])
    bits = torch.tensor(pack_allowed(candidates, 11)).float()
    assert_array_equal(unpacked(bits, 11).nonzero().numpy(), [[0, 0], [0, 9], [1, 3], [1, 8], [1, 10]])


@pytest.mark.parametrize("options", [{}, {"candidates": 9}])
def test_in_training_only_candidates_are_shown(world, options):
    env = RecSysVectorEnv(8, world=world, horizon=8, **options)
    sessions = MaskedSessions(RecSysVecEnv(8, env.config), env.catalogue)
    sessions.seed(1)
    agent = learned(PPOAgent(env.catalogue, **FAST), env)
    model = agent._model(sessions, 64)
    observed = sessions.reset()
    for _ in range(12):
        allowed = sessions.native.candidates()
        items, _ = model.policy.predict(observed)
        assert all(item in row for item, row in zip(items, allowed, strict=True))
        observed, *_ = sessions.step(items)


def test_it_learns_the_same_with_the_same_seeds_and_draws_from_no_global_generator(env):
    before = (np.random.get_state()[1].copy(), torch.get_rng_state())  # noqa: NPY002
    one, two, other = (learned(PPOAgent(env.catalogue, **FAST), env, seed=s) for s in (0, 0, 1))
    request = request_from(env)
    assert_array_equal(one.scores(request), two.scores(request))
    assert not np.array_equal(one.scores(request), other.scores(request))
    assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


@pytest.mark.parametrize("before", [0, 256])
def test_saved_loaded_and_continued_it_is_bit_for_bit_the_same(env, tmp_path, before):
    agent = PPOAgent(env.catalogue, seed=2, **FAST)
    if before:
        learned(agent, env, before)
    agent.save(tmp_path / "agent")
    again = PPOAgent.load(tmp_path / "agent")
    for one in (agent, again):
        learned(one, env, 256, seed=9)
    assert again.steps == agent.steps == before + 256
    assert_array_equal(again.scores(request_from(env)), agent.scores(request_from(env)))
    for name, tensor in agent.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], tensor)


def test_learning_reports_its_sessions_and_its_progress(env):
    seen = []
    metrics = PPOAgent(env.catalogue, **FAST).learn(
        env, 512, rng=np.random.default_rng(0), progress=lambda done, steps: seen.append((done, steps))
    )
    assert metrics["sessions"] > 30
    assert metrics["session_reward"] == pytest.approx(metrics["step_reward"] * metrics["session_length"])
    assert seen[0] == (32, 512)
    assert seen[-1] == (512, 512)


def test_it_takes_a_catalogue_of_10_000_items(world):
    big = World.synthetic(0, users=50, items=10_000, topics=4)
    env = RecSysVectorEnv(8, world=big, horizon=4)
    agent = learned(PPOAgent(env.catalogue, **{**FAST, "rollout": 16}), env, 32)
    assert_allclose(agent.probabilities(request_from(env)).sum(axis=1), 1.0)


def test_slates_are_refused_with_the_remedy(world):
    env = RecSysVectorEnv(4, world=world, slate_size=3, horizon=4)
    with pytest.raises(ValueError, match="slate_size is 3: use reinforce"):
        PPOAgent(env.catalogue).learn(env, 10, rng=np.random.default_rng(0))


@pytest.mark.parametrize(("option", "value"), [("gamma", 1.0), ("gae_lambda", 1.5), ("rollout", 0)])
def test_options_out_of_range_are_refused_by_name(catalogue, option, value):
    with pytest.raises(ValueError, match=option):
        PPOAgent(catalogue, **{option: value})


def test_before_training_the_popular_are_likelier(catalogue, request_of_two):
    chance = PPOAgent(catalogue).probabilities(request_of_two)
    assert_allclose(chance[0], np.array([3, 8, 2, 10]) / 23)
