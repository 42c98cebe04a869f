"""Sums over steps that never write out an array of all weighted steps."""

import numpy as np
import pytest

from recenv.ope.step_weighting import BLOCK, Part


@pytest.fixture
def part(rng):
    rows, steps = BLOCK + 3, 4  # a block and a little
    return Part(rng.normal(size=(rows, steps)), rng.exponential(size=(rows, steps)), 0.9 ** np.arange(steps))


def test_a_total_by_hand():
    part = Part(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.5, 1.0], [2.0, 0.0]]), np.array([1.0, 0.5]))
    np.testing.assert_allclose(part.total(), [0.5 + 1.0, 6.0 + 0.0])


def test_totals_do_not_depend_on_the_block(part):
    np.testing.assert_allclose(part.total(), (part.weight * part.terms * part.discount).sum(axis=1), rtol=1e-12)


def test_a_ratio_by_hand():
    part = Part(np.array([[1.0], [4.0]]), np.array([[3.0], [1.0]]), np.array([0.5]))
    value, influence = part.ratio_total()
    assert value == pytest.approx(0.5 * 7 / 4)
    np.testing.assert_allclose(influence, [0.5 * 3 * (1 - 1.75) / 2, 0.5 * (4 - 1.75) / 2])


def test_the_sum_of_ratios_is_the_sum_of_the_steps_ratios(part):
    value, influence = part.ratio_total()
    by_step, moved = part.ratios()
    assert value == pytest.approx(by_step.sum(), rel=1e-12)
    np.testing.assert_allclose(influence, moved.sum(axis=1), rtol=1e-9, atol=1e-12)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


def test_a_step_that_no_weight_reaches_makes_the_sum_nan(part):
    weight = part.weight.copy()
    weight[:, 2] = 0
    value, influence = part._replace(weight=weight).ratio_total()
    assert np.isnan(value)
    assert np.isnan(influence).all()
