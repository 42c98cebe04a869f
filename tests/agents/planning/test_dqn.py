import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.allowed_items import unpack_allowed
from recenv.agents.candidates import candidates_left
from recenv.agents.exploration import EpsilonGreedy
from recenv.agents.planning.dqn import DQNAgent
from recenv.agents.popularity import PopularityAgent
from recenv.agents.uniform import UniformAgent
from recenv.causal import World
from recenv.envs import RecSysVectorEnv
from recenv.protocol import Decision, Feedback, Request
from recenv.testing import check_agent
from recenv.training import evaluate_sessions, train

FAST = {"learning_starts": 64, "batch_size": 32, "width": 8, "dims": 4, "epsilon_steps": 300, "replay_ratio": 4.0}


def request_from(env, seed=0):
    observation, _ = env.reset(seed=seed)
    return env.request(observation)


def learned(agent, env, steps=640, seed=0):
    train(agent, env, steps, rng=np.random.default_rng(seed), eval_every=steps)
    return agent


def test_it_beats_uniform_and_popularity_by_more_than_users_differ(env):
    agent = DQNAgent(env.catalogue, replay_ratio=16.0)
    train(agent, env, 8_000, rng=np.random.default_rng(0))
    sessions = evaluate_sessions(agent, env, seed=5)
    for other in (UniformAgent(env.catalogue), PopularityAgent(env.catalogue)):
        gain = sessions.reward - evaluate_sessions(other, env, seed=5).reward
        assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))


@pytest.mark.parametrize("dueling", [False, True])
@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("options", [{}, {"candidates": 9}])
def test_a_target_is_reward_plus_discounted_value_of_the_best_next_candidate(world, options, double, dueling):
    env = RecSysVectorEnv(32, world=world, horizon=8, **options)
    agent = learned(DQNAgent(env.catalogue, gamma=0.5, double=double, dueling=dueling, **FAST), env)
    rows = agent.replay.sample(200, np.random.default_rng(0))
    online, target = (
        network.scores(torch.tensor(rows["next_observation"])).detach().numpy()
        for network in (agent.online, agent.target)
    )
    allowed = unpack_allowed(rows["next_allowed"], 60)
    best = np.where(allowed, online if double else target, -np.inf).argmax(axis=1)
    spread, offset = agent.spread(0.5), agent.offset(0.5)
    ahead = np.where(rows["terminated"], 0.0, offset + spread * target[np.arange(200), best])
    assert rows["terminated"].any()
    assert_allclose(offset + spread * agent._goal(rows), rows["reward"] + 0.5 * ahead, rtol=1e-4)


def test_with_discount_zero_the_target_is_the_reward(env):
    agent = learned(DQNAgent(env.catalogue, gamma=0.0, **FAST), env)
    rows = agent.replay.sample(50, np.random.default_rng(0))
    got = agent.offset(0.0) + agent.spread(0.0) * agent._goal(rows)
    assert_allclose(got, rows["reward"], rtol=1e-5, atol=1e-5)


def test_it_gives_up_reward_now_for_more_later(catalogue):
    """Item 0 brings 1 and ends the session, item 1 brings 0 and leads to a state where item 2 brings 3."""
    for gamma, first in ((0.9, 1), (0.0, 0)):
        agent = DQNAgent(catalogue, gamma=gamma, epsilon=1.0, **{**FAST, "learning_rate": 0.02})
        rng = np.random.default_rng(0)
        start, later = np.eye(4, dtype=np.float32)[:2]
        for _ in range(40):
            begin = Request(np.tile(start, (32, 1)), np.tile([0, 1, -1], (32, 1)))
            after = Request(np.tile(later, (32, 1)), np.tile([2, -1, -1], (32, 1)))
            decision = agent.act(begin, rng=rng)
            left = decision.items[:, 0] == 0
            no = np.zeros(32, bool)
            # The later step is told before the earlier one.
            agent.update(Feedback(after, agent.act(after, rng=rng), np.full(32, 3.0), after, ~no, no))
            agent.update(Feedback(begin, decision, left.astype(float), after, left, no))
        asked = Request(start[None], np.array([[0, 1, -1]]))
        assert agent.act(asked, rng=rng, explore=False).items[0, 0] == first
        if gamma:
            assert_allclose(agent.scores(asked)[0, :2], [1.0, 2.7], atol=0.35)


def test_where_nothing_may_be_shown_next_the_value_is_the_reward(catalogue):
    agent = DQNAgent(catalogue, gamma=0.5, **{**FAST, "learning_starts": 0})
    request = Request(np.ones((8, 4), np.float32), np.tile(np.arange(5), (8, 1)))
    nothing = request._replace(candidates=np.full((8, 5), -1))
    no = np.zeros(8, bool)
    reward = np.arange(8.0)
    agent.update(Feedback(request, Decision(np.zeros((8, 1), np.int64), np.ones(8)), reward, nothing, no, no))
    rows = agent.replay.rows(np.arange(8))
    assert_allclose(agent.offset(0.5) + agent.spread(0.5) * agent._goal(rows), reward, atol=1e-9)


def test_dueling_values_of_items_are_centred_and_a_part_is_scored_as_the_whole(env):
    agent = learned(DQNAgent(env.catalogue, dueling=True, **FAST), env)
    seen = torch.tensor(request_from(env).observation)
    every = agent.target.scores(seen)
    assert_allclose(every.mean(dim=1), agent.target.states(seen)[1], atol=1e-4)
    few = torch.tensor([[5, 9]]).expand(len(seen), 2)
    assert_allclose(agent.target.pair_scores(seen, few), every[:, [5, 9]], atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"candidates": 9}, {"observation": "history"}, {"repeat": True}])
