"""Worlds whose only unknown is a number (their `trust_start`), so that every quantity is known by hand."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import t

from recenv.causal import World
from recenv.causal.parametric_bootstrap import corrected, simulated_errors


@pytest.fixture(scope="module")
def world():
    return World.synthetic(0, users=10, items=10, topics=2)


def at(world, value):
    return dataclasses.replace(world, trust_start=float(value))


def measure(world, log):
    return np.array([world.trust_start, log * world.trust_start])


def test_errors_are_what_the_refit_says_of_the_simulated_log_less_what_the_world_says(world):
    worlds = [at(world, 0.2), at(world, 0.4)]
    errors = simulated_errors(
        worlds, lambda w, k: w.trust_start + k, lambda log, k: at(world, 0.5 * log + 0.01 * k), measure
    )
    logs = np.array([0.2, 1.4])
    off = np.array([0.5 * 0.2 - 0.2, 0.5 * 1.4 + 0.01 - 0.4])
    np.testing.assert_allclose(errors, np.column_stack([off, logs * off]))


def test_the_interval_is_the_formula_by_hand():
    found = corrected(np.array([[1.0], [3.0]]), np.array([[0.5], [0.7]]), level=0.9)
    reach = t.ppf(0.95, 1) * np.sqrt(1.5 * 2.0 + 0.02 / 2)
    np.testing.assert_allclose([found.value[0], found.low[0], found.high[0]], [1.4, 1.4 - reach, 1.4 + reach])


def test_without_errors_nothing_is_corrected():
    said = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(corrected(said, np.zeros((5, 3))).value, said.mean(0))


def test_an_interval_says_whether_it_holds_a_truth():
    found = corrected(np.array([[0.0, 0.0], [1.0, 1.0]]), np.zeros((2, 2)))
    assert found.holds(np.array([0.4, 100.0])).tolist() == [True, False]


def test_intervals_of_a_biased_procedure_cover_as_often_as_they_claim_and_without_correction_they_do_not():
    """A log is the truth plus N(0, 1); a fit is a draw from the posterior under a flat prior, and 2 too high."""
    rng, held = np.random.default_rng(1), []
    for _ in range(2000):
        truth = rng.normal(size=1)
        draws = truth + rng.normal() + rng.normal(size=(8, 1)) + 2.0
        refits = draws + rng.normal(size=(8, 1)) + rng.normal(size=(8, 1)) + 2.0
        errors = refits - draws
        held.append([corrected(draws, each).holds(truth)[0] for each in (errors, np.zeros((8, 1)))])
    with_correction, without = np.mean(held, axis=0)
    assert 0.87 < with_correction < 0.95
    assert without < 0.6


@pytest.mark.parametrize(
    ("said", "errors", "level", "message"),
    [
        (np.zeros((3, 2)), np.zeros((2, 2)), 0.9, r"shapes \(3, 2\) and \(2, 2\): refit every world"),
        (np.zeros((1, 2)), np.zeros((1, 2)), 0.9, "2 or more worlds"),
        (np.zeros((3, 2)), np.zeros((3, 2)), 90, r"level must be in \(0, 1\), got 90"),
    ],
)
def test_what_cannot_give_an_interval_is_refused(said, errors, level, message):
    with pytest.raises(ValueError, match=message):
        corrected(said, errors, level)
