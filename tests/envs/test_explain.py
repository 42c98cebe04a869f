import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recenv.causal import Behaviour, World
from recenv.causal.abduction import world_key
from recenv.causal.noise import OPINION, SHARED_OPINION, opinion_uniform
from recenv.envs import RecSysEnv, RecSysVectorEnv
from recenv.envs.explaining import OPINIONS
from recenv.protocol import Decision

from .any_behaviour import ANY_BEHAVIOUR
from .test_addressing import actions_of

WORLD = World.synthetic(2, users=12, items=20, dims=2, topics=3)


def total(table):
    return sum(table[name] for name in table.dtype.names)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    behaviour=ANY_BEHAVIOUR,
    slate=st.integers(1, 3),
    mode=st.sampled_from(["NextStep", "SameStep"]),
    feedback=st.sampled_from(["hybrid", "simulated"]),
    seed=st.integers(0, 2**33),
)
def test_the_shares_of_every_response_add_up_across_autoresets(behaviour, slate, mode, feedback, seed):
    env = RecSysVectorEnv(
        4, world=WORLD, behaviour=behaviour, slate_size=slate, horizon=3, feedback=feedback, autoreset_mode=mode
    )
    env.reset(seed=seed, options={"users": np.array([0, -1, 5, 11])})
    for action in actions_of(7, 4, 20, slate, seed=seed):
        env.step(action)
        if np.all(env.outcome["item"] < 0):
            continue
        found = env.explain()
        np.testing.assert_array_equal(found.outcome, env.outcome)
        np.testing.assert_allclose(total(found.satisfaction), env.outcome["satisfaction"], rtol=0, atol=1e-11)
        np.testing.assert_allclose(total(found.attraction), env.outcome["attraction"], rtol=0, atol=1e-11)
        assert not np.any(total(found.attraction)[env.outcome["item"] < 0])


def test_each_share_is_what_its_equation_says():
    behaviour = Behaviour(
        leaving=0.0, drift=0.5, boredom=4.0, confounding=0.7, attract=1.3, conformity=0.4, exposure=0.6
    )
    env = RecSysEnv(world=WORLD, behaviour=behaviour, horizon=6)
    env.reset(seed=3, options={"user": 7})
    for _ in range(4):
        env.step(int(np.flatnonzero(env.potential_outcomes()["liked"] & env.action_masks())[0]))
    before, item = env.get_state(), int(np.flatnonzero(env.action_masks())[-1])
    env.step(item)
    felt, drawn = (env.explain().shares[name] for name in ("satisfaction", "attraction"))
    expected = {
        "taste": WORLD.taste[7] @ WORLD.embedding[item],
        "drift": (before.taste[0] - WORLD.taste[7]) @ WORLD.embedding[item],
        "user_bias": WORLD.user_bias[7],
        "item_bias": WORLD.item_bias[item],
        "boredom": -4.0 * before.satiation[0] @ WORLD.topic[item],
        "mood": 0.7 * np.tanh(before.mood[0]) * WORLD.comfort[item],
    }
    for name, value in expected.items():
        assert felt[name] == pytest.approx(value, abs=1e-12), name
        assert abs(value) > 1e-4, name
    assert drawn["taste"] == pytest.approx(1.3 * before.taste[0] @ WORLD.embedding[item])
    assert drawn["conformity"] == pytest.approx(0.4 * WORLD.popularity[item])
    assert drawn["exposure"] == 0.6


def opinion_shares(item, **options):
    env = RecSysEnv(world=WORLD, horizon=3, **options)
    env.reset(seed=0, options={"user": 7})
    env.step(item)
    felt = env.explain().shares["satisfaction"]
    return [felt[name] for name in OPINIONS]


def logit(u):
    return np.log(u / (1 - u))


def test_opinion_noise_is_logged_where_logged_and_else_shared_and_own():
    from scipy import stats

    own = WORLD.pairs.history(7)
    item, unlogged = int(own.item[0]), int(np.setdiff1d(np.arange(20), own.item)[0])
    key = world_key(WORLD.seed)
    u = opinion_uniform(*key, 7, unlogged, OPINION)
    np.testing.assert_allclose(opinion_shares(item), [own.noise[0], 0, 0], atol=1e-12)
    np.testing.assert_allclose(opinion_shares(unlogged), [0, 0, logit(u)], atol=1e-12)
    u_again = opinion_uniform(*key, 7, item, OPINION)
    np.testing.assert_allclose(opinion_shares(item, feedback="simulated"), [0, 0, logit(u_again)], atol=1e-12)
    z, shared = stats.norm.ppf([u, opinion_uniform(*key, 7, 0, SHARED_OPINION)])
    alone, both = (logit(stats.norm.cdf(x)) for x in (0.6 * shared, 0.8 * z + 0.6 * shared))
    found = opinion_shares(unlogged, behaviour=Behaviour(noise_correlation=0.36))
    np.testing.assert_allclose(found, [0, alone, both - alone], atol=1e-9)


