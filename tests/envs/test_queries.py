import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recenv.causal import Behaviour, World
from recenv.envs import RecSysEnv, RecSysVectorEnv

from .any_behaviour import ANY_BEHAVIOUR, Drawing, Rising
from .episodes import assert_equal_observations
from .test_addressing import actions_of

WORLD = World.synthetic(2, users=12, items=20, dims=2, topics=3)
OPTIONS = {"world": WORLD, "horizon": 5}


def begun(batch=4, steps=2, **options):
    env = RecSysVectorEnv(batch, **{**OPTIONS, **options})
    env.reset(seed=0)
    for action in actions_of(steps, batch, 20):
        env.step(action)
    return env


def test_the_effect_at_this_step_is_the_difference_of_the_potential_outcomes():
    env = begun(repeat=True, behaviour=Behaviour(funnel=1.0, leaving=0.0))
    found, potential = env.treatment_effect(3, [4, 5, 6, 7]), env.potential_outcomes()
    rows = np.arange(4)
    one, other = potential[rows, 3], potential[rows, [4, 5, 6, 7]]
    for name in ("clicked", "purchased", "consumed", "liked", "organic", "uplift", "attraction", "satisfaction"):
        np.testing.assert_array_equal(found.difference[name], one[name].astype(float) - other[name])
    earned = [np.where(row["consumed"], row["rating"], 0.0) for row in (one, other)]
    np.testing.assert_array_equal(found.reward, earned[0] - earned[1])
    assert np.any(found.difference["clicked"] != 0)


def test_the_effect_on_the_rest_of_the_session_is_two_counterfactuals():
    env = begun(behaviour=Behaviour(leaving=0.5, boredom=5.0, drift=0.3))
    for horizon, ends in ((2, 4), (None, 5), (50, 5)):
        found = env.treatment_effect(18, 19, horizon=horizon, policy=Rising())
        assert found.a.reached.shape[1] == ends - 2
        plan = found.a.outcomes["item"][:, :, 0]
        again = env.counterfactual(plan, start=2)
        np.testing.assert_array_equal(again.reward, found.a.reward)
        np.testing.assert_array_equal(found.reward, found.a.totals["reward"] - found.b.totals["reward"])
        assert np.all(plan[:, 0] == 18)


def test_no_difference_between_an_item_and_itself():
    found = begun().treatment_effect(3, 3, horizon=None, policy=Drawing())
    assert all(np.all(value == 0) for value in found.difference.values())


def test_slates_are_compared_as_slates():
    env = begun(slate_size=2, steps=0, horizon=3, behaviour="off")
    found = env.treatment_effect([1, 2], [[2, 1], [3, 4], [1, 2], [-1, -1]])
    assert found.difference["satisfaction"][2] == 0
    assert found.difference["rating"][3] == found.a.totals["rating"][3]
    assert found.a.outcomes["item"][1, 0].tolist() == [1, 2]
    assert found.b.outcomes["item"][1, 0].tolist() == [3, 4]


def test_who_has_left_has_no_effect_and_no_expectation():
    env = RecSysVectorEnv(30, world=WORLD, behaviour=Behaviour(h0=0.5, h1=0.0), horizon=5)
    env.reset(seed=0)
    env.step(np.zeros(30, int))
    gone = env.get_state().done
    assert 0 < gone.sum() < 30
    np.testing.assert_array_equal(np.isnan(env.treatment_effect(1, 2).reward), gone)
    np.testing.assert_array_equal(np.isnan(env.expected_outcomes()["clicked"]).all(1), gone)
    np.testing.assert_array_equal(np.isnan(env.potential_rewards()).all(1), gone)
    np.testing.assert_array_equal((env.potential_outcomes()["item"] == -1).all(1), gone)


@pytest.mark.parametrize(
    "ask",
    [
        lambda e: e.treatment_effect(1, 2),
        lambda e: e.expected_outcomes(),
        lambda e: e.potential_outcomes(),
        lambda e: e.potential_rewards(),
    ],
)
def test_questions_about_the_next_step_need_one(ask):
    for env in (RecSysEnv(world=WORLD, horizon=1), RecSysVectorEnv(1, world=WORLD, horizon=1)):
        with pytest.raises(RuntimeError, match="no episode was begun"):
            ask(env)
        env.reset(seed=0)
        env.step(0 if isinstance(env, RecSysEnv) else np.zeros(1, int))
        with pytest.raises(RuntimeError, match="has ended"):
            ask(env)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"a": 20, "b": 1}, ValueError, "action 20"),
        ({"a": [1, 2], "b": 1}, ValueError, r"a must have shape \(\) or \(4,\)"),
        ({"a": 1, "b": 1.5}, TypeError, "whole numbers"),
        ({"a": 1, "b": 2, "horizon": 3}, ValueError, "policy="),
        ({"a": 1, "b": 2, "horizon": None}, ValueError, "policy="),
        ({"a": 1, "b": 2, "horizon": 0, "policy": Rising()}, ValueError, "horizon must be"),
        ({"a": 1, "b": 2, "horizon": 2, "policy": 7}, TypeError, "policy must have"),
    ],
)
def test_impossible_treatments_are_refused_by_name(arguments, error, says):
    with pytest.raises(error, match=says):
        begun().treatment_effect(**arguments)


