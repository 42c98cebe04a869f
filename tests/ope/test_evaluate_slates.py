"""Slates through `evaluate`: the same tables, intervals, differences and report as of single items."""

import numpy as np
import pytest

from recenv import LoggedFeedback, World, collect
from recenv.agents import PopularityAgent, UniformAgent
from recenv.agents.exploration import EpsilonGreedy
from recenv.envs import RecSysVectorEnv
from recenv.ope import estimate, evaluate
from recenv.ope.plackett_luce import prefix_probability
from recenv.ope.slate_policy import next_item, slots
from recenv.protocol import Decision, Request
from recenv.sessions import evaluate_sessions

from . import slates
from .holm import p_value, rejected

EXACT = ("sips", "snsips", "iips", "sniips", "rips", "snrips", "pi", "sn_pi")
ALL = (*EXACT, "cascade_dr", "sn_cascade_dr")


class Softmax:
    """Draws without replacement by scores of the context."""

    def __init__(self, scores):
        self.scores = scores
        self.asked = []

    def probabilities(self, request):
        self.asked.append(len(request.candidates))
        scores = self.scores[request.observation[:, 0].astype(int)]
        odds = np.where(request.candidates >= 0, np.exp(scores), 0.0)
        return odds / odds.sum(axis=1, keepdims=True)


class AskedAgain(Softmax):
    """The same as an agent, which is asked at each position."""

    def act(self, request, *, rng, explore=True):
        scores = self.scores[request.observation[:, 0].astype(int)]
        items = np.argsort(-(scores + rng.gumbel(size=scores.shape)), axis=1)[:, : request.slate_size]
        return Decision(items, prefix_probability(scores, items)[:, -1])