def test_the_words_of_a_response():
    env = RecSysEnv(world=WORLD.do(mood=0.0), behaviour=Behaviour(leaving=0.0), horizon=3)
    env.reset(seed=0, options={"user": 7})
    env.step(4)
    found, row = env.explain(), env.outcome[0]
    shown, click, like = found.words
    assert shown == "Shown because the caller chose it."
    verb = "clicked" if row["clicked"] else "not clicked"
    side = "above" if row["clicked"] else "not above"
    assert f"Item 4: {verb}" in click
    assert f"attraction {row['attraction']:.2f} was {side} 0.00" in click
    assert f"being shown {0.5:+.2f}" in click
    assert f"Item 4: {'liked' if row['liked'] else 'not liked'} because" in like
    assert f"passed {row['level'] - 1} of 4 thresholds, a rating of {row['rating']:g}, and a like is 4 or more" in like
    assert f"how this user rates in general {WORLD.user_bias[7]:+.2f}" in like
    assert str(found) == "\n".join(found.words)


def words_of(behaviour, slate=1, seeds=40):
    env = RecSysVectorEnv(seeds, world=WORLD, behaviour=behaviour, slate_size=slate, horizon=2)
    env.reset(seed=0)
    env.step(np.full(seeds, 4) if slate == 1 else np.tile([4, 5, 5], (seeds, 1)))
    return env.outcome, [env.explain().words(i) for i in range(seeds)]


def test_words_say_what_was_not_looked_at_not_consumed_bought_or_empty():
    outcome, words = words_of(Behaviour(funnel=1.0), slate=3)
    for i, text in enumerate(words):
        assert text.count("was not looked at") == (outcome[i, :2]["examined"] == 0).sum()
        assert text.count("not consumed; it would have got") == (outcome[i, :2]["consumed"] == 0).sum()
        assert text.count("and bought, above 1.50") == outcome[i]["purchased"].sum()
        assert text.count("nothing was shown there") == 1
    assert 0 < (outcome["purchased"]).sum() < 40


def test_words_of_a_multinomial_choice_name_the_contest():
    outcome, words = words_of(Behaviour(choice="multinomial"), slate=3)
    for i, text in enumerate(words):
        assert text.count("larger than that of every other shown item and of no click") == outcome[i]["clicked"].sum()
    assert 0 < outcome["clicked"].sum() < 40


def test_shown_because_comes_from_the_decision_and_the_reasons():
    env = RecSysVectorEnv(2, world=WORLD)
    env.reset(seed=0)
    env.step(np.array([4, 5]))
    decision = Decision(np.array([[4], [5]]), np.array([0.25, np.nan]), {"scores": np.array([[1.5], [2.0]])})
    found = env.explain(decision, ["many users of your age liked it", ""])
    assert found.shown == (
        "Shown because the policy chose it with probability 0.25, at a score of 1.5; many users of your age liked it.",
        "Shown because the policy chose it with unknown probability, at a score of 2.",
    )
    assert env.explain(reasons="it is new").shown[1] == "Shown because it is new."
    with pytest.raises(ValueError, match="decision chose item 6 for user 1 at position 0, and item 5 was shown"):
        env.explain(Decision(np.array([[4], [6]]), np.ones(2)))
    with pytest.raises(ValueError, match="items of shape"):
        env.explain(Decision(np.array([4, 5]), np.ones(2)))
    with pytest.raises(ValueError, match="reasons must be one text or 2"):
        env.explain(reasons=["a", "b", "c"])
    with pytest.raises(ValueError, match="a score for each shown item"):
        env.explain(decision._replace(extra={"scores": np.zeros((2, 20))}))


def test_an_explanation_needs_a_response():
    env = RecSysEnv(world=WORLD)
    with pytest.raises(RuntimeError, match="no episode was begun"):
        env.explain()
    env.reset(seed=0)
    with pytest.raises(RuntimeError, match="nothing was shown yet"):
        env.explain()
    env.step(3)
    env.reset()
    with pytest.raises(RuntimeError, match="nothing was shown yet"):
        env.explain()


def test_who_has_not_been_shown_anything_is_told_so():
    env = RecSysVectorEnv(2, world=WORLD, autoreset_mode="Disabled")
    env.reset(seed=0)
    env.step(np.array([3, 4]))
    env.reset(options={"reset_mask": np.array([True, False])})
    found = env.explain()
    assert found.shown[0] == "Nothing was shown yet in this episode."
    assert found.outcome["item"].tolist() == [[-1], [4]]


def test_after_going_back_the_explanation_is_of_the_response_before():
    env = RecSysEnv(world=WORLD, behaviour="off")
    env.reset(seed=0)
    env.step(3)
    here, first = env.get_state(), env.explain()
    env.step(4)
    env.set_state(here)
    assert env.explain().words == first.words


def test_the_words_tell_what_was_consumed_without_being_shown():
    behaviour = Behaviour(organic_rate=1.0, tau_click=-50.0, tau_buy=-50.0, leaving=0.0)
    env = RecSysVectorEnv(6, world=WORLD, behaviour=behaviour, slate_size=2, horizon=4)
    env.reset(seed=0)
    for shown in ([[0, 1]] * 6, [[2, 3]] * 6):
        env.step(np.array(shown))
    met = env.core.out.elsewhere
    assert (met["item"] >= 0).any()
    for slot, one in enumerate(met):
        words = env.explain().of(slot).words
        told = f"{WORLD.titles[one['item']]}: consumed without being shown; it would have got {one['level']}."
        assert (words[-1] == told) is bool(one["item"] >= 0)
