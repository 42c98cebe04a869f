import numpy as np
import pytest

from recenv.causal.ordinal import (
    OptimiserConfig,
    OrdinalFactors,
    RatingRows,
    expected_level_value,
    fit_ordinal,
    level_probabilities,
    normalise,
)

CONFIG = OptimiserConfig(
    dims=2, factor_penalty=1.0, bias_penalty=1.0, learning_rate=0.1, epochs=60, patience=8, batch=1024
)


@pytest.fixture(scope="module")
def rows(made, one_thread):
    log, _ = made
    level = log.rating.astype(np.int64)
    held = np.random.default_rng(0).random(len(log)) < 0.2
    both = RatingRows(log.user, log.item, level, np.ones(len(log)))
    return RatingRows._make(c[~held] for c in both), RatingRows._make(c[held] for c in both)


def fit(rows, config=CONFIG, seed=0, **options):
    return fit_ordinal(*rows, (150, 80, 5), config, rng=np.random.default_rng(seed), **options)


@pytest.fixture(scope="module")
def factors(rows):
    return fit(rows)


def some_factors():
    rng = np.random.default_rng(1)
    return OrdinalFactors(
        rng.normal(2.0, 3.0, (30, 3)),
        rng.normal(-1.0, 0.1, (20, 3)),
        rng.normal(5.0, 1.0, 30),
        rng.normal(-2.0, 1.0, 20),
        np.array([-1.0, 0.0, 1.5]),
    )


def test_the_fit_recovers_the_utilities_that_made_the_log(made, rows, factors):
    _, utility = made
    user, item = np.indices(utility.shape).reshape(2, -1)
    found = factors.utility(user, item)
    assert np.corrcoef(found, utility.ravel())[0, 1] > 0.87


def test_the_fit_recovers_thresholds_up_to_the_means_of_the_utilities(made, factors):
    gaps = np.diff(factors.thresholds)
    np.testing.assert_allclose(gaps, np.diff([-3.0, -1.0, 0.5, 2.0]), rtol=0.25)


def test_the_fit_beats_the_shares_of_the_levels_on_ratings_it_has_not_seen(rows, factors):
    train, held = rows
    share = np.bincount(train.level - 1, minlength=5) / len(train.level)
    probability = level_probabilities(factors.utility(held.user, held.item), factors.thresholds)
    score = np.log(probability[np.arange(len(held.level)), held.level - 1]).mean()
    assert score > np.log(share[held.level - 1]).mean() + 0.2


def test_the_same_generator_gives_the_same_fit(rows, factors):
    again = fit(rows)
    for a, b in zip(factors, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_heavier_penalty_shrinks_factors_and_biases(rows, factors):
    heavy = fit(rows, CONFIG._replace(factor_penalty=200.0, bias_penalty=200.0))
    for name in ("taste", "embedding", "user_bias", "item_bias"):
        assert np.abs(getattr(heavy, name)).mean() < 0.5 * np.abs(getattr(factors, name)).mean()


def test_weights_move_the_fit_towards_the_ratings_that_count(rows, factors):
    train, held = rows
    middling = RatingRows(*train[:3], np.where(train.level == 5, 20.0, 1.0))
    share = level_probabilities(np.zeros(1), fit((middling, held)).thresholds)[0]
    plain = level_probabilities(np.zeros(1), factors.thresholds)[0]
    assert share[4] > plain[4] + 0.1


def test_fitting_stops_when_the_validation_score_does_and_keeps_the_best_epoch(rows):
    scores = []
    patient = CONFIG._replace(epochs=400, patience=3, factor_penalty=0.01, bias_penalty=0.01)
    found = fit(rows, patient, on_epoch=lambda epoch, score: scores.append(score))
    best = int(np.argmin(scores))
    assert len(scores) < 400
    assert len(scores) - 1 - best >= 3
    _, held = rows
    probability = level_probabilities(found.utility(held.user, held.item), found.thresholds)
    kept = -np.log(probability[np.arange(len(held.level)), held.level - 1]).mean()
    assert kept == pytest.approx(min(scores), abs=1e-3)


def test_normalising_keeps_every_probability():
    raw = some_factors()
    user, item = np.indices((30, 20)).reshape(2, -1)
    found = normalise(raw)
    before = level_probabilities(raw.utility(user, item), raw.thresholds)
    np.testing.assert_allclose(level_probabilities(found.utility(user, item), found.thresholds), before, atol=1e-12)


def test_normalised_factors_stand_in_the_gauge():
    found = normalise(some_factors())
    assert found.user_bias.sum() == pytest.approx(0.0, abs=1e-12)
    assert found.item_bias.sum() == pytest.approx(0.0, abs=1e-12)
    gram_u, gram_v = found.taste.T @ found.taste, found.embedding.T @ found.embedding
    np.testing.assert_allclose(gram_u, gram_v, atol=1e-9)
    np.testing.assert_allclose(gram_u, np.diag(np.diag(gram_u)), atol=1e-9)
    assert np.all(np.diff(np.diag(gram_u)) <= 0)
    assert np.all(found.embedding.sum(0) >= 0)


def test_normalising_twice_changes_nothing_more():
    once = normalise(some_factors())
    for a, b in zip(once, normalise(once), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10)


def test_level_probabilities_by_hand():
    found = level_probabilities(np.array([0.0, np.log(3.0)]), np.array([-1.0, np.log(3.0)]))
    np.testing.assert_allclose(found[0], [0.26894142137, 0.48105857863, 0.25])
    np.testing.assert_allclose(found[1, 2], 0.5)


def test_level_probabilities_sum_to_one_even_far_out():
    found = level_probabilities(np.array([-2000.0, -40.0, 0.3, 40.0, 2000.0]), np.array([-1.0, 0.0, 2.0]))
    np.testing.assert_allclose(found.sum(-1), 1.0)
    assert found.min() >= 0.0


def test_the_expected_value_is_on_the_logs_own_scale():
    scale = np.array([0.5, 2.0, 7.0])
    found = expected_level_value(np.array([0.0]), np.array([-1.0, 1.0]), scale)
    np.testing.assert_allclose(found, 0.2689414214 * 0.5 + 0.4621171573 * 2.0 + 0.2689414214 * 7.0)
