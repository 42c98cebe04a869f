import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from recenv.agents import PopularityAgent, UniformAgent
from recenv.causal import World
from recenv.envs import RecSysVectorEnv
from recenv.fairness import (
    Outcome,
    Watched,
    exposure_in_log,
    fairness_in_world,
    fairness_of_log,
    position_weight,
)
from recenv.feedback import LoggedFeedback, collect
from recenv.groups import Groups
from recenv.report import write_report
from recenv.sessions import evaluate_sessions

ITEMS = Groups("kind", ("a", "b"), np.array([0, 0, 0, 1]))
USERS = Groups("age", ("old", "young", "nobody"), np.array([0, 0, 1, 1]))


def made_log(**changes):
    """Two slates of two for user 0 in two sessions, one of two for each other user."""
    columns = {
        "episode": [0, 0, 1, 1, 2, 2, 3, 3, 4, 4],
        "step": [0] * 10,
        "position": [0, 1] * 5,
        "user": [0, 0, 0, 0, 1, 1, 2, 2, 3, 3],
        "item": [0, 3, 1, 3, 3, 0, 0, 1, 3, 2],
        "reward": [1.0, 0.0, 3.0, 0.0, 4.0, 1.0, 0.0, 0.0, 1.0, 1.0],
        "propensity": [0.5] * 10,
        "terminated": [True] * 10,
        "truncated": [False] * 10,
        **changes,
    }
    return LoggedFeedback(**{name: np.array(column) for name, column in columns.items()}, n_items=4)


@pytest.fixture(scope="module")
def env():
    return RecSysVectorEnv(8, world=World.synthetic(0, users=60, items=40, topics=4), horizon=5)


def test_attention_falls_as_in_discounted_cumulative_gain():
    assert_allclose(position_weight(np.arange(3)), [1.0, 0.6309297535714575, 0.5])


def test_the_share_of_a_group_is_weighted_by_position():
    found = fairness_of_log(made_log(), items=ITEMS)
    low = 0.6309297535714575
    shares = found.exposure
    # Item 3 stands second, second, first, nowhere, first.
    assert shares["b"].share == pytest.approx((2 * low + 2) / (5 * (1 + low)))
    assert shares["a"].share == pytest.approx(1 - shares["b"].share)
    assert (shares["a"].target, shares["b"].target) == (0.75, 0.25)
    assert shares["b"].ratio == pytest.approx(shares["b"].share / 0.25)
    assert found.exposure_gap == pytest.approx(shares["b"].share - 0.25)


def test_the_interval_of_a_share_is_by_user():
    share = fairness_of_log(made_log(), items=ITEMS).exposure["b"]
    low = 0.6309297535714575
    given, total = np.array([2 * low, 1, 0, 1]), np.array([2, 1, 1, 1]) * (1 + low)
    error = np.std((given - share.share * total) / total.mean(), ddof=1) / 2
    assert_allclose([share.low, share.high], np.clip(share.share + np.array([-1, 1]) * 1.959964 * error, 0, 1), 1e-6)


def test_merit_takes_the_place_of_the_catalogue():
    found = fairness_of_log(made_log(), items=ITEMS, merit=[1, 0, 0, 3])
    assert (found.exposure["a"].target, found.exposure["b"].target) == (0.25, 0.75)


def test_an_outcome_is_the_mean_of_the_users_means_over_sessions():
    found = fairness_of_log(made_log(), users=USERS)
    # User 0 earned 1 and 3, user 1 5; user 2 nothing, user 3 2.
    half = 1.959963984540054 * math.sqrt(4.5) / math.sqrt(2)
    assert found.outcome["old"] == pytest.approx(Outcome(3.5, 3.5 - half, 3.5 + half, 2))
    assert found.outcome["young"].value == 1.0
    assert set(found.outcome) == {"old", "young"}
    gap, low, high = found.outcome_gap
    assert gap == 2.5
    assert high - gap == pytest.approx(math.hypot(half, 1.959963984540054 * math.sqrt(2.0) / math.sqrt(2)))
    assert gap - low == pytest.approx(high - gap)


def test_without_groups_there_is_nothing():
    found = fairness_of_log(made_log())
    assert found.for_report() == {}
    assert math.isnan(found.exposure_gap)
    assert math.isnan(found.outcome_gap[0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"items": Groups("kind", ("a",), np.zeros(3))}, "of 3 items, but there is id 3"),
        ({"users": Groups("age", ("a",), np.zeros(2))}, "of 2 users, but there is id 3"),
        ({"items": ITEMS, "merit": [1, 2, 3]}, "merit must be 4 numbers"),
        ({"items": ITEMS, "merit": [1, 2, 3, -1]}, "merit must be 0 or more, .* item 3 has -1"),
        ({"items": ITEMS, "merit": [1, np.nan, 3, 1]}, "merit must be 0 or more, .* item 1 has nan"),
        ({"items": ITEMS, "merit": [0, 0, 0, 0]}, "not 0 for all"),
    ],
)
def test_groups_that_do_not_fit_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        fairness_of_log(made_log(), **options)


