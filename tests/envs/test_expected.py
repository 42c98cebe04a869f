import dataclasses

import numpy as np
import pytest

from recenv.causal import Behaviour, World
from recenv.causal.abduction import abduct
from recenv.causal.pairs import LoggedPairs
from recenv.envs import RecSysEnv, RecSysVectorEnv
from recenv.envs.expected import EXPECTED
from recenv.envs.logged_interval import satisfaction_before_noise

WORLD = World.synthetic(3, users=10, items=12, dims=2, topics=3)
CLONES = 20_000


def clones(world, user, ordered):
    """Return a world of many users who are one user with fresh noise; the log of each is that user's."""
    rows, own = np.full(CLONES, user), world.pairs.history(user)
    repeat = lambda column: np.tile(column, CLONES)  # noqa: E731
    pairs = LoggedPairs.from_rows(
        np.repeat(np.arange(CLONES), len(own)), repeat(own.item), repeat(own.level), repeat(own.part)
    )
    many = dataclasses.replace(
        world,
        taste=world.taste[rows],
        user_bias=world.user_bias[rows],
        user_features=world.user_features[rows],
        user_ids=np.arange(CLONES).astype(str),
        pairs=pairs,
    )
    return abduct(many, ordered=ordered)


def many_draws(behaviour, feedback, ordered=False, user=4):
    """Return (environment of one user after two steps, potential outcomes of its clones in that very state)."""
    options = {"horizon": 5, "feedback": feedback, "repeat": True}
    one = abduct(dataclasses.replace(WORLD, behaviour=behaviour), ordered=ordered)
    env = RecSysEnv(world=one, **options)
    env.reset(seed=5, options={"user": user})
    for item in (int(one.pairs.history(user).item[0]), 3):
        env.step(item)
    many = RecSysVectorEnv(CLONES, world=clones(one, user, ordered), **options)
    state = type(env.get_state())(*(np.repeat(column, CLONES, axis=0) for column in env.get_state()))
    state.slot["user"] = state.slot["seed"] = np.arange(CLONES)
    many.set_state(state)
    return env, many.potential_outcomes()


def assert_means(expected, drawn):
    """Every mean within 5 standard errors of what was computed (three events at least)."""
    drawn = {name: drawn[name].astype(float) for name in drawn.dtype.names}
    drawn["rating_consumed"] = np.where(drawn["consumed"] > 0, drawn["rating"], 0.0)
    for name in EXPECTED.names:
        error = drawn[name].mean(0) - expected[name]
        spread = np.maximum(drawn[name].std(0), np.sqrt(3 / CLONES)) / np.sqrt(CLONES)
        assert np.all(np.abs(error) < 5 * spread + 1e-9), (name, error / spread)


BEHAVIOURS = {
    "default": Behaviour(leaving=0.0),
    "funnel": Behaviour(leaving=0.0, funnel=1.0, coupling=0.8, discovery=0.9),
    "against": Behaviour(leaving=0.0, funnel=1.0, coupling=-0.95, confounding=2.0),
    "perfect": Behaviour(leaving=0.0, funnel=1.0, coupling=1.0),
    "uncoupled": Behaviour(leaving=0.0, funnel=1.0, coupling=0.0),
    "shared": Behaviour(leaving=0.0, funnel=1.0, noise_correlation=0.6),
    "multinomial": Behaviour(leaving=0.0, funnel=1.0, choice="multinomial", discovery=1.0, tau_click=-0.3, tau_buy=0.4),
    "off": Behaviour.off(),
}


@pytest.mark.parametrize("name", BEHAVIOURS)
@pytest.mark.parametrize("given", ["log", "prior"])
def test_expectations_are_the_means_over_many_draws(name, given):
    env, drawn = many_draws(BEHAVIOURS[name], "hybrid" if given == "log" else "simulated")
    assert_means(env.expected_outcomes(given), drawn)


def test_a_log_in_the_order_of_consumption_is_read_along_its_own_trajectory():
    behaviour = Behaviour(leaving=0.0, boredom=8.0, drift=0.5, rho=0.5)
    env, drawn = many_draws(behaviour, "hybrid", ordered=True)
    world = env.world
    moved = satisfaction_before_noise(world) - world.base_utility(world.pairs.user, world.pairs.item)
    assert np.abs(moved).max() > 1.0
    assert_means(env.expected_outcomes("log"), drawn)


def test_with_every_mechanism_off_a_logged_pair_is_expected_to_get_its_rating():
    env = RecSysEnv(world=WORLD, behaviour="off", horizon=5)
    env.reset(seed=0, options={"user": 4})
    own, expected = WORLD.pairs.history(4), env.expected_outcomes("log")
    np.testing.assert_allclose(expected["rating"][own.item], WORLD.scale[own.level - 1], rtol=1e-12)
    unlogged = np.setdiff1d(np.arange(12), own.item)
    np.testing.assert_array_equal(expected[unlogged], env.expected_outcomes("prior")[unlogged])
    prior = WORLD.expected_rating(np.full(12, 4), np.arange(12))
    np.testing.assert_allclose(env.expected_outcomes("prior")["rating"], prior, rtol=1e-12)


def test_a_simulated_environment_does_not_know_the_log():
    env = RecSysVectorEnv(3, world=WORLD, feedback="simulated", horizon=5)
    env.reset(seed=0)
    np.testing.assert_array_equal(env.expected_outcomes("log"), env.expected_outcomes("prior"))


def test_expectations_depend_on_the_state_and_not_on_the_seed():
    env = RecSysVectorEnv(2, world=WORLD.do(mood=0.0), horizon=5)
    env.reset(seed=[1, 2], options={"users": np.array([4, 4])})
    first = env.expected_outcomes()
    np.testing.assert_array_equal(first[0], first[1])
    env.step(np.array([1, 7]))
    assert np.any(env.expected_outcomes()[0] != first[0])


def test_unknown_conditions_and_foreign_abductions_are_refused():
    env = RecSysEnv(world=WORLD, horizon=5)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="given must be one of log, prior"):
        env.expected_outcomes("data")
    pairs = dataclasses.replace(WORLD.pairs, noise=WORLD.pairs.noise + 9.0)
    env = RecSysEnv(world=dataclasses.replace(WORLD, pairs=pairs), horizon=5)
    env.reset(seed=0)
    with pytest.raises(ValueError, match='abduct it again, or ask for given="prior"'):
        env.expected_outcomes()
    assert np.isfinite(env.expected_outcomes("prior")["rating"]).all()
