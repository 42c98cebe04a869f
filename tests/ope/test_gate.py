"""The gate: how often it lets a policy out that is no better, and one that is."""

import dataclasses
import json

import numpy as np
import pytest

from recenv.ope import interval
from recenv.ope.gate import Gate, judged, largest_weight, paired_difference
from recenv.ope.release import Release
from recenv.ope.terms import BanditTerms
from recenv.ope.verdict import Verdict

from .bandit import CHANCE, LOGGED_VALUE, LOGGING, TARGET, Table, draw, make_log

BETTER = 0.5 * LOGGING + 0.5 * np.eye(4)[CHANCE.argmax(axis=1)]
WORSE = 0.5 * LOGGING + 0.5 * np.eye(4)[CHANCE.argmin(axis=1)]


def simulated_test(rng, target, chance, rows=300):
    """Return the lower bound of one first test at 95%, without the log around it."""
    context, item, reward = draw(rng, rows, LOGGING, chance)
    half = np.full(rows, 0.5)
    terms = BanditTerms(reward, LOGGING[context, item], target[context, item], q_logged=half, q_target=half)
    gap = paired_difference("dr", terms)
    how = {"confidence": 0.95, "replicates": 150, "seed": 0}
    return min(interval(gap, name, **how)[0] for name in ("student", "bca"))


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_a_policy_that_is_no_better_is_released_in_at_most_one_of_twenty_logs(rng, level):
    chance, runs = np.full_like(CHANCE, level), 240
    false = sum(simulated_test(rng, TARGET, chance) > 0 for _ in range(runs))
    assert false / runs <= 0.05


def test_a_policy_that_is_worse_is_hardly_ever_released(rng):
    assert sum(simulated_test(rng, WORSE, CHANCE) > 0 for _ in range(60)) == 0


def test_a_policy_that_is_clearly_better_is_released_nearly_always(rng):
    assert sum(simulated_test(rng, BETTER, CHANCE) > 0 for _ in range(60)) >= 57


@pytest.mark.parametrize("estimator", ["dr", "ips", "snips", "sndr"])
def test_the_difference_is_the_value_less_the_mean_of_the_log(terms, estimator):
    from recenv.ope import estimate

    given = terms()
    gap = paired_difference(estimator, given)
    assert gap.value == pytest.approx(estimate(estimator, given).value - 1.0)


def test_a_policy_equal_to_the_logging_one_differs_by_nothing(terms):
    gap = paired_difference("ips", terms(target=[0.5, 0.25, 0.5, 0.8]))
    assert gap.value == 0.0
    assert gap.std_error == 0.0


@pytest.mark.parametrize("estimator", ["dr", "ips"])
def test_the_range_of_a_difference_holds_for_every_row(terms, estimator):
    given = terms(reward_range=(0.0, 2.0), weight_max=2.0, q_target=[1.0, 0.0, 1.5, 0.5])
    found = paired_difference(estimator, given).contribution
    low, high = found.support
    # ips: w r in [0, 4], r in [0, 2]; dr: q + w (r - q) in [-4, 6].
    assert (low, high) == ((-6.0, 6.0) if estimator == "dr" else (-2.0, 4.0))
    row = found.base + found.numerator
    assert (row >= low).all()
    assert (row <= high).all()


def test_a_better_policy_is_released_and_says_why(rng):
    release = Gate(make_log(rng, 4_000)).test(Table(BETTER))
    assert release.released
    assert release.lower > 0
    assert abs(release.value - float((BETTER * CHANCE).sum(axis=1).mean())) < 0.06
    assert abs(release.logging_value - LOGGED_VALUE) < 0.06
    assert release.level == pytest.approx(0.975)
    assert release.users == 1_600
    assert release.summary().startswith("released: on 1,600 users")


def test_a_worse_policy_is_not_released_and_says_why(rng):
    release = Gate(make_log(rng, 4_000)).test(Table(WORSE), estimator="ips")
    assert not release.released
    assert "does not exclude that it is no better" in release.reason


def test_a_better_policy_without_overlap_is_not_released(rng):
    """Item 3 of context 0 is the best there and has a propensity of 1%."""
    logging = np.array([[0.5, 0.3, 0.19, 0.01], LOGGING[1], LOGGING[2]])
    log = make_log(rng, 1_000, logging=logging)
    release = Gate(log).test(Table(np.eye(4)[[3, 0, 0]]))
    assert not release.released
    assert release.verdict != "ok"
    assert "overlap" in release.reason


