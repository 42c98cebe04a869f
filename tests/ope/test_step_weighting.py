"""Sums over steps that never write out an array of all weighted steps."""

import numpy as np
import pytest

from recenv.ope.step_weighting import BLOCK, Part, blocks, by_block

EVERY = slice(None)


@pytest.fixture
def part(rng):
    rows, steps = BLOCK + 3, 4  # a block and a little
    weight = rng.exponential(size=(rows, steps))
    return Part(rng.normal(size=(rows, steps)), weight, 0.9 ** np.arange(steps), rng.normal(size=(rows, steps)))


def test_a_total_by_hand():
    part = Part(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.5, 1.0], [2.0, 0.0]]), np.array([1.0, 0.5]))
    np.testing.assert_allclose(part.total(EVERY), [0.5 + 1.0, 6.0 + 0.0])
    np.testing.assert_allclose(part._replace(model=np.ones((2, 2))).total(EVERY), [0.0 + 0.5, 4.0 + 0.0])


def test_totals_do_not_depend_on_the_block(part):
    found = by_block(len(part.weight), part.total)
    np.testing.assert_allclose(
        found, (part.weight * (part.terms - part.model) * part.discount).sum(axis=1), rtol=1e-9, atol=1e-12
    )


def test_blocks_cover_all_rows_once():
    assert [(here.start, here.stop) for here in blocks(BLOCK + 3)] == [(0, BLOCK), (BLOCK, BLOCK + 3)]


def test_a_ratio_by_hand():
    part = Part(np.array([[1.0], [4.0]]), np.array([[3.0], [1.0]]), np.array([0.5]))
    means = part.means()
    np.testing.assert_allclose(means.ratio, [7 / 4])
    np.testing.assert_allclose(part.influence(EVERY, means), [0.5 * 3 * (1 - 1.75) / 2, 0.5 * (4 - 1.75) / 2])


def test_the_influence_is_the_sum_of_the_steps_and_has_mean_zero(part):
    means = part.means()
    influence = by_block(len(part.weight), lambda rows: part.influence(rows, means))
    np.testing.assert_allclose(influence, part.influence_by_step(means).sum(axis=1), rtol=1e-9, atol=1e-11)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


def test_a_step_that_no_weight_reaches_makes_the_sum_nan(part):
    weight = part.weight.copy()
    weight[:, 2] = 0
    lost = part._replace(weight=weight)
    means = lost.means()
    assert np.isnan(part.discount @ means.ratio)
    with np.errstate(invalid="ignore"):
        assert np.isnan(lost.influence(slice(0, 5), means)).all()
