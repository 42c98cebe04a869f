import json
import math

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents import PopularityAgent, UniformAgent
from recenv.causal import World
from recenv.envs import EnvConfig, RecSysEnv, RecSysVectorEnv
from recenv.protocol import Decision
from recenv.training import LearningCurve, Sessions, default_steps, env_actions, evaluate_sessions, train

HORIZON = 6


@pytest.fixture(scope="module")
def world() -> World:
    return World.synthetic(0, users=50, items=40, topics=4)


@pytest.fixture
def env(world) -> RecSysVectorEnv:
    return RecSysVectorEnv(8, world=world, horizon=HORIZON, observation="history")


class Recorder(UniformAgent):
    """Keeps all feedback that it is given."""

    def __init__(self, catalogue):
        super().__init__(catalogue)
        self.given = []

    def update(self, feedback):
        self.given.append(feedback)
        return {}


class OwnLoop(UniformAgent):
    """Owns its loop."""

    training_steps = 700

    def __init__(self, catalogue):
        super().__init__(catalogue)
        self.shares = []

    def learn(self, env, steps, *, rng, progress=None):
        self.shares.append(steps)
        progress(steps, steps)
        return {"session_reward": 2.0, "step_reward": 1.0, "session_length": 2.0, "sessions": 3}


class OnlyProbabilities:
    def probabilities(self, request):
        return (request.candidates == request.candidates.max(axis=1, keepdims=True)).astype(float)


def flat_rows(feedbacks, pick):
    return np.concatenate([np.asarray(pick(one)) for one in feedbacks])


def test_feedback_is_whole_sessions_without_the_steps_in_which_slots_start_anew(env):
    agent = Recorder(env.catalogue)
    train(agent, env, 400, rng=np.random.default_rng(0))
    shown = flat_rows(agent.given, lambda f: f.request.observation["shown"])
    after = flat_rows(agent.given, lambda f: f.next_request.observation["shown"])
    item = flat_rows(agent.given, lambda f: f.decision.items[:, 0])
    reward = flat_rows(agent.given, lambda f: f.reward)
    step = (shown >= 0).sum(axis=1)
    # In every row the item joins the history, also in the last one of a session: none crosses a reset.
    assert_array_equal(after[np.arange(len(item)), step], item)
    assert_array_equal((after >= 0).sum(axis=1), step + 1)
    assert (reward >= 1).all()
    assert len(item) >= 400


def test_requests_name_the_user_and_what_may_be_shown(env):
    agent = Recorder(env.catalogue)
    train(agent, env, 400, rng=np.random.default_rng(0))
    for feedback in agent.given:
        request, following = feedback.request, feedback.next_request
        assert_array_equal(request.users, following.users)
        features = env.world.user_features[request.users]
        assert_array_equal(request.observation["features"][:, : features.shape[1]], features)
        hidden = np.where(request.candidates < 0, np.arange(env.world.n_items), -1)
        for row, seen in zip(hidden, request.observation["shown"], strict=True):
            assert set(row[row >= 0]) == set(seen[seen >= 0])
    assert len(set(flat_rows(agent.given, lambda f: f.request.users).tolist())) > 30


