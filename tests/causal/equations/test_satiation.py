import numpy as np
import pytest

from recenv.causal.equations.satiation import fade, satiate, satiation_match, satiation_next
from recenv.causal.world_tables import TOPIC


def topics_of(loadings):
    records = np.zeros(np.count_nonzero(loadings), TOPIC)
    records["topic"] = np.flatnonzero(loadings)
    records["loading"] = loadings[np.flatnonzero(loadings)]
    return records


def test_satiation_is_a_running_mean_of_consumed_topics(dials):
    assert satiation_next(0.5, 1.0, dials(rho=0.8)) == pytest.approx(0.6)
    assert satiation_next(0.5, 0.0, dials(rho=0.8)) == pytest.approx(0.4)


def test_fading_then_satiating_is_the_same_equation(dials):
    d, topic = dials(rho=0.7), np.array([0.25, 0.0, 0.75])
    state = np.array([0.1, 0.4, 0.9])
    expected = [satiation_next(s, g, d) for s, g in zip(state, topic, strict=True)]
    fade(state, d)
    satiate(state, topics_of(topic), 1.0, d)
    np.testing.assert_array_equal(state, expected)


def test_a_slate_averages_over_what_was_consumed(dials):
    state = np.zeros(2)
    for topic in np.eye(2):
        satiate(state, topics_of(topic), 0.5, dials(rho=0.6))
    np.testing.assert_allclose(state, [0.2, 0.2])


def test_without_memory_only_the_last_step_counts_and_with_full_memory_nothing_enters(dials):
    assert satiation_next(0.5, 1.0, dials(rho=0.0)) == 1.0
    assert satiation_next(0.5, 1.0, dials(rho=1.0)) == 0.5


def test_the_match_is_the_inner_product_over_the_items_topics():
    satiation, topic = np.array([0.1, 0.4, 0.9]), np.array([0.25, 0.0, 0.75])
    assert satiation_match(satiation, topics_of(topic)) == pytest.approx(satiation @ topic)