def make_log(context, slate, reward, **changes):
    rows, size = slate.shape
    prefix = prefix_probability(slates.LOGGING[context], slate)
    seen = np.hstack([context[:, None], np.eye(2)[context]]).astype(np.float32)
    columns = {
        "episode": np.repeat(np.arange(rows), size),
        "step": np.zeros(rows * size, dtype=int),
        "position": np.tile(np.arange(size), rows),
        "user": np.repeat(np.arange(rows) // 2, size),
        "item": slate.ravel(),
        "reward": reward.ravel(),
        "propensity": np.repeat(prefix[:, -1], size),
        "terminated": np.zeros(rows * size, dtype=bool),
        "truncated": np.ones(rows * size, dtype=bool),
        "observation": {"features": np.repeat(seen, size, axis=0)},
        "n_items": slates.ITEMS,
    }
    return LoggedFeedback(**{**columns, **changes})


def run(log, policies, **options):
    return evaluate(log, policies, **{"progress": False, "replicates": 200, **options})


@pytest.fixture(scope="module")
def drawn():
    return slates.draw(np.random.default_rng(4), 2_000, cascade=True)


@pytest.fixture(scope="module")
def log(drawn):
    return make_log(*drawn)


@pytest.mark.parametrize("kind", [Softmax, AskedAgain])
def test_numbers_are_those_of_the_estimators_on_exact_terms(log, drawn, kind):
    result = run(log, {"new": kind(slates.TARGET)}, estimators=EXACT, loggers=kind(slates.LOGGING))
    terms = slates.terms_of(*drawn, cluster=np.arange(len(drawn[0])) // 2)
    for name in EXACT:
        expected = estimate(name, terms)
        assert result.row("new", name)["value"] == pytest.approx(expected.value, abs=1e-7)
        assert result.row("new", name)["std_error"] == pytest.approx(expected.std_error, abs=1e-7)
    assert set(result.table["estimand"]) == {"one_step"}
    assert result.settings["rows"] == len(drawn[0])


def test_the_known_value_lies_in_intervals_and_the_policies_are_paired(log):
    truth = {"new": {"one_step": (slates.value(cascade=True), 0.0)}}
    policies = {"new": Softmax(slates.TARGET), "same": Softmax(slates.LOGGING)}
    names = ("sips", "snsips", "rips", "snrips", "cascade_dr", "sn_cascade_dr")
    result = run(log, policies, estimators=names, loggers=policies["same"], truth=truth, sensitivity=True)
    mine = result.table[result.table["policy"] == "new"]
    assert ((mine["lower"] < mine["truth"]) & (mine["truth"] < mine["upper"])).all()
    assert result.headline == "cascade_dr"
    assert result.row("same", "sips")["value"] == pytest.approx(result.logged["value"])
    assert set(result.differences["estimator"]) == set(names)
    assert {"propensity_calibration", "drift"} <= set(result.audits["audit"])
    assert not result.sensitivity.empty


def test_blocks_and_streaming_do_not_matter(log, tmp_path):
    log.save(tmp_path / "log.parquet")
    policy, again = Softmax(slates.TARGET), Softmax(slates.TARGET)
    first = run(log, {"new": policy}, estimators=ALL, loggers=Softmax(slates.LOGGING))
    second = run(
        tmp_path / "log.parquet", {"new": again}, estimators=ALL, loggers=Softmax(slates.LOGGING), block_rows=150
    )
    np.testing.assert_allclose(second.table["value"], first.table["value"], rtol=1e-9)
    assert max(again.asked) <= 150


def test_a_log_with_prefixes_needs_no_logger(drawn):
    prefix = prefix_probability(slates.LOGGING[drawn[0]], drawn[1]).ravel()
    log = make_log(*drawn, propensity_prefix=prefix)
    own = run(log, {"new": Softmax(slates.TARGET)}, estimators=("rips", "cascade_dr"))
    other = run(
        make_log(*drawn),
        {"new": Softmax(slates.TARGET)},
        estimators=("rips", "cascade_dr"),
        loggers=Softmax(slates.LOGGING),
    )
    np.testing.assert_allclose(own.table["value"], other.table["value"], rtol=1e-9)


def test_a_logger_fills_in_propensities_that_nobody_logged(drawn):
    bare = make_log(*drawn, propensity=np.full(drawn[1].size, np.nan))
    how = {"estimators": ("sips",), "loggers": Softmax(slates.LOGGING)}
    full = run(make_log(*drawn), {"new": Softmax(slates.TARGET)}, **how)
    assert run(bare, {"new": Softmax(slates.TARGET)}, **how).table["value"][0] == pytest.approx(full.table["value"][0])


def test_cascade_dr_is_unbiased_whatever_its_model():
    """Fitted on a few slates each, out of fold, in the world of fatigue."""
    found = {"cascade_dr": [], "sips": []}
    rng = np.random.default_rng(9)
    for _ in range(60):
        log = make_log(*slates.draw(rng, 120, cascade=True))
        how = {"estimators": tuple(found), "loggers": Softmax(slates.LOGGING), "replicates": 2, "interval": "student"}
        table = run(log, {"new": Softmax(slates.TARGET)}, **how).table
        for name, value in zip(table["estimator"], table["value"], strict=True):
            found[name].append(value)
    truth = slates.value(cascade=True)
    assert rejected({name: p_value(values, truth) for name, values in found.items()}) == []


def test_independence_that_fails_is_said(rng):
    log = make_log(*slates.draw(rng, 80_000, cascade=True))
    result = run(log, {"new": Softmax(slates.TARGET)}, estimators=("iips", "rips"), loggers=Softmax(slates.LOGGING))
    assert result.verdict("new", "rips").level == "ok"
    assert result.verdict("new", "iips").level == "caution"
    assert "weighing whole slates" in result.verdict("new", "iips").reason


def test_an_agent_that_explores_by_chance_is_asked_again_at_each_position():
    """Epsilon-greedy slates are no draws by fixed weights; the probability is the one that `act` reports."""
    world = World.synthetic(0, users=30, items=10)
    env = RecSysVectorEnv(30, world=world, slate_size=3, horizon=1)
    agent = PopularityAgent(env.catalogue)
    agent.exploration = EpsilonGreedy(0.4)
    request = Request(np.zeros((400, 1)), np.tile(np.arange(10), (400, 1)), slate_size=3)
    decision = agent.act(request, rng=np.random.default_rng(0))
    answers = next_item("popular", agent, request, decision.items)
    chance = np.prod([a[np.arange(400), c] for a, c in zip(answers, decision.items.T, strict=True)], axis=0)
    np.testing.assert_allclose(chance, decision.probability, rtol=1e-9)
    found = slots("popular", agent, request, answers, decision.items, np.random.default_rng(1)).mean(axis=0)
    shares = np.stack([np.bincount(items, minlength=10) / 400 for items in decision.items.T])
    np.testing.assert_allclose(found, shares, atol=0.1)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"estimators": ("ips", "dr")}, "ips needs a log of one item a step, and the log shows slates"),
        ({"estimators": ("balanced_ips",)}, "balanced_ips needs a log of one item a step"),
        (
            {"estimators": ("kernel_ips",), "hyper": {"kernel_ips": {"bandwidth": 1}}},
            "kernel_ips needs a log of numbers",
        ),
        ({"estimators": ("rips",)}, "rips needs propensity_prefix of the logging policy, .* or pass loggers="),
        ({"estimators": ("iips",)}, "iips needs propensity_position of the logging policy"),
        ({"estimators": ("pi",)}, "pi needs the probabilities of all slots of the logging policy"),
        ({"loggers": Softmax(slates.TARGET)}, "loggers= gives what row 0 shows probability .* the log says"),
        ({"loggers": [Softmax(slates.LOGGING)] * 2}, "a log of slates has one logger, and 2 are given"),
        ({"propensity_model": Softmax(slates.LOGGING)}, "propensity_model= is of single items"),
    ],
)
def test_misuse_is_refused_by_name(log, options, message):
    with pytest.raises(ValueError, match=message):
        run(log, {"new": Softmax(slates.TARGET)}, **{"estimators": ("sips",), **options})


