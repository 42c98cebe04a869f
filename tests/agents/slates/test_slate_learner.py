"""What the Plackett-Luce, the REINFORCE and the SlateQ agent have in common."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.popularity import PopularityAgent
from recenv.agents.slates.plackett_luce import PlackettLuceAgent
from recenv.agents.slates.reinforce import ReinforceAgent
from recenv.agents.slates.slateq import SlateQAgent
from recenv.agents.uniform import UniformAgent
from recenv.envs import RecSysVectorEnv
from recenv.feedback import collect
from recenv.protocol import Decision, Feedback, Request
from recenv.testing import check_agent
from recenv.training import evaluate_sessions, train

AGENTS = (PlackettLuceAgent, ReinforceAgent, SlateQAgent)
FAST = {
    "learning_starts": 32,
    "batch_size": 32,
    "width": 8,
    "dims": 4,
    "learning_rate": 0.01,
    "replay_ratio": 4.0,
    "averaging": 0.9,
    "interaction": 0.03,
    "own": 0.1,
}


def feedback_of(rng, agent=None, users=32, slate_size=2):
    """Return feedback; the user likes items 3 and 4 where the first feature is positive, else 0 and 1."""
    observation = rng.normal(size=(users, 4)).astype(np.float32)
    request = Request(observation, np.tile(np.arange(5), (users, 1)), slate_size)
    shown = np.stack([rng.permutation(5)[:slate_size] for _ in range(users)])
    decision = Decision(shown, np.full(users, 1 / np.prod(np.arange(5, 5 - slate_size, -1))))
    if agent is not None:
        decision = agent.act(request, rng=rng)
    liked = np.where(observation[:, :1] > 0, decision.items >= 3, (decision.items >= 0) & (decision.items <= 1))
    no = np.zeros(users, bool)
    return Feedback(request, decision, liked.sum(axis=1).astype(float), request, ~no, no)


def taught(agent, batches, seed=0, **kwargs):
    rng = np.random.default_rng(seed)
    for _ in range(batches):
        agent.update(feedback_of(rng, **kwargs))
    return agent


def mean_reward(agent, **kwargs):
    """Return the mean reward of greedy slates for 300 new users."""
    request = feedback_of(np.random.default_rng(99), users=300, **kwargs).request
    items = agent.act(request, rng=np.random.default_rng(0), explore=False).items
    first = request.observation[:, :1]
    return float(np.where(first > 0, items >= 3, items <= 1).sum(axis=1).mean())


@pytest.mark.parametrize("kind", AGENTS)
@pytest.mark.parametrize("slate_size", [1, 2])
def test_it_learns_from_the_slates_reward_alone_which_items_whom_to_show(catalogue, kind, slate_size):
    agent = taught(kind(catalogue, **FAST), 40, slate_size=slate_size)
    assert mean_reward(agent, slate_size=slate_size) > 0.9 * slate_size  # uniform has 0.4 an item


@pytest.mark.parametrize("kind", AGENTS)
def test_late_feedback_in_another_order_teaches_as_well(catalogue, kind):
    rng, agent = np.random.default_rng(0), kind(catalogue, **FAST)
    waiting = [feedback_of(rng) for _ in range(40)]
    for feedback in reversed(waiting):
        agent.update(feedback)
    assert mean_reward(agent) > 1.8


@pytest.mark.parametrize("kind", AGENTS)
def test_it_beats_uniform_and_popularity_by_more_than_users_differ(world, kind):
    env = RecSysVectorEnv(32, world=world, horizon=8, slate_size=2)
    # Tastes differ much here, and items are few: what differs between users is worth learning at once.
    agent = kind(env.catalogue, replay_ratio=16.0, batch_size=128, interaction=0.03, own=0.1)
    train(agent, env, 2_500, rng=np.random.default_rng(0))
    learned = evaluate_sessions(agent, env, seed=5)
    for other in (UniformAgent(env.catalogue), PopularityAgent(env.catalogue)):
        gain = learned.reward - evaluate_sessions(other, env, seed=5).reward
        assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))


@pytest.mark.parametrize("kind", AGENTS)
@pytest.mark.parametrize("slate_size", [1, 3])
def test_it_keeps_the_contract(world, kind, slate_size):
    env = RecSysVectorEnv(8, world=world, horizon=4, slate_size=slate_size, candidates=20)
    # The exact optimiser's first item depends on the size of the slate, and the check compares it with a slate of one.
    options = {"optimiser": "top_k"} if kind is SlateQAgent and slate_size > 1 else {}
    check_agent(kind(env.catalogue, learning_starts=8, replay_ratio=4.0, **options), env)


@pytest.mark.parametrize("kind", AGENTS)
def test_the_probabilities_of_all_ordered_slates_sum_to_one_and_match_how_often_they_come_up(catalogue, kind):
    agent = taught(kind(catalogue, **FAST), 5)
    request = Request(np.full((20_000, 4), 0.3, np.float32), np.tile([3, 0, -1, 1], (20_000, 1)), 2)
    decision = agent.act(request, rng=np.random.default_rng(1))
    claimed = {tuple(items): p for items, p in zip(decision.items.tolist(), decision.probability, strict=True)}
    assert set(claimed) == set(itertools.permutations([3, 0, 1], 2))
    assert sum(claimed.values()) == pytest.approx(1.0)
    for items, p in claimed.items():
        assert (decision.items == items).all(axis=1).mean() == pytest.approx(p, abs=0.015)


@pytest.mark.parametrize("kind", AGENTS)
@pytest.mark.parametrize("before", [0, 1, 6])
def test_saved_loaded_and_continued_it_is_bit_for_bit_the_same(catalogue, tmp_path, kind, before):
    agent = taught(kind(catalogue, seed=3, replay_size=150, gamma=0.5, **FAST), before)
    agent.save(tmp_path / "agent")
    again = kind.load(tmp_path / "agent")
    for one in (agent, again):
        taught(one, 4, seed=7)
    request = feedback_of(np.random.default_rng(5)).request
    assert_array_equal(again.scores(request), agent.scores(request))
    assert again.rng.bit_generator.state == agent.rng.bit_generator.state
    assert (again.steps, again.gradient_steps, again.trained_on) == (agent.steps, agent.gradient_steps, (11, 22))


@pytest.mark.parametrize("kind", AGENTS)
def test_it_learns_from_a_log(world, kind):
    env = RecSysVectorEnv(64, world=world.held_out(), horizon=5, slate_size=2)
    log = collect(env, UniformAgent(env.catalogue), rounds=5, seed=0)
    agent = kind(env.catalogue)
    agent.fit(log, rows=512)
    assert agent.steps == len(np.unique(np.stack([log.episode, log.step]), axis=1).T)
    learned, uniform = (evaluate_sessions(one, env, seed=5).reward for one in (agent, UniformAgent(env.catalogue)))
    gain = learned - uniform
    assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))


@pytest.mark.parametrize("kind", AGENTS)
def test_rewards_of_any_scale_teach_the_same(catalogue, kind):
    plain, shifted = (kind(catalogue, seed=1, **FAST) for _ in range(2))
    rng = np.random.default_rng(0)
    for _ in range(10):
        one = feedback_of(rng)
        plain.update(one)
        shifted.update(one._replace(reward=100.0 + 10.0 * one.reward))
    request = feedback_of(np.random.default_rng(5)).request
    first, second = (one.act(request, rng=np.random.default_rng(0), explore=False).items for one in (plain, shifted))
    assert (first == second).mean() > 0.95


@pytest.mark.parametrize("kind", AGENTS)
def test_the_same_seed_learns_the_same_and_another_seed_does_not(catalogue, kind):
    one, two, other = (taught(kind(catalogue, seed=seed, **FAST), 3) for seed in (1, 1, 2))
    request = feedback_of(np.random.default_rng(5)).request
    assert_array_equal(one.scores(request), two.scores(request))
    assert not np.array_equal(one.scores(request), other.scores(request))


@pytest.mark.parametrize("kind", AGENTS)
def test_the_number_of_steps_does_not_depend_on_how_many_users_come_at_once(catalogue, kind):
    agent, rng = kind(catalogue, **FAST), np.random.default_rng(0)
    for users in (32, 16, 16, 64):
        agent.update(feedback_of(rng, users=users))
    assert agent.gradient_steps == 128 * 4 // 32


@pytest.mark.parametrize("kind", AGENTS)
def test_a_slate_of_another_size_is_refused(catalogue, kind):
    agent = taught(kind(catalogue, **FAST), 1, slate_size=2)
    with pytest.raises(ValueError, match="one slate size"):
        taught(agent, 1, slate_size=3)


@pytest.mark.parametrize("kind", AGENTS)
@pytest.mark.parametrize(("option", "value"), [("gamma", 1.0), ("width", 0), ("learning_rate", -1.0)])
def test_options_out_of_range_are_refused_by_name(catalogue, kind, option, value):
    with pytest.raises(ValueError, match=option):
        kind(catalogue, **{option: value})


def test_on_policy_feedback_has_importance_weight_one(catalogue):
    agent = taught(ReinforceAgent(catalogue, **(FAST | {"averaging": 0.0})), 3)
    feedback = feedback_of(np.random.default_rng(3), agent=agent)
    import torch

    rows = agent._rows(feedback)
    seen = torch.tensor(rows["observation"])
    with torch.no_grad():
        logits = agent._logits(seen, agent.networks["critic"].scores(seen), rows["allowed"])
    ratio = agent._ratio(logits, torch.tensor(rows["items"]), torch.tensor(rows["probability"]))
    assert_allclose(ratio.numpy(), 1.0, rtol=1e-5)
