import gymnasium
import numpy as np
import pytest

from recenv import LoggedFeedback, World, collect
from recenv.envs import RecSysVectorEnv
from recenv.protocol import Decision
from tests.feedback.test_rollout import First, Spread


@pytest.fixture(scope="module")
def world():
    return World.synthetic(0, users=80, items=40)


@pytest.fixture(scope="module")
def env(world):
    return RecSysVectorEnv(30, world=world, horizon=6)


@pytest.fixture(scope="module")
def log(env):
    return collect(env, Spread(), rounds=3, seed=5)


def test_a_log_has_whole_sessions_with_their_ends(log):
    assert log.episodes == 90
    last = np.r_[np.diff(log.episode) != 0, True]
    assert ((log.terminated | log.truncated) == last).all()
    assert (np.bincount(log.episode) <= 6).all()


def test_rewards_are_those_of_the_environment_step_by_step(world, log):
    single = gymnasium.make("RecSys-v0", world=world, horizon=6)
    for episode in (0, 17, 30, 89):
        rows = np.flatnonzero(log.episode == episode)
        _, info = single.reset(seed=5 + episode)
        assert info["user"] == log.user[rows[0]]
        for row in rows:
            _, reward, terminated, truncated, _ = single.step(int(log.item[row]))
            assert (reward, terminated, truncated) == (log.reward[row], log.terminated[row], log.truncated[row])


def test_logged_propensities_are_those_the_policy_gives_for_the_log(log):
    request = log.request(np.arange(len(log)))
    place = (request.candidates == log.item[:, None]).argmax(1)
    assert Spread().probabilities(request)[np.arange(len(log)), place] == pytest.approx(log.propensity)


def test_no_item_is_shown_twice_in_a_session(log):
    pairs = log.episode * 1000 + log.item
    assert len(np.unique(pairs)) == len(pairs)


def test_the_same_seed_gives_the_same_log(env, log):
    again = collect(env, Spread(), rounds=3, seed=5)
    assert (again.item == log.item).all()
    assert (collect(env, Spread(), rounds=3, seed=6).item[:50] != log.item[:50]).any()


def test_a_log_survives_the_disk(log, tmp_path):
    log.save(tmp_path / "log.parquet")
    back = LoggedFeedback.read(tmp_path / "log.parquet")
    assert (back.item == log.item).all()
    assert (back.observation["features"] == log.observation["features"]).all()
    assert back.meta["policy"] == "Spread"
    assert back.meta["repeat"] is False


def test_a_policy_made_from_replayed_ratings_is_refused(world):
    class Trained(First):
        trained_on = world.fingerprints["first"]

    env = RecSysVectorEnv(5, world=world, horizon=3)
    with pytest.raises(ValueError, match="held_out"):
        collect(env, Trained())
    assert len(collect(env, Trained(), allow_overlap=True)) > 0
    assert len(collect(RecSysVectorEnv(5, world=world.held_out(), horizon=3), Trained())) > 0
    assert len(collect(RecSysVectorEnv(5, world=world, feedback="simulated", horizon=3), Trained())) > 0


def test_an_unknown_probability_is_refused(env):
    class Unknown(First):
        def act(self, request, *, rng, explore=True):
            decision = super().act(request, rng=rng)
            return Decision(decision.items, np.full(len(decision.items), np.nan))

    with pytest.raises(ValueError, match="probability NaN"):
        collect(env, Unknown())


def test_a_single_environment_can_be_collected_from(world):
    log = collect(gymnasium.make("RecSys-v0", world=world, horizon=4), Spread(), rounds=7, seed=2)
    assert log.episodes == 7


def test_confounding_of_slates_is_refused_by_name(world):
    with pytest.raises(ValueError, match="one item a step; slate_size is 2"):
        collect(RecSysVectorEnv(2, world=world, slate_size=2, horizon=4), Spread(), confounding=0.5)