def test_a_watched_policy_decides_as_it_does_unwatched(env):
    agent = UniformAgent(env.catalogue)
    plain = evaluate_sessions(agent, env, seed=3, explore=True)
    watched = evaluate_sessions(Watched(agent, None), env, seed=3, explore=True)
    assert_allclose(watched.reward, plain.reward)


def test_in_a_world_the_log_of_the_same_sessions_says_the_same(env):
    items = Groups.of(np.arange(40) % 3, "three")
    users = Groups.of(np.arange(60) % 2, "two")
    agent = PopularityAgent(env.catalogue)
    found = fairness_in_world(agent, env, items=items, users=users, seed=0)
    everyone = RecSysVectorEnv(60, env.config)
    log = collect(everyone, agent, seed=0, users=np.arange(60), allow_overlap=True)
    assert found.for_report() == fairness_of_log(log, items=items, users=users).for_report()


def test_the_exposure_of_another_policy_is_its_mean_probability_where_the_log_decided():
    log = made_log(position=[0] * 10, step=[0, 1] * 5, terminated=[False, True] * 5)

    class Fixed:
        def probabilities(self, request):
            return np.tile([0.1, 0.2, 0.3, 0.4], (len(request.candidates), 1))

    found = exposure_in_log(log, Fixed(), ITEMS)
    assert found.exposure["b"].share == pytest.approx(0.4)
    assert found.exposure["b"].low == pytest.approx(0.4)
    assert found.outcome is None


def test_the_exposure_of_the_logging_policy_in_its_log_agrees_with_what_it_showed(env):
    items = Groups.of(np.arange(40) % 3, "three")
    agent = UniformAgent(env.catalogue)
    log = collect(RecSysVectorEnv(60, env.config), agent, rounds=5, users=np.arange(60), allow_overlap=True)
    shown, asked = fairness_of_log(log, items=items).exposure, exposure_in_log(log, agent, items).exposure
    for label in items.labels:
        assert shown[label].low - 0.01 < asked[label].share < shown[label].high + 0.01


def test_slates_are_left_to_the_world():
    with pytest.raises(ValueError, match="the log has slates: use fairness_in_world"):
        exposure_in_log(made_log(), UniformAgent.__new__(UniformAgent), ITEMS)


def test_uniform_is_fair_and_its_interval_covers_the_target(env):
    items = Groups.of(np.arange(40) % 4, "four")
    covered = []
    for seed in range(25):
        found = fairness_in_world(UniformAgent(env.catalogue), env, items=items, seed=100 * seed, explore=True)
        covered += [one.low <= one.target <= one.high for one in found.exposure.values()]
    # 95% of 100 intervals (four a seed, dependent): at least 86 with probability above 0.999.
    assert sum(covered) >= 86


def test_users_without_a_name_cannot_be_counted(env):
    request = env.request(env.reset(seed=0)[0])._replace(users=None)
    with pytest.raises(ValueError, match=r"request\.users is None"):
        Watched(PopularityAgent(env.catalogue), Groups.of(np.arange(40) % 3)).act(request, rng=np.random.default_rng(0))


def test_a_report_shows_each_policy_with_tables_and_pictures(env, tmp_path):
    from recenv.ope import evaluate

    items, users = Groups.of(np.arange(40) % 3, "shelf <b>"), Groups.of(np.arange(60) % 2, "town")
    uniform = UniformAgent(env.catalogue)
    log = collect(env, uniform, rounds=3, allow_overlap=True)
    policies = {"uniform": uniform, "popular": PopularityAgent(env.catalogue)}
    comparison = evaluate(log, policies, estimators=("ips",))
    found = {name: fairness_in_world(one, env, items=items, users=users).for_report() for name, one in policies.items()}
    page = write_report(comparison, tmp_path, context={"fairness": found}).read_text(encoding="utf-8")
    assert "Who is shown, and who is served" in page
    assert "shelf &lt;b&gt;" in page
    assert "<b>" not in page.split("Who is shown, and who is served")[1]
    rows = (tmp_path / "fairness.csv").read_text().splitlines()
    assert rows[0] == "policy,kind,divided_by,group,value,low,high,target,ratio,users"
    assert len(rows) == 1 + 2 * (3 + 2)
    assert (tmp_path / "exposure.png").exists()
    assert (tmp_path / "outcome.png").exists()
    write_report(comparison, tmp_path)
    assert not (tmp_path / "fairness.csv").exists()
    assert not (tmp_path / "exposure.png").exists()


def test_a_report_refuses_fairness_of_another_shape():
    from recenv.report import ReportContext

    with pytest.raises(ValueError, match=r"fairness\['new'\] has 'exposure' without 'item_group'"):
        ReportContext(fairness={"new": {"exposure": {}}})