def test_slates_of_other_sizes_are_refused(drawn):
    log = make_log(*drawn)
    with pytest.raises(ValueError, match="episode 9, step 0 does not have the 2 positions"):
        run(log.subset(np.arange(log.rows) != 19), {"new": Softmax(slates.TARGET)}, estimators=("sips",))


def test_a_bad_answer_names_the_slate(log):
    class Bad(Softmax):
        def probabilities(self, request):
            return 0.5 * super().probabilities(request)

    with pytest.raises(
        ValueError, match=r"policy 'new': the probabilities of row 0 sum to 0\.5.*\(a row is here a slate"
    ):
        run(log, {"new": Bad(slates.TARGET)}, estimators=("sips",))


WORLD_NAMES = ("sips", "iips", "rips", "pi", "cascade_dr")


@pytest.fixture(scope="module")
def collected():
    """Slates of three of ten items, one step, logged uniformly; the truth from sessions of the target itself."""
    world = World.synthetic(3, users=150, items=20).held_out()
    env = RecSysVectorEnv(150, world=world, slate_size=3, horizon=1, reward="click")
    logger, target = UniformAgent(env.catalogue), Tilted()
    log = collect(env, logger, rounds=12, seed=1, users=np.arange(150))
    sessions = evaluate_sessions(target, env, rounds=60, seed=10**6, explore=True)
    return log, logger, target, float(sessions.reward.mean())


class Tilted:
    """Likes items of a high number."""

    def probabilities(self, request):
        odds = np.where(request.candidates >= 0, 1.0 + request.candidates / 5, 0.0)
        return odds / odds.sum(axis=1, keepdims=True)


def test_a_collected_log_gives_the_truth_of_its_world_and_a_report(collected, tmp_path):
    log, logger, target, truth = collected
    known = {"tilted": {"one_step": (truth, 0.0)}}
    result = run(
        log, {"tilted": target, "log": logger}, estimators=WORLD_NAMES, loggers=logger, truth=known, sensitivity=True
    )
    mine = result.table[result.table["policy"] == "tilted"]
    assert ((mine["lower"] < truth) & (truth < mine["upper"])).all()
    assert set(mine["verdict"]) == {"ok"}
    page = result.report(tmp_path / "report")
    assert "cascade_dr" in page.read_text()
    assert (tmp_path / "report" / "differences.csv").is_file()


def test_estimates_are_unbiased_over_the_sessions_of_a_world(collected):
    """The log's own rounds are the replicates: each has fresh noise of the same users."""
    log, logger, target, truth = collected
    found = {name: [] for name in WORLD_NAMES}
    for number in range(12):
        part = log.subset(log.episode // 150 == number)
        how = {"estimators": WORLD_NAMES, "loggers": logger, "replicates": 2, "interval": "student"}
        table = run(part, {"tilted": target}, **how).table
        for name, value in zip(table["estimator"], table["value"], strict=True):
            found[name].append(value)
    assert rejected({name: p_value(values, truth) for name, values in found.items()}) == []
