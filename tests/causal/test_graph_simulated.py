"""Every independence that the graph claims holds in simulated data, and the dependences that matter do not."""

import dataclasses
import itertools

import numpy as np
import pytest

from recenv.causal import Behaviour, World
from recenv.envs.config import EnvConfig
from recenv.envs.core import BatchCore

DRAWS, LEVEL = 20_000, 1e-3
"""Users simulated a world, and the level of all tests of a world together (Bonferroni)."""
BEHAVIOURS = {
    "all on": Behaviour(funnel=1.0, leaving=0.0, confounding=3.0, boredom=3.0, drift=0.3, discovery=1.0),
    "off": Behaviour.off(),
    "no coupling": Behaviour(funnel=1.0, leaving=0.0, coupling=0.0, confounding=2.0, adapt=0.5),
    "multinomial": Behaviour(funnel=1.0, leaving=0.0, choice="multinomial", boredom=0.0, drift=0.0),
}


def random_behaviour(seed):
    """Return a behaviour with each mechanism on or off by a coin, and of random strength where it is on."""
    rng = np.random.default_rng([seed, 77])
    top = {"attract": 2, "conformity": 1, "exposure": 1, "coupling": 0.9, "noise_correlation": 0.5, "funnel": 1}
    top |= {"discovery": 1, "boredom": 3, "drift": 0.4, "adapt": 0.5, "confounding": 3, "phi": 0.9, "rho": 0.8}
    drawn = {name: float(rng.random() < 0.6) * high * rng.uniform(0.5, 1) for name, high in top.items()}
    choice = str(rng.choice(["position", "cascade", "multinomial"]))
    return Behaviour(**{**drawn, "funnel": float(drawn["funnel"] > 0)}, leaving=0.0, choice=choice)


BEHAVIOURS |= {f"random {seed}": random_behaviour(seed) for seed in range(6)}
BEHAVIOURS["elsewhere"] = Behaviour(funnel=1.0, leaving=0.0, boredom=3.0, drift=0.3, adapt=0.5, organic_rate=0.8)


def simulate(behaviour, seed, *, mood_weight=0.0, held=None):
    """Return node -> (DRAWS,) a number of it, from a policy that sees the profile and, with a weight, the mood."""
    world = dataclasses.replace(World.synthetic(seed, users=400, items=12, dims=2, topics=3), behaviour=behaviour)
    world = world.do(**held) if held else world
    core = BatchCore(EnvConfig(world=world, feedback="simulated", horizon=2, repeat=True), DRAWS)
    core.seed(np.arange(DRAWS) + 1_000_000 * seed)
    core.begin()
    rng = np.random.default_rng(seed)
    user, found = core.state.user.copy(), {}
    profile = world.user_features[user, 0].astype(float)
    seen = profile
    for step in (0, 1):
        mood = core.state.mood.copy()
        found[f"mood_{step}"], found[f"trust_{step}"] = mood, core.state.trust.copy()
        found[f"taste_{step}"] = core.state.taste[:, 0].copy()
        found[f"satiation_{step}"] = core.state.satiation[:, 0].copy()
        found[f"history_{step}"] = seen.copy()
        score = np.outer(seen, world.embedding[:, 0]) + mood_weight * np.outer(np.tanh(mood), world.comfort)
        action = np.argmax(score + rng.gumbel(size=score.shape), axis=1)
        core.step(action[:, None])
        out = core.out.outcome[:, 0]
        found[f"action_{step}"] = world.embedding[action, 0]
        found[f"comfort_{step}"] = world.comfort[action]
        for name in ("attraction", "satisfaction"):
            found[f"{name}_{step}"] = out[name].copy()
        for name, column in (
            ("click", "clicked"),
            ("purchase", "purchased"),
            ("organic", "organic"),
            ("uplift", "uplift"),
        ):
            found[f"{name}_{step}"] = out[column].astype(float)
        found[f"elsewhere_{step}"] = core.out.elsewhere["level"].astype(float)
        found[f"rating_{step}"] = np.where(out["consumed"], out["rating"], 0.0)
        seen = profile + 0.5 * (found[f"rating_{step}"] - 3.0)
    return found


def p_value(a, b):
    """Return p of no rank correlation; 1 where one of them is constant."""
    from scipy.stats import spearmanr

    return 1.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else float(spearmanr(a, b).pvalue)


def plain_nodes(found):
    return [name for name in found if not name.startswith("comfort")]