def ask_all(env, item, other):
    """Every query of an environment, as comparable arrays."""
    effect = env.treatment_effect(item, other, horizon=2, policy=Drawing())
    explained = env.explain()
    return {
        "expected": env.expected_outcomes(),
        "prior": env.expected_outcomes("prior"),
        "potential": env.potential_outcomes(),
        **{f"effect.{name}": value for name, value in effect.difference.items()},
        "explained": explained.outcome,
    }


@settings(max_examples=20, deadline=None, derandomize=True)
@given(behaviour=ANY_BEHAVIOUR, slate=st.integers(1, 2), seed=st.integers(0, 2**33), repeat=st.booleans())
def test_queries_answer_alike_alone_and_in_any_batch_and_change_nothing(behaviour, slate, seed, repeat):
    options = {**OPTIONS, "behaviour": behaviour.__class__(**{**vars(behaviour), "leaving": 0.0})}
    options |= {"slate_size": slate, "repeat": repeat}
    env, unasked = (RecSysVectorEnv(3, **options) for _ in range(2))
    actions = actions_of(4, 3, 20, slate, seed=seed)
    item, other = (list(range(3, 3 + slate)), list(range(9, 9 + slate))) if slate > 1 else (3, 9)
    for one in (env, unasked):
        one.reset(seed=seed)
    singles = [RecSysEnv(**options) for _ in range(3)]
    for i, single in enumerate(singles):
        single.reset(seed=seed + i)
    for action in actions:
        records = [one.step(action) for one in (env, unasked)]
        assert_equal_observations(records[0][0], records[1][0])
        for column, same in zip(records[0][1:4], records[1][1:4], strict=True):
            np.testing.assert_array_equal(column, same)
        np.testing.assert_array_equal(env.outcome, unasked.outcome)
        together = ask_all(env, item, other)
        if env.get_state().slot["step"][0] < 3:
            env.counterfactual(Drawing())
            for name, value in ask_all(env, item, other).items():
                np.testing.assert_array_equal(value, together[name], err_msg=name)
        for i, single in enumerate(singles):
            single.step(action[i])
            for name, value in ask_all(single, item, other).items():
                np.testing.assert_array_equal(value, together[name][i], err_msg=name)
        if env.get_state().slot["step"][0] == 4:
            break


@pytest.mark.parametrize("observation", ["features", "history"])
def test_a_slots_state_goes_to_a_single_environment_and_back(observation):
    options = {**OPTIONS, "observation": observation, "behaviour": Behaviour(leaving=0.0)}
    env, copy = (begun(steps=0, **options) for _ in range(2))
    actions = actions_of(5, 4, 20, seed=9)
    for j in range(2):
        env.step(actions[j])
        copy.step(actions[j])
    single = RecSysEnv(**options)
    single.set_state(env.get_state([2]))
    _, reward, *_ = single.step(int(actions[2, 2]))
    for slot in (0, 1, 3):
        assert env.get_state([slot]).slot["step"] == 2
    env.set_state(single.get_state(), [2])
    copy.step(actions[2])
    env.core.step(actions[2][:, None], np.array([True, True, False, True]))
    for j in (3, 4):
        one, other = env.step(actions[j]), copy.step(actions[j])
        assert_equal_observations(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
    assert reward == env.counterfactual(actions.T).reward[2, 2]


def test_a_state_goes_into_an_environment_that_was_never_reset():
    env = begun(batch=2)
    fresh = RecSysVectorEnv(2, **OPTIONS)
    fresh.set_state(env.get_state())
    np.testing.assert_array_equal(fresh.step(np.array([18, 19]))[1], env.step(np.array([18, 19]))[1])


def test_a_state_that_does_not_fit_is_refused():
    env = begun(batch=3)
    with pytest.raises(ValueError, match=r"state.slot must have shape \(3,\), got \(2,\)"):
        env.set_state(env.get_state([0, 1]))
    with pytest.raises(ValueError, match=r"state.shown must have shape \(3, 5\)"):
        env.set_state(begun(batch=3, horizon=4).get_state())
    with pytest.raises(ValueError, match="slots must be 0 to 2"):
        env.get_state([3])
    with pytest.raises(ValueError, match="different whole numbers"):
        env.set_state(env.get_state([0, 1]), [1, 1])