def test_training_repeats_with_the_same_generator(env):
    curves = [train(UniformAgent(env.catalogue), env, 300, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert curves[0] == curves[1]
    assert curves[0] != curves[2]


def test_without_an_evaluation_the_curve_shows_the_sessions_of_training(env):
    agent = Recorder(env.catalogue)
    curve = train(agent, env, 600, rng=np.random.default_rng(0), eval_every=200)
    assert curve.steps == (200, 400, 600)
    assert curve.measured == "training"
    assert sum(curve.sessions) == flat_rows(agent.given, lambda f: f.terminated | f.truncated).sum()
    for total, per_step, length in zip(curve.session_reward, curve.step_reward, curve.session_length, strict=True):
        assert total == pytest.approx(per_step * length)
        assert 1 < length <= HORIZON


def test_with_an_evaluation_the_curve_shows_every_user_greedily(env):
    agent = PopularityAgent(env.catalogue)
    curve = train(agent, env, 40, rng=np.random.default_rng(0), eval_env=env, eval_every=20, eval_seed=4)
    expected = evaluate_sessions(agent, env, seed=4)
    assert curve.session_reward == (expected.session_reward,) * 2
    assert curve.sessions == (50, 50)
    assert curve.measured == "evaluation"


def test_an_agent_that_owns_its_loop_is_asked_to_learn_in_shares(env):
    agent, seen = OwnLoop(env.catalogue), []
    curve = train(
        agent,
        env,
        250,
        rng=np.random.default_rng(0),
        eval_every=100,
        progress=lambda done, steps: seen.append((done, steps)),
    )
    assert agent.shares == [100, 100, 50]
    assert seen == [(100, 250), (200, 250), (250, 250)]
    assert curve.session_reward == (2.0, 2.0, 2.0)


def test_progress_counts_to_the_end(env):
    seen = []
    train(UniformAgent(env.catalogue), env, 100, rng=np.random.default_rng(0), progress=lambda *both: seen.append(both))
    assert seen[-1] == (100, 100)
    assert seen == sorted(seen)


def test_no_steps_train_nothing(env):
    curve = train(UniformAgent(env.catalogue), env, 0, rng=np.random.default_rng(0))
    assert curve.steps == ()
    assert "nothing was measured" in curve.summary()


@pytest.mark.parametrize("options", [{"steps": -1}, {"steps": 10, "eval_every": 0}])
def test_impossible_budgets_are_refused(env, options):
    with pytest.raises(ValueError, match="steps must be 0 or more"):
        train(UniformAgent(env.catalogue), env, rng=np.random.default_rng(0), **options)


def test_an_environment_that_starts_anew_in_another_way_is_refused(world):
    env = RecSysVectorEnv(4, world=world, autoreset_mode=AutoresetMode.SAME_STEP)
    with pytest.raises(ValueError, match="NEXT_STEP"):
        train(UniformAgent(env.catalogue), env, 10, rng=np.random.default_rng(0))


def test_the_budget_is_the_agents_own(env):
    assert default_steps(OwnLoop(env.catalogue)) == 700
    assert default_steps(UniformAgent(env.catalogue)) == 0
    assert default_steps(OnlyProbabilities()) == 100_000


def test_every_user_is_run_once_and_equals_a_single_environment(world):
    config = EnvConfig(world=world, horizon=HORIZON)
    agent = PopularityAgent(RecSysEnv(config).catalogue)
    sessions = evaluate_sessions(agent, config, seed=20)
    assert_array_equal(sessions.user, np.arange(50))
    order = np.argsort(-agent.popularity, kind="stable")
    for user in (0, 17, 49):
        env = RecSysEnv(config)
        env.reset(seed=20 + user, options={"user": user})
        total, ended = 0.0, False
        for step in range(sessions.length[user]):
            assert not ended
            _, reward, terminated, truncated, _ = env.step(int(order[step]))
            total, ended = total + reward, terminated or truncated
        assert ended
        assert sessions.reward[user] == total


def test_users_that_are_asked_for_are_run_in_their_order(env):
    sessions = evaluate_sessions(PopularityAgent(env.catalogue), env, users=[7, 3], seed=1)
    assert_array_equal(sessions.user, [7, 3])


def test_the_result_does_not_depend_on_how_many_users_run_at_once(env, monkeypatch):
    whole = evaluate_sessions(PopularityAgent(env.catalogue), env, seed=5)
    monkeypatch.setattr("recenv.sessions.USERS_AT_ONCE", 7)
    parts = evaluate_sessions(PopularityAgent(env.catalogue), env, seed=5)
    assert_array_equal(whole.reward, parts.reward)
    assert_array_equal(whole.length, parts.length)


def test_rounds_repeat_the_users_under_fresh_noise(env):
    sessions = evaluate_sessions(PopularityAgent(env.catalogue), env, users=np.arange(10), rounds=3, seed=5)
    assert_array_equal(sessions.user, np.tile(np.arange(10), 3))
    assert not np.array_equal(sessions.reward[:10], sessions.reward[10:20])
    again = evaluate_sessions(PopularityAgent(env.catalogue), env, users=np.arange(10), rounds=1, seed=15)
    assert_array_equal(sessions.reward[10:20], again.reward)


def test_two_agents_that_decide_alike_have_equal_sessions(env):
    class Same(PopularityAgent):
        pass

    one, two = (evaluate_sessions(kind(env.catalogue), env, seed=2) for kind in (PopularityAgent, Same))
    assert_array_equal(one.reward, two.reward)


def test_exploring_draws_from_the_seed(env):
    one, two, other = (evaluate_sessions(UniformAgent(env.catalogue), env, seed=s, explore=True) for s in (1, 1, 2))
    assert_array_equal(one.reward, two.reward)
    assert not np.array_equal(one.reward, other.reward)


def test_a_policy_that_has_only_probabilities_can_be_evaluated(env):
    sessions = evaluate_sessions(OnlyProbabilities(), env, users=[0, 1, 2])
    assert (sessions.reward >= sessions.length).all()


@pytest.mark.parametrize("options", [{"users": []}, {"rounds": 0}])
def test_nobody_to_run_is_refused(env, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        evaluate_sessions(UniformAgent(env.catalogue), env, **options)


def test_totals_are_the_metric_and_leaving_early_does_not_pay():
    sessions = Sessions(np.array([0, 1]), np.array([5.0, 60.0]), np.array([1, 20]))
    assert sessions.session_reward == 32.5
    assert sessions.step_reward == pytest.approx(65 / 21)


def test_a_reports_interval_is_by_user():
    sessions = Sessions(np.array([0, 1, 0, 1]), np.array([1.0, 5.0, 3.0, 7.0]), np.array([1, 2, 3, 4]))
    numbers = sessions.for_report()
    assert numbers["value"] == 4.0
    half = 1.96 * math.sqrt(8.0) / math.sqrt(2)  # the users' means are 2 and 6
    assert_allclose([numbers["low"], numbers["high"]], [4 - half, 4 + half])
    assert numbers["mean_length"] == 2.5


def test_an_empty_position_of_a_slate_becomes_a_repeat():
    decision = Decision(np.array([[4, -1, 2], [3, 1, -1]]), np.ones(2))
    assert_array_equal(env_actions(decision), [[4, 4, 2], [3, 1, 3]])
    assert_array_equal(env_actions(Decision(np.array([[4], [2]]), np.ones(2))), [4, 2])


def test_showing_nothing_is_refused_with_the_row():
    with pytest.raises(ValueError, match="nothing to row 1"):
        env_actions(Decision(np.array([[4], [-1]]), np.ones(2)))


CURVE = LearningCurve((10, 20), (math.nan, 3.5), (math.nan, 0.5), (math.nan, 7.0), (0, 4))


def test_a_curve_survives_csv(tmp_path):
    CURVE.to_csv(tmp_path / "curve.csv")
    assert (tmp_path / "curve.csv").read_text().splitlines() == [
        "steps,session_reward,step_reward,session_length,sessions,measured",
        "10,nan,nan,nan,0,training",
        "20,3.5,0.5,7.0,4,training",
    ]
    again = LearningCurve.read_csv(tmp_path / "curve.csv")
    assert repr(again) == repr(CURVE)


def test_a_curve_without_points_survives_csv(tmp_path):
    LearningCurve((), (), (), (), ()).to_csv(tmp_path / "curve.csv")
    assert LearningCurve.read_csv(tmp_path / "curve.csv").steps == ()


def test_a_curve_is_written_as_json_with_null_for_what_was_not_measured(tmp_path):
    CURVE.to_json(tmp_path / "curve.json")
    content = json.loads((tmp_path / "curve.json").read_text())
    assert content["session_reward"] == [None, 3.5]
    assert content["measured"] == "training"


def test_a_report_gets_only_what_was_measured():
    assert CURVE.for_report() == ((20,), (3.5,))
    assert CURVE.summary().startswith("3.50 reward a session after 20 user steps")


def test_a_damaged_curve_is_refused_with_its_row(tmp_path):
    path = tmp_path / "curve.csv"
    CURVE.to_csv(path)
    path.write_text(path.read_text().replace("20,3.5", "20,much"))
    with pytest.raises(ValueError, match="row 1: session_reward is 'much'"):
        LearningCurve.read_csv(path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="not a learning curve"):
        LearningCurve.read_csv(path)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="same length"):
        LearningCurve((1, 2), (1.0,), (1.0,), (1.0,), (1,))


@pytest.mark.parametrize("agent", ["linucb", UniformAgent])
def test_what_is_no_agent_is_refused_with_how_to_make_it(env, agent):
    with pytest.raises(TypeError, match=r"agent must be an agent, .* make_agent\(.*, env\.catalogue\)"):
        train(agent, env, 10, rng=np.random.default_rng(0))


def test_what_is_no_generator_is_refused(env):
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator, got 3"):
        train(UniformAgent(env.catalogue), env, 10, rng=3)


def test_steps_are_whole_however_they_are_written(env):
    curve = train(UniformAgent(env.catalogue), env, 1e2, rng=np.random.default_rng(0))
    assert curve.steps[-1] == 100
    assert isinstance(curve.steps[-1], int)
    with pytest.raises(ValueError, match="steps must be a whole number"):
        train(UniformAgent(env.catalogue), env, 1.5, rng=np.random.default_rng(0))