MANY, SHARPNESS = 100, 14.0
"""Items of a log drawn uniformly, and how sure of itself a policy is that was learned from it."""


def sharp_terms(rng, rows, better=0.0, *, weight_max=None):
    """Return what a log drawn uniformly says of a policy that is nearly greedy: weights from 0 to 100, most of them 0.

    What the policy likes is luck: its items pay as all do, 50%, but for `better`.
    """
    logits = SHARPNESS * rng.standard_normal((300, MANY))
    chance = np.exp(logits - logits.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    shown = chance[rng.integers(300, size=rows), rng.integers(MANY, size=rows)]
    reward = (rng.random(rows) < 0.5 + better * shown).astype(float)
    half = np.full(rows, 0.5)
    return BanditTerms(reward, np.full(rows, 1 / MANY), shown, q_logged=half, q_target=half, weight_max=weight_max)


def test_a_tail_that_is_known_to_end_is_no_reason_to_refuse_where_rows_are_enough(rng):
    terms = sharp_terms(rng, 12_000, better=0.4)
    unknown = judged(terms, bound="student", level=0.975)
    assert unknown["lower"] > 0
    assert "tail" in unknown["verdict"].reason
    known = judged(sharp_terms(rng, 12_000, better=0.4, weight_max=100.0), bound="student", level=0.975)
    assert known["lower"] > 0
    assert known["verdict"].level == "ok"


def test_of_a_large_catalogue_a_small_share_of_the_log_is_enough(rng):
    rows, items = 80_000, 400
    shown = (rng.integers(items, size=rows) == 0).astype(float)  # a greedy policy: one row in 400 shows its item
    reward = (rng.random(rows) < 0.3 + 0.6 * shown).astype(float)
    terms = BanditTerms(reward, np.full(rows, 1 / items), shown)
    assert not released(judged(terms, "ips", "student", level=0.975))
    known = judged(dataclasses.replace(terms, weight_max=float(items)), "ips", "student", level=0.975)
    assert released(known), known["verdict"]


@pytest.mark.parametrize("rows", [1_500, 6_000])
def test_with_too_few_rows_a_known_end_of_the_tail_does_not_help(rng, rows):
    found = judged(sharp_terms(rng, rows, better=0.4, weight_max=100.0), bound="student", level=0.975)
    assert found["verdict"].level != "ok"


def released(found):
    return found["lower"] > 0 and found["verdict"].level == "ok"


def test_of_sharp_policies_that_are_no_better_at_most_one_in_twenty_is_released(rng):
    runs, estimators = 250, ("dr", "ips")
    terms = [sharp_terms(rng, 12_000, weight_max=100.0) for _ in range(runs)]
    for estimator in estimators:
        tests = [judged(one, estimator, "student", level=0.975) for one in terms]
        assert sum(released(found) for found in tests) <= 0.05 * runs
        assert sum(found["verdict"].level == "ok" for found in tests) > 0.5 * runs


def test_a_bound_that_holds_in_any_sample_asks_for_no_other_evidence(rng):
    shown = (rng.integers(4, size=380) == 0).astype(float)
    reward = (rng.random(380) < 0.05 + 0.9 * shown).astype(float)
    terms = BanditTerms(reward, np.full(380, 0.25), shown, reward_range=(0.0, 1.0), weight_max=4.0)
    asymptotic = judged(terms, "ips", "student", level=0.975)
    assert asymptotic["verdict"].level == "not enough overlap"
    sure = judged(terms, "ips", "confidence_sequence", level=0.975)
    assert released(sure)
    assert sure["lower"] < asymptotic["lower"]
    wrong = judged(dataclasses.replace(terms, target=0.6 * shown), "ips", "confidence_sequence", level=0.975)
    assert wrong["verdict"].level != "ok"  # four in ten of its choices are not in the log: no bound helps


def make_terms_in_range(terms):
    return dataclasses.replace(terms, reward_range=(0.0, 1.0))


@pytest.mark.parametrize("rows", [200, 2_000])
def test_such_a_bound_hardly_ever_releases_what_is_no_better_in_small_samples(rng, rows):
    tests = [
        judged(make_terms_in_range(sharp_terms(rng, rows, weight_max=100.0)), "ips", "confidence_sequence", level=0.975)
        for _ in range(200)
    ]
    assert sum(released(found) for found in tests) <= 5


def test_a_log_drawn_uniformly_says_itself_how_large_a_weight_can_be(rng):
    uniform = np.full((3, 4), 0.25)
    log = make_log(rng, 400, logging=uniform)
    assert largest_weight(log) == pytest.approx(4.0, rel=1e-3)
    assert largest_weight(make_log(rng, 400)) is None
    step = np.arange(400) % 2  # of two steps, the second has three candidates left
    item = np.where(step == 0, np.arange(400) // 2 % 4, (np.arange(400) // 2 + 1) % 4)
    session = {
        "step": step,
        "episode": np.arange(400) // 2,
        "user": np.arange(400) // 2,
        "item": item,
        "truncated": step == 1,
    }
    without = make_log(rng, 400, propensity=np.where(step == 0, 1 / 4, 1 / 3), meta={"repeat": False}, **session)
    assert largest_weight(without) == pytest.approx(4.0, rel=1e-3)
    assert largest_weight(dataclasses.replace(without, meta={})) is None


def test_each_further_test_asks_for_more(rng):
    gate = Gate(make_log(rng, 2_000), confidence=0.9)
    levels = [gate.test(Table(BETTER), bound="student").level for _ in range(3)]
    assert levels == pytest.approx([1 - 0.1 / 2, 1 - 0.1 / 6, 1 - 0.1 / 12])
    assert Gate(gate.log, confidence=0.9, tested=2).test(Table(BETTER), bound="student").level == levels[2]
    assert "test 3 of this log" in Gate(gate.log, tested=2).test(Table(BETTER)).reason


def test_users_are_in_one_part_only_and_the_seed_decides_which(rng):
    log = make_log(rng, 600, user=np.arange(600) // 3)
    gate = Gate(log, seed=1)
    assert len(np.unique(gate.train.user)) == 120
    tested = gate.test(Table(BETTER))
    assert tested.users == 80
    assert tested.rows == 600 - gate.train.rows
    assert set(Gate(log, seed=1).train.user) == set(gate.train.user) != set(Gate(log, seed=2).train.user)


def test_the_bound_that_holds_in_any_sample_needs_the_ranges(rng):
    gate = Gate(make_log(rng, 20_000))
    with pytest.raises(ValueError, match="reward_range"):
        gate.test(Table(BETTER), bound="empirical_bernstein")
    known = {"reward_range": (0.0, 1.0), "weight_max": 10.0}
    sure = gate.test(Table(BETTER), bound="empirical_bernstein", estimator="ips", **known)
    assert sure.released
    assert sure.lower < gate.test(Table(BETTER), estimator="ips").lower


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"confidence": 95}, "confidence must be between 0 and 1, not 95"),
        ({"test_share": 1.0}, "test_share must be between 0 and 1"),
        ({"tested": -1}, "tested must be 0 or more"),
        ({"test_share": 0.01}, "the log has 40 users: too few"),
    ],
)
def test_a_gate_that_cannot_be_is_refused(rng, how, words):
    with pytest.raises(ValueError, match=words):
        Gate(make_log(rng, 40), **how)


def test_unknown_names_are_refused_without_counting_a_test(rng):
    gate = Gate(make_log(rng, 40))
    with pytest.raises(ValueError, match="estimator must be one of dr, ips"):
        gate.test(Table(BETTER), estimator="dm")
    with pytest.raises(ValueError, match="bound must be one of auto"):
        gate.test(Table(BETTER), bound="hope")
    assert gate.tested == 0


def test_a_lower_bound_of_zero_or_nothing_is_no_release():
    found = dict.fromkeys(("value", "logging_value", "difference", "confidence", "level"), 0.5)
    found |= {"test": 1, "bound": "student", "estimator": "ips", "rows": 9, "users": 3}
    for lower in (0.0, float("nan"), -float("inf")):
        release = Release.decide(lower=lower, verdict=Verdict("ok", ""), **found)
        assert not release.released
        json.dumps(release.as_dict(), allow_nan=False)
    assert not Release.decide(lower=0.1, verdict=Verdict("caution", "few"), **found).released
    assert Release.decide(lower=0.1, verdict=Verdict("ok", ""), **found).released
