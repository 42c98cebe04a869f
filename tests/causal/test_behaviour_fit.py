import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from recenv.causal import Behaviour, World
from recenv.causal.behaviour_fit import FITTED, NOT_IDENTIFIED, fit_behaviour
from recenv.causal.observed_sessions import ObservedSessions
from recenv.causal.session_likelihood import session_log_likelihood
from recenv.causal.trajectory import trajectory
from recenv.data import RatingsLog
from recenv.envs import RecSysVectorEnv
from tests.causal.behaviour_sessions import observe

TRUTH = Behaviour(
    funnel=1.0, boredom=2.5, rho=0.6, drift=0.2, confounding=2.0, phi=0.8, coupling=0.6, eta=0.7, tau_click=-0.5,
    tau_buy=0.7, attract=1.3, conformity=0.5, adapt=0.4, h0=-0.5, h1=3.0,
)  # fmt: skip
GUESS = {"boredom": 0.5, "rho": 0.4, "drift": 0.02, "confounding": 0.5, "phi": 0.5, "coupling": 0.0, "eta": 1.5,
         "tau_click": 0.3, "tau_buy": 1.5, "attract": 1.0, "conformity": 0.0, "adapt": 0.1, "h0": -1.0,
         "h1": 1.0}  # fmt: skip


@pytest.fixture(scope="module")
def world():
    return dataclasses.replace(World.synthetic(1, users=300, items=60, dims=4, topics=5), behaviour=TRUTH)


@pytest.fixture(scope="module")
def quiet(world):
    """The same world without the mood, whose sessions are much cheaper to fit."""
    return world.do(confounding=0.0)


@pytest.fixture(scope="module")
def columns(quiet):
    return observe(quiet, 3, users=300)


def fit(world, columns, *which, **assumed):
    guess = {name: GUESS[name] for name in which} | assumed
    ready = dataclasses.replace(world, behaviour=dataclasses.replace(world.behaviour, **guess))
    return fit_behaviour(ObservedSessions(ready, **columns), which)


def assert_recovers(found, truth=TRUTH):
    for strength in found.strengths:
        assert strength.identified, strength
        gap = strength.value - getattr(truth, strength.name)
        assert abs(gap) < 3.5 * strength.std_error, strength
        assert strength.low < strength.value < strength.high
    assert found.log_likelihood > found.assumed_log_likelihood + 10


def test_the_states_along_observed_sessions_are_those_of_the_environment(world):
    env = RecSysVectorEnv(30, world=world.do(leaving=0.0), slate_size=3, horizon=6, autoreset_mode="Disabled")
    env.reset(seed=4)
    rng, users, rows, states = np.random.default_rng(0), env.users, [], []
    for t in range(5):
        actions = np.stack([rng.choice(60, 3, replace=False) for _ in range(30)])
        before = env.get_state()
        env.step(actions)
        out, after = env.outcome.copy(), env.get_state()
        affinity = np.einsum("bd,bkd->bk", before.taste, world.embedding[actions])
        for k in range(3):
            rows.append((np.arange(30), np.full(30, t), np.full(30, k), users, out["item"][:, k],
                         np.where(out["consumed"], out["level"], 0)[:, k], out["clicked"][:, k]))  # fmt: skip
            match = np.einsum("bg,bg->b", before.satiation, world.topic[actions[:, k]])
            states.append((affinity[:, k], match, after.trust))
    flat = [np.concatenate(column) for column in zip(*rows, strict=True)]
    expected = [np.concatenate(column) for column in zip(*states, strict=True)]
    shown = flat[4] >= 0
    names = ("session", "step", "position", "user", "item", "level", "clicked")
    sessions = ObservedSessions(world, **{name: c[shown] for name, c in zip(names, flat, strict=True)})
    found = trajectory(sessions, world.behaviour.dials()[0])
    order = np.lexsort((flat[2][shown], flat[1][shown], flat[0][shown]))
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, want[shown][order], atol=1e-12)


def test_probabilities_of_all_that_can_happen_to_a_shown_item_sum_to_one(world):
    """Not clicked, or clicked and bought or not with each level, seen from the same state."""
    cases = [(0, 0, 0)] + [(level, 1, bought) for level in range(1, 6) for bought in (0, 1)]
    for position, eta in ((0, 0.7), (2, 0.7)):
        total = 0.0
        for level, clicked, bought in cases:
            one = {"session": [0], "step": [0], "position": [position], "user": [5], "item": [9], "level": [level],
                   "clicked": [clicked], "purchased": [bought]}  # fmt: skip
            sessions = ObservedSessions(world, **{name: np.array(value) for name, value in one.items()})
            total += np.exp(session_log_likelihood(sessions, world.do(eta=eta).behaviour.dials()[0])[0])
        assert total == pytest.approx(1.0, abs=1e-6)


