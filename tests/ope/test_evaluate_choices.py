"""What `evaluate` chooses for the caller: hyper-parameters, an interval by name, the estimator that speaks."""

import numpy as np
import pytest

from recenv.feedback import LoggedFeedback
from recenv.ope import (
    BanditTerms,
    empirical_likelihood_interval,
    evaluate,
    reliability,
    tuned_estimate,
)

from .bandit import LOGGING, TARGET, VALUE, Table, make_log

POLICIES = {"new": Table(TARGET), "same": Table(LOGGING)}
TRUTHS = {"new": {"one_step": (VALUE, 0.0)}}


def run(log, policies=POLICIES, **options):
    return evaluate(log, policies, **{"progress": False, "replicates": 200, **options})


@pytest.fixture
def log(rng):
    return make_log(rng, 2_000, user=np.arange(2_000) // 2)


def terms_of(log, **bounds):
    context = log.observation["features"][:, 0].astype(int)
    return BanditTerms(log.reward, log.propensity, TARGET[context, log.item], cluster=log.user, **bounds)


def replicate(rng):
    return make_log(rng, 300), {"new": Table(TARGET)}, TRUTHS


@pytest.mark.parametrize("method", ["slope", "pas_if"])
def test_hyper_parameters_are_chosen_for_each_policy(log, method):
    found = run(log, estimators=("clipped_ips",), hyper={"clipped_ips": method})
    alone = tuned_estimate("clipped_ips", terms_of(log), method=method, seed=0)
    assert found.row("new", "clipped_ips")["value"] == pytest.approx(alone.estimate.value, rel=1e-12)
    assert found.settings["tuned"]["new"]["clipped_ips"] == alone.estimate.hyper
    assert found.settings["hyper"] == {"clipped_ips": method}
    assert set(found.settings["tuned"]) == {"new", "same"}


def test_a_way_of_choosing_that_is_unknown_or_has_nothing_to_choose_is_refused(log):
    with pytest.raises(ValueError, match="slope or pas_if, not 'best'"):
        run(log, estimators=("clipped_ips",), hyper={"clipped_ips": "best"})
    with pytest.raises(ValueError, match="snips has no hyper-parameter to tune"):
        run(log, estimators=("snips",), hyper={"snips": "slope"})
    with pytest.raises(ValueError, match=r'clipped_ips needs clip=.*"slope"'):
        run(log, estimators=("clipped_ips",))


def test_the_empirical_likelihood_interval_by_name(log):
    found = run(log, estimators=("empirical_likelihood",), interval="empirical_likelihood", reward_range=(0.0, 1.0))
    row = found.row("new", "empirical_likelihood")
    expected = empirical_likelihood_interval(terms_of(log, reward_range=(0.0, 1.0)))
    assert (row["lower"], row["upper"]) == pytest.approx(expected, rel=1e-9)
    assert row["lower"] < VALUE < row["upper"]
    with pytest.raises(ValueError, match="does not apply to ips"):
        run(log, estimators=("ips",), interval="empirical_likelihood", reward_range=(0.0, 1.0))


def test_the_estimator_with_the_best_worst_case_speaks(log):
    measured = reliability({"a world": replicate}, estimators=("ips", "snips", "dr"), replications=8, progress=False)
    found = run(log, estimators=("ips", "snips", "dr"), select="reliability", replicate=measured)
    best = measured.worst.set_index("estimator")["rmse"].idxmin()
    assert found.headline == found.settings["selected"] == best
    assert found.verdict("new") == found.verdict("new", best)
    assert best in found.settings["selection"]
    assert found.reliability is measured
    assert "reliability" in found.as_dict()


def test_the_worlds_are_replicated_where_they_are_given(log):
    found = run(log, estimators=("ips", "snips"), select="reliability", replicate=replicate, replications=4)
    assert found.reliability.settings["replications"] == 4
    assert found.headline in ("ips", "snips")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"select": "luck", "replicate": replicate}, 'select must be "reliability"'),
        ({"select": "reliability"}, "needs replicate="),
        ({"replicate": replicate}, "pass both, or neither"),
    ],
)
def test_half_a_selection_is_refused(log, options, message):
    with pytest.raises(ValueError, match=message):
        run(log, **options)


ALIKE = np.arange(TARGET.shape[1]) // 2


@pytest.mark.parametrize("given", [{"loggers": Table(LOGGING)}, {"propensity_model": Table(LOGGING)}])
def test_what_an_estimator_needs_beside_the_log_is_passed_on_to_the_worlds(log, given):
    options = {"estimators": ("mips", "ips"), "item_embedding": ALIKE, **given}
    found = run(log, select="reliability", replicate=replicate, replications=3, **options)
    alone = reliability(replicate, replications=3, progress=False, seed=0, **options)
    assert found.reliability.estimators == ("mips", "ips")
    np.testing.assert_array_equal(found.reliability.scores["rmse"], alone.scores["rmse"])


def test_several_loggers_are_passed_on_to_worlds_with_as_many():
    def joined(rng):
        parts = {"old": make_log(rng, 150), "other": make_log(rng, 150)}
        return LoggedFeedback.joined(parts), {"new": Table(TARGET)}, TRUTHS

    log = joined(np.random.default_rng(1))[0]
    loggers = {"old": Table(LOGGING), "other": Table(LOGGING)}
    options = {"estimators": ("balanced_ips", "ips"), "loggers": loggers, "select": "reliability", "replications": 3}
    found = run(log, {"new": Table(TARGET)}, replicate=joined, **options)
    assert found.reliability.estimators == ("balanced_ips", "ips")
    with pytest.raises(ValueError, match=r"world 'world', replication 0: there are 2 loggers.* no column `logger`"):
        run(log, {"new": Table(TARGET)}, replicate=replicate, **options)


def test_worlds_that_another_policy_logs_are_refused_by_name(log):
    def other(rng):
        made, policies, truths = replicate(rng)
        return made.with_propensity(made.propensity / 2, "logged"), policies, truths

    with pytest.raises(ValueError, match=r"world 'else', replication 0: loggers= gives what row 0 shows probability"):
        run(log, loggers=Table(LOGGING), select="reliability", replicate={"else": other}, replications=2)


def test_a_reliability_of_other_estimators_is_refused(log):
    measured = reliability(replicate, estimators=("ips",), replications=2, progress=False)
    with pytest.raises(ValueError, match="holds no reliability of"):
        run(log, estimators=("ips", "snips"), select="reliability", replicate=measured)


def test_the_log_is_summed_up_for_the_estimand_of_the_headline(log):
    found = run(log, estimators=("tis", "snips"))
    assert found.estimand == "one_step"
    assert found.logged["value"] == pytest.approx(log.reward.mean())