@pytest.mark.parametrize(("name", "seed"), [(name, 1 + k) for k, name in enumerate(BEHAVIOURS)])
def test_d_separated_variables_are_uncorrelated(name, seed):
    world_graph = World.synthetic(0, users=10, items=10).do(**dataclasses.asdict(BEHAVIOURS[name])).graph
    found = simulate(BEHAVIOURS[name], seed)
    pairs = [pair for pair in itertools.combinations(plain_nodes(found), 2) if world_graph.d_separated(*pair)]
    assert len(pairs) > 10
    values = {pair: p_value(found[pair[0]], found[pair[1]]) for pair in pairs}
    assert min(values.values()) > LEVEL / len(pairs), min(values, key=values.get)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("taste_0", "action_0"),  # through the profile
        ("taste_0", "history_0"),
        ("mood_0", "mood_1"),
        ("attraction_0", "click_0"),
        ("click_0", "satisfaction_0"),  # coupled noise
        ("satisfaction_0", "rating_0"),
        ("rating_0", "trust_1"),
        ("rating_0", "action_1"),
        ("action_0", "taste_1"),
    ],
)
def test_connected_variables_that_matter_are_correlated(everything_on, a, b):
    graph, found = everything_on
    assert not graph.d_separated(a, b)
    assert p_value(found[a], found[b]) < 1e-6


@pytest.fixture(scope="module")
def everything_on():
    world = World.synthetic(0, users=10, items=10).do(**dataclasses.asdict(BEHAVIOURS["all on"]))
    return world.graph, simulate(BEHAVIOURS["all on"], 1)


def within(found, name, strata):
    """Return a variable less its mean in each stratum of the others."""
    _, index = np.unique(np.column_stack([found[one] for one in strata]), axis=0, return_inverse=True)
    index = index.ravel()
    return found[name] - (np.bincount(index, weights=found[name]) / np.bincount(index))[index]


@pytest.mark.parametrize(
    ("a", "b", "given", "separated"),
    [
        ("action_0", "action_1", ("history_1",), True),
        ("mood_0", "trust_1", ("rating_0", "trust_0"), True),
        ("mood_0", "trust_1", ("trust_0",), False),
    ],
)
def test_independence_given_what_is_discrete(everything_on, a, b, given, separated):
    graph, found = everything_on
    p = p_value(within(found, a, given), within(found, b, given))
    assert graph.d_separated(a, b, given) is separated
    assert p > LEVEL if separated else p < LEVEL


def test_a_common_effect_connects_its_causes(everything_on):
    graph, found = everything_on
    found = {**found, "felt_0": np.tanh(found["mood_0"]) * found["comfort_0"]}  # of an item, a function of the mood
    for given, separated in ((("action_0",), True), (("action_0", "rating_0"), False)):
        assert graph.d_separated("mood_0", "attraction_0", given) is separated
        p = p_value(within(found, "felt_0", given), within(found, "attraction_0", given))
        assert p > LEVEL if separated else p < LEVEL


@pytest.mark.parametrize("mood_weight", [0.0, 3.0])
def test_a_confounded_log_is_biased_given_the_history_and_no_other_is(mood_weight):
    behaviour = BEHAVIOURS["all on"]
    found = simulate(behaviour, 3, mood_weight=mood_weight)
    graph = World.synthetic(0, users=10, items=10).do(**dataclasses.asdict(behaviour)).graph
    graph = graph.with_confounded_log(mood_weight != 0)
    # The mood has mean 0, so what a reader of the log gets wrong is the mood's mean contribution to what was shown.
    wrong = behaviour.confounding * np.tanh(found["mood_0"]) * found["comfort_0"]
    biased = bool(abs(wrong.mean()) > 4 * wrong.std() / np.sqrt(len(wrong)))
    assert biased is (mood_weight != 0)
    assert graph.closes_back_doors("action_0", "rating_0", ["history_0"]) is not biased
    assert (graph.back_door("action_0", "rating_0") is None) is (mood_weight != 0)


def test_a_held_mood_no_longer_confounds():
    found = simulate(BEHAVIOURS["all on"], 3, mood_weight=3.0, held={"mood": 0.0})
    graph = World.synthetic(0, users=10, items=10).do(mood=0.0).graph.with_confounded_log()
    assert np.all(found["mood_1"] == 0.0)
    assert graph.back_door("action_0", "rating_0") == {"history_0"}
