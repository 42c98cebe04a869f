import numpy as np
import pytest
from numpy.testing import assert_array_equal

from recenv.agents import make_agent
from recenv.agents.log_replaying import LogReplayingAgent
from recenv.envs import EnvConfig, RecSysVectorEnv
from recenv.feedback import LoggedFeedback, collect
from recenv.protocol import Decision, Feedback, Request
from recenv.testing.agents import check_agent


def small_log(**changes):
    """User 7 was shown items 3, 0, 3; user 2 was shown item 1."""
    columns = {
        "episode": [0, 1, 1, 1],
        "step": [0, 0, 1, 2],
        "position": [0, 0, 0, 0],
        "user": [2, 7, 7, 7],
        "item": [1, 3, 0, 3],
        "reward": [1.0, 0.0, 1.0, 0.5],
        "propensity": [0.5, 0.25, 0.125, 0.0625],
        "terminated": [False] * 4,
        "truncated": [True, False, False, True],
        "n_items": 5,
    }
    return LoggedFeedback(**{**columns, **changes})


def asking(users, candidates=None, slate_size=1):
    offered = np.tile(np.arange(5), (len(users), 1)) if candidates is None else np.asarray(candidates)
    return Request(np.zeros((len(users), 4), np.float32), offered, slate_size, np.asarray(users))


def told(agent, request, decision):
    none = np.zeros(len(request.users), bool)
    agent.update(Feedback(request, decision, np.zeros(len(request.users)), request, none, none))


def test_the_logged_decisions_come_in_their_order_with_their_propensity(catalogue):
    agent = LogReplayingAgent(catalogue, log=small_log())
    request, shown = asking([7]), []
    for _ in range(3):
        decision = agent.act(request, rng=np.random.default_rng(0))
        shown.append((int(decision.items[0, 0]), float(decision.probability[0])))
        told(agent, request, decision)
    assert shown == [(3, 0.25), (0, 0.125), (3, 0.0625)]


def test_what_is_no_candidate_any_more_is_skipped_without_being_told(catalogue):
    agent = LogReplayingAgent(catalogue, log=small_log())
    decision = agent.act(asking([7, 7], [[0, 1, 2, -1, 4], [-1, 1, 2, 3, 4]]), rng=np.random.default_rng(0))
    assert_array_equal(decision.items, [[0], [3]])
    assert_array_equal(decision.probability, [0.125, 0.25])


def test_unknown_users_and_used_up_logs_are_served_uniformly(catalogue):
    agent = LogReplayingAgent(catalogue, log=small_log())
    request = asking([2, 4])
    told(agent, request, Decision(np.array([[1], [0]]), np.ones(2)))
    assert_array_equal(agent.act(request, rng=np.random.default_rng(0)).probability, [0.2, 0.2])


def test_a_slate_is_replayed_whole(catalogue):
    log = small_log(step=[0, 0, 0, 1], position=[0, 0, 1, 0], propensity=[0.5, 0.25, 0.25, 0.1])
    agent = LogReplayingAgent(catalogue, log=log)
    decision = agent.act(asking([7], slate_size=2), rng=np.random.default_rng(0))
    assert_array_equal(decision.items, [[3, 0]])
    assert decision.probability == [0.25]
    with pytest.raises(ValueError, match="slate_size is 1, and the log shows 2 items a step"):
        agent.act(asking([7]), rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"propensity": [np.nan] * 4}, "no propensities"), ({"n_items": 9, "item": [1, 3, 8, 3]}, "shows item 8")],
)
def test_an_unusable_log_is_refused(catalogue, changes, words):
    with pytest.raises(ValueError, match=words):
        LogReplayingAgent(catalogue, log=small_log(**changes))


def test_a_log_replayed_in_its_own_world_is_the_log(world, tmp_path):
    env = RecSysVectorEnv(200, EnvConfig(world=world.held_out(), horizon=4))
    users = np.arange(200)
    log = collect(env, make_agent("uniform", env.catalogue), seed=3, users=users)
    log.save(tmp_path / "log.parquet")
    agent = LogReplayingAgent(env.catalogue, log=tmp_path / "log.parquet")
    again = collect(env, agent, seed=3, users=users)
    for name in ("user", "item", "reward", "propensity"):
        assert_array_equal(getattr(again, name), getattr(log, name))


def test_a_saved_agent_goes_on_where_it_was(catalogue, tmp_path):
    agent, request = LogReplayingAgent(catalogue, log=small_log()), asking([7, 2, 9])
    told(agent, request, agent.act(request, rng=np.random.default_rng(0)))
    agent.save(tmp_path / "agent")
    again = LogReplayingAgent.load(tmp_path / "agent")
    mine, other = (one.act(request, rng=np.random.default_rng(1)) for one in (agent, again))
    assert_array_equal(mine.items, other.items)
    assert_array_equal(mine.probability, other.probability)


def test_without_a_log_it_keeps_the_contract(env):
    check_agent(LogReplayingAgent(env.catalogue), env)
