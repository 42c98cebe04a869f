import json

import numpy as np
import pytest

from recenv.causal import World
from recenv.causal.card import ASSUMPTIONS
from recenv.causal.pairs import SECOND


def test_the_errors_are_those_of_the_second_part(fitted):
    rows = fitted.pairs.only(SECOND)
    error = fitted.scale[rows.level - 1] - fitted.expected_rating(rows.user, rows.item)
    assert fitted.card["measured_on"] == "held-out second part"
    assert fitted.card["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)))
    assert fitted.card["mae"] == pytest.approx(np.mean(np.abs(error)))


def test_a_good_world_beats_what_knows_nothing_and_is_calibrated(fitted):
    card = fitted.card
    assert card["rmse"] < 0.9 * card["rmse_of_the_mean_rating"]
    assert card["log_score"] > card["log_score_of_the_rating_shares"]
    assert abs(card["pit_mean"] - 0.5) < 0.05
    assert card["pit_ks_distance"] < 0.08


def test_without_a_second_part_the_card_says_that_it_is_in_sample(made, quick, fitted):
    card = World.fit(made[0], seed=4, first_share=1.0, **quick).card
    assert card["measured_on"] == "in sample (first_share=1)"
    assert card["ratings_first_part"] == card["ratings"] == len(made[0])
    assert card["rmse"] < fitted.card["rmse"]  # in sample flatters


def test_ratings_drawn_at_random_are_not_predicted(made, quick):
    import dataclasses

    log, _ = made
    noise = dataclasses.replace(log, rating=np.random.default_rng(0).integers(1, 6, len(log)).astype(float))
    card = World.fit(noise, seed=4, **quick).card
    assert card["rmse"] > 0.95 * card["rmse_of_the_mean_rating"]


def test_histograms_are_shares_and_close(fitted):
    histogram = fitted.card["rating_histogram"]
    assert histogram["level"] == [1.0, 2.0, 3.0, 4.0, 5.0]
    for name in ("logged", "simulated"):
        assert sum(histogram[name]) == pytest.approx(1.0)
    np.testing.assert_allclose(histogram["logged"], histogram["simulated"], atol=0.05)


def test_counts_assumptions_and_options_are_on_the_card(made, quick, fitted):
    card = fitted.card
    assert (card["users"], card["items"], card["ratings"]) == (150, 80, len(made[0]))
    assert card["assumptions"][: len(ASSUMPTIONS)] == list(ASSUMPTIONS)
    assert "boredom 1.5" in card["assumptions"][-1]
    assert card["abducted"] == "at baseline"
    assert card["mood_during_abduction"] == 0.0
    assert {name: card["fit"][name] for name in quick} == quick


def test_the_card_is_plain_json(fitted):
    assert json.loads(json.dumps(fitted.card, allow_nan=False)) == fitted.card