def test_all_multinomial_choices_sum_to_one(world):
    total = 0.0
    for chosen in (-1, 0, 1, 2):
        for level in range(1, 6) if chosen >= 0 else (0,):
            took = np.arange(3) == chosen
            sessions = ObservedSessions(
                world, session=np.zeros(3), step=np.zeros(3), position=np.arange(3), user=np.full(3, 5),
                item=np.array([3, 9, 40]), level=took * level, clicked=took,
            )  # fmt: skip
            total += np.exp(session_log_likelihood(sessions, world.do(choice="multinomial").behaviour.dials()[0])[0])
    assert total == pytest.approx(1.0, abs=1e-9)


def test_ratings_in_order_identify_boredom_memory_and_drift(world):
    rated = world.do(funnel=0.0, leaving=0.0, coupling=0.0, confounding=0.0)
    seen = observe(rated, 3, slate=1, horizon=15)
    seen = {name: seen[name] for name in ("session", "step", "position", "user", "item", "level")}
    assert_recovers(fit(rated, seen, "boredom", "rho", "drift"))


def test_clicks_identify_thresholds_weights_and_position_bias(quiet, columns):
    assert_recovers(fit(quiet, columns, "attract", "conformity", "tau_click", "tau_buy", "eta", "coupling"))


def test_exits_identify_leaving_and_trust(quiet, columns):
    assert_recovers(fit(quiet, columns, "adapt", "h0", "h1"))


def test_ratings_along_sessions_identify_the_hidden_mood(world):
    rated = world.do(funnel=0.0, leaving=0.0, coupling=0.0)
    seen = observe(rated, 5, slate=2, horizon=12)
    seen = {name: seen[name] for name in ("session", "step", "position", "user", "item", "level")}
    assert_recovers(fit(rated, seen, "confounding", "phi"))


@pytest.mark.parametrize("choice", ["cascade", "multinomial"])
def test_other_ways_of_reading_a_slate_are_fitted_by_their_own_likelihood(world, choice):
    other = world.do(choice=choice, coupling=0.0)
    seen = observe(other, 3)
    right = (
        fit(other, seen, "attract", "conformity")
        if choice == "multinomial"
        else fit(other, seen, "attract", "conformity", "tau_click")
    )
    assert_recovers(right, other.behaviour)
    wrong = ObservedSessions(other.do(choice="position"), **seen)
    assert fit_behaviour(wrong, ["attract", "conformity"]).log_likelihood < right.log_likelihood - 20


def test_an_item_that_was_rated_before_is_no_new_evidence(quiet):
    """Liked once, liked again: taken as two opinions this would look like drift."""
    still = quiet.do(drift=0.0, boredom=0.0, funnel=0.0, leaving=0.0, coupling=0.0)
    seen = observe(still, 3, users=300, slate=1, horizon=25, items=5)
    found = fit(still, {name: seen[name] for name in ("session", "step", "position", "user", "item", "level")}, "drift")
    assert found["drift"].low < 0.01


def test_rated_before_is_by_user_and_item(world):
    sessions = ObservedSessions(
        world, session=np.array([0, 0, 0, 1, 2]), step=np.array([0, 1, 2, 0, 0]), position=np.zeros(5),
        user=np.array([4, 4, 4, 4, 5]), item=np.array([7, 7, 7, 7, 7]), level=np.array([0, 3, 0, 2, 1]),
    )  # fmt: skip
    np.testing.assert_array_equal(sessions.fresh, [True, True, False, False, True])


def test_the_fitted_behaviour_plays(quiet, columns):
    found = fit(quiet, columns, "eta", "tau_click")
    assert found.behaviour.eta == found["eta"].value
    assert found.behaviour.boredom == TRUTH.boredom
    assert "eta" in str(found)
    assert "95% interval" in str(found)


def test_a_memory_of_boredom_that_is_off_is_not_identified_but_said_so(world, columns):
    calm = world.do(boredom=0.0, confounding=0.0)
    found = fit(calm, observe(calm, 8, users=150), "boredom", "rho")
    assert found["boredom"].low == 0.0
    assert not found["rho"].identified or found["rho"].high - found["rho"].low > 0.5