def test_it_keeps_the_contract_in_every_kind_of_world(world, options):
    env = RecSysVectorEnv(8, world=world, horizon=8, **options)
    check_agent(learned(DQNAgent(env.catalogue, **FAST), env, 128), env)


def test_in_training_no_item_is_shown_twice_in_a_session(env):
    agent = learned(DQNAgent(env.catalogue, **FAST), env)
    rows = agent.replay.arrays("")
    allowed = unpack_allowed(rows["allowed"], 60)
    assert allowed[np.arange(len(allowed)), rows["items"][:, 0]].all()
    gone = ~unpack_allowed(rows["next_allowed"], 60)
    assert gone[np.arange(len(gone)), rows["items"][:, 0]].all()


def test_a_session_that_is_cut_is_no_end(world):
    env = RecSysVectorEnv(16, world=world.do(leaving=0.0), horizon=4)
    agent = learned(DQNAgent(env.catalogue, **FAST), env, 320)
    rows = agent.replay.arrays("")
    assert not rows["terminated"].any()
    lengths, counts = np.unique((~unpack_allowed(rows["next_allowed"], 60)).sum(axis=1), return_counts=True)
    assert lengths.tolist() == [1, 2, 3, 4]
    assert counts.tolist() == [80, 80, 80, 80]


def test_masks_hide_exactly_what_was_shown():
    shown = np.array([[2, -1, -1], [0, 3, -1]])
    assert_array_equal(candidates_left(2, 4, shown), [[0, 1, -1, 3], [-1, 1, 2, -1]])


@pytest.mark.parametrize("observation", ["features", "history"])
def test_as_a_policy_it_needs_only_a_request(world, env, observation):
    agent = learned(DQNAgent(env.catalogue, **FAST), env)
    other = RecSysVectorEnv(5, world=world, horizon=8, observation=observation)
    probability = agent.probabilities(request_from(other))
    assert agent.exploration == EpsilonGreedy(0.01)
    assert_allclose(np.sort(probability, axis=1)[:, -1], 0.99 + 0.01 / 60)
    assert_allclose(probability.sum(axis=1), 1.0)


def test_a_few_candidates_are_scored_as_among_all(env):
    agent = learned(DQNAgent(env.catalogue, **FAST), env)
    request = request_from(env)
    few = request._replace(candidates=np.tile([7, -1], (32, 1)))
    few.candidates[3, 0] = 12
    every, some = agent.scores(request), agent.scores(few)
    assert few.candidates.size >= 60
    one = Request(request.observation[3:4], few.candidates[3:4])
    assert_allclose(agent.scores(one)[0, 0], every[3, 12], rtol=1e-5)
    assert_allclose(some[:3, 0], every[:3, 7], rtol=1e-5)


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
    assert (again.steps, again.gradient_steps, again.debt) == (agent.steps, agent.gradient_steps, agent.debt)
    assert_array_equal(again.scores(request), agent.scores(request))
    for name, array in agent.replay.arrays("").items():
        assert_array_equal(again.replay.arrays("")[name], array)


def test_the_number_of_gradient_steps_does_not_depend_on_the_number_of_users(world):
    counts = []
    for users in (4, 32):
        agent = DQNAgent(RecSysVectorEnv(users, world=world, horizon=8).catalogue, **FAST)
        learned(agent, RecSysVectorEnv(users, world=world, horizon=8), 640)
        counts.append(agent.gradient_steps)
    assert counts[0] == pytest.approx((640 - 64) * 4 / 32, abs=2)  # the first 64 steps only collect
    assert counts[1] == pytest.approx(counts[0], abs=8)


def test_it_takes_a_catalogue_of_10_000_items():
    env = RecSysVectorEnv(16, world=World.synthetic(0, users=50, items=10_000, topics=4), horizon=4)
    agent = learned(DQNAgent(env.catalogue, **FAST), env, 128)
    assert agent.gradient_steps > 0
    assert_allclose(agent.probabilities(request_from(env)).sum(axis=1), 1.0)


def test_slates_are_refused_with_the_remedy(world):
    env = RecSysVectorEnv(4, world=world, slate_size=3, horizon=4)
    with pytest.raises(ValueError, match="slates of 3: use slateq"):
        learned(DQNAgent(env.catalogue), env, 10)


@pytest.mark.parametrize(
    ("option", "value"), [("gamma", 1.0), ("epsilon", -0.1), ("averaging", 1.0), ("dueling", "yes"), ("width", 0)]
)
def test_options_out_of_range_are_refused_by_name(catalogue, option, value):
    with pytest.raises(ValueError, match=option):
        DQNAgent(catalogue, **{option: value})


def test_an_agent_of_another_catalogue_is_refused(env):
    agent = learned(DQNAgent(env.catalogue, **FAST), env)
    other = RecSysVectorEnv(4, observation="features", horizon=8)
    assert other.catalogue.n_items != env.catalogue.n_items
    with pytest.raises(ValueError, match="made for a catalogue of 60 items"):
        agent.act(request_from(other), rng=np.random.default_rng(0))


@pytest.mark.parametrize("device", ["abacus", "cuda:99"])
def test_a_device_that_is_not_there_is_refused_by_name(catalogue, device):
    with pytest.raises(ValueError, match=f"device '{device}' cannot be used"):
        DQNAgent(catalogue, device=device)
