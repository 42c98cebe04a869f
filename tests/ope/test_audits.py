"""Tests of what an evaluation rests on: they hold their level, and find what is wrong."""

import numpy as np
import pytest

from recenv.feedback import LoggedFeedback
from recenv.ope import BanditTerms, evaluate
from recenv.ope.audits import ALARM, drift, model_bias, model_spread, propensity_calibration
from recenv.ope.estimate import estimate
from recenv.ope.item_counts import ItemCounts

from .bandit import LOGGING, TARGET, Table, make_log


def counts(item, propensity, n_items):
    shown = [np.bincount(item, weight, n_items) for weight in (None, 1 / propensity, propensity**-2.0)]
    return ItemCounts(*map(np.asarray, shown), np.full(n_items, float(len(item))))


def test_right_propensities_pass_at_the_stated_level(rng):
    chance = np.array([0.5, 0.3, 0.2])
    p = []
    for _ in range(400):
        item = rng.choice(3, 500, p=chance)
        p.append(propensity_calibration(counts(item, chance[item], 3)).p_value)
    assert np.mean(np.array(p) < 0.05) < 0.08
    assert np.min(p) > ALARM / 10


def test_wrong_propensities_are_found_with_the_item(rng):
    item = rng.choice(3, 2_000, p=[0.5, 0.3, 0.2])
    found = propensity_calibration(counts(item, np.array([0.5, 0.2, 0.3])[item], 3))
    assert found.alarming
    assert found.value == pytest.approx(2 / 3, abs=0.1) or found.value == pytest.approx(1.5, abs=0.1)
    assert "times as often as the propensities say" in found.finding


def test_right_propensities_with_heavy_tails_raise_no_alarm(rng):
    for _ in range(20):
        chance = np.exp(rng.normal(0, 2.5, (5_000, 20)))
        chance /= chance.sum(axis=1, keepdims=True)
        item = (chance.cumsum(axis=1) > rng.random((5_000, 1))).argmax(axis=1)
        assert not propensity_calibration(counts(item, chance[np.arange(5_000), item], 20)).alarming


def test_items_without_randomness_or_rows_are_not_tested():
    found = propensity_calibration(counts(np.zeros(100, int), np.ones(100), 1))
    assert np.isnan(found.p_value)
    assert not found.alarming


def test_drift_is_found_and_no_drift_is_not(rng):
    reward = (rng.random(4_000) < 0.5).astype(float)
    later = np.arange(4_000) >= 2_000
    ones = np.ones(4_000)
    calm = drift("p", estimate("snips", BanditTerms(reward, ones, ones)), later)
    assert not calm.alarming
    assert calm.value == pytest.approx(reward[later].mean() - reward[~later].mean())
    moved = drift("p", estimate("snips", BanditTerms(reward + 0.2 * later, ones, ones)), later)
    assert moved.alarming
    assert moved.value == pytest.approx(calm.value + 0.2)


def test_the_models_bias_is_what_weighted_residuals_say(rng):
    reward, half, model = rng.random(3_000), np.full(3_000, 0.5), np.full(3_000, 0.7)
    terms = BanditTerms(reward, half, half, model, model, fold=np.arange(3_000) % 3)
    found = model_bias("p", terms)
    assert found.value == pytest.approx(0.7 - reward.mean())
    assert found.std_error == pytest.approx(reward.std(ddof=1) / np.sqrt(3_000))
    assert found.alarming
    assert model_spread("p", terms).value == pytest.approx(0.0, abs=1e-12)


def test_evaluate_shows_the_audits_and_lets_them_speak(rng):
    log = make_log(rng, 3_000)
    result = evaluate(log, {"new": Table(TARGET)}, replicates=100, progress=False)
    assert result.audits["audit"].tolist() == ["propensity_calibration", "drift", "model_bias", "model_spread"]
    assert result.row("new", "dr")["verdict"] == "ok"
    reason = result.row("new", "dm")["reason"]
    assert "by weighted residuals" in reason
    assert "each fold's model" in reason
    wrong = LOGGING[log.observation["features"][:, 0].astype(int), log.item] ** 1.5
    told = evaluate(log.with_propensity(wrong, "logged"), {"new": Table(TARGET)}, replicates=100, progress=False)
    assert told.row("new", "dr")["verdict"] != "ok"
    assert "as the propensities say" in told.row("new", "dr")["reason"]


def test_candidates_count_as_offered_where_they_are(rng):
    # Item 2 can be shown in every other row only, then with certainty a half.
    offered = np.array([[0, 1], [0, 2]] * 1_000)
    log = LoggedFeedback(
        episode=np.arange(2_000),
        step=np.zeros(2_000, int),
        position=np.zeros(2_000, int),
        user=np.arange(2_000),
        item=offered[np.arange(2_000), rng.integers(2, size=2_000)],
        reward=rng.random(2_000),
        propensity=np.full(2_000, 0.5),
        terminated=np.zeros(2_000, bool),
        truncated=np.ones(2_000, bool),
        candidates=offered,
        n_items=3,
    )

    class Uniform:
        def probabilities(self, request):
            return np.full(request.candidates.shape, 0.5)

    found = evaluate(log, {"same": Uniform()}, estimators=("ips",), replicates=50, progress=False).audits
    calibration = found.set_index("audit").loc["propensity_calibration"]
    assert calibration["p_value"] > ALARM