@pytest.mark.parametrize(
    ("name", "drop", "message"),
    [
        ("eta", {"position": 0}, "every item was shown at one position"),
        ("boredom", {"level": 0}, "no item has a rating"),
        ("tau_click", {"clicked": None}, "give clicked"),
        ("tau_buy", {"purchased": None}, "give purchased"),
        ("h0", {"left": None}, "give left"),
    ],
)
def test_what_the_log_does_not_hold_is_not_fitted(world, columns, name, drop, message):
    first = columns["position"] == 0
    seen = {key: value[first] for key, value in columns.items()}
    for key, value in drop.items():
        seen[key] = None if value is None else np.full(first.sum(), value)
    with pytest.raises(ValueError, match=f"{name} is not identified by these sessions: .*{message}"):
        fit(world, seen, name)


@pytest.mark.parametrize("name", NOT_IDENTIFIED)
def test_what_no_log_identifies_is_refused_with_the_reason(world, columns, name):
    with pytest.raises(ValueError, match=f"{name} is not identified"):
        fit_behaviour(ObservedSessions(world, **columns), [name])


def test_what_nothing_reads_is_refused(world, columns):
    for name, off in (("rho", {"boredom": 0.0}), ("phi", {"confounding": 0.0}), ("h0", {"leaving": 0.0}),
                      ("eta", {"choice": "cascade"}), ("adapt", {"h1": 0.0})):  # fmt: skip
        with pytest.raises(ValueError, match=f"{name} is not identified"):
            fit(world, columns, name, **off)
    with pytest.raises(ValueError, match="knows no strength 'charm'"):
        fit_behaviour(ObservedSessions(world, **columns), ["charm"])


def test_every_field_of_the_behaviour_is_either_fitted_or_refused_with_a_reason():
    assert set(FITTED) | set(NOT_IDENTIFIED) == {field.name for field in dataclasses.fields(Behaviour)}


def test_a_ratings_log_is_one_session_a_user_in_its_order(world):
    log = RatingsLog(
        name="two", user=np.array([0, 1, 0]), item=np.array([1, 0, 0]), rating=np.array([5.0, 2.0, 1.0]),
        user_ids=np.array(["7", "3"]), item_ids=np.array(["20", "4"]), levels=np.array([1.0, 2.0, 5.0]),
    )  # fmt: skip
    sessions = ObservedSessions.from_log(log, world)
    np.testing.assert_array_equal(sessions.user, [7, 7, 3])
    np.testing.assert_array_equal(sessions.item, [4, 20, 20])
    np.testing.assert_array_equal(sessions.level, [5, 1, 2])
    np.testing.assert_array_equal(sessions.step, [0, 1, 0])


def test_a_frame_is_read_as_a_ratings_log(world):
    import pandas as pd

    frame = pd.DataFrame({"user_id": ["7", "3", "7"], "item_id": ["4", "20", "20"], "rating": [5, 2, 1]})
    sessions = ObservedSessions.from_log(frame, world)
    np.testing.assert_array_equal(sessions.user, [3, 7, 7])
    np.testing.assert_array_equal(sessions.item, [20, 4, 20])
    np.testing.assert_array_equal(sessions.level, [2, 5, 1])


def test_logged_feedback_says_what_its_reward_is(world, columns):
    n = len(columns["item"])
    names = ("step", "position", "user", "item")
    log = SimpleNamespace(
        episode=columns["session"], terminated=columns["left"], reward=columns["clicked"] * 1.0,
        meta={"reward": "click"}, **{name: columns[name] for name in names},
    )  # fmt: skip
    sessions = ObservedSessions.from_feedback(log, world)
    order = np.lexsort((columns["position"], columns["step"], columns["session"]))
    np.testing.assert_array_equal(sessions.clicked, columns["clicked"][order])
    log.reward, log.meta = columns["level"] * 1.0, {"reward": "rating"}
    np.testing.assert_array_equal(ObservedSessions.from_feedback(log, world).level, columns["level"][order])
    with pytest.raises(ValueError, match="the rating 0 or no rating"):
        ObservedSessions.from_feedback(log, dataclasses.replace(world, scale=world.scale - 1.0))
    log.reward, log.meta = np.zeros(n), {"reward": "like"}
    with pytest.raises(ValueError, match="'like'"):
        ObservedSessions.from_feedback(log, world)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"item": 99}, "item must be in 0 to 59; row 0 .* has 99"),
        ({"level": 7}, "level must be in 0 to 5"),
        ({"level": 3, "clicked": 0}, "not clicked must have level 0"),
    ],
)
def test_rows_that_cannot_be_are_refused(world, columns, change, message):
    seen = {name: column.copy() for name, column in columns.items()}
    for name, value in change.items():
        seen[name][0] = value
    with pytest.raises(ValueError, match=message):
        ObservedSessions(world, **seen)
