"""Slots of draws without replacement, against every slate written out."""

import numpy as np
import pytest

from recenv.ope import pseudo_inverse_weight, slot_marginals
from recenv.ope.plackett_luce import all_slates
from recenv.ope.slot_duals import slot_duals
from recenv.ope.slot_probabilities import pair_probabilities, slot_probabilities


@pytest.mark.parametrize(("items", "positions", "spread"), [(4, 2, 1.0), (6, 3, 3.0), (5, 5, 1.0), (6, 4, 8.0)])
def test_slots_and_pairs_are_sums_over_all_slates(rng, items, positions, spread):
    scores = spread * rng.normal(size=(3, items))
    weights = np.exp(scores)
    slots, pairs = slot_probabilities(weights, positions), pair_probabilities(weights, positions)
    for row in range(3):
        wanted, joint = slot_marginals(*all_slates(scores[row], positions), items)
        np.testing.assert_allclose(slots[row], wanted, atol=2e-9)
        np.testing.assert_allclose(pairs[row], joint, atol=1e-6)


def test_what_has_no_weight_is_never_shown_and_too_few_items_leave_positions_empty():
    result = slot_probabilities(np.array([[3.0, 0.0, 1.0]]), 3)[0]
    np.testing.assert_allclose(result, [[0.75, 0, 0.25], [0.25, 0, 0.75], [0, 0, 0]], atol=1e-9)


def test_many_items_and_equal_rows():
    weights = np.tile(np.arange(1.0, 301.0), (4, 1))
    result = slot_probabilities(weights, 4)
    np.testing.assert_allclose(result.sum(axis=2), 1, atol=1e-8)
    np.testing.assert_array_equal(result[0], result[3])
    assert (result.sum(axis=1) <= 1 + 1e-9).all()


def test_items_counted_in_groups_give_the_same_slots(rng, monkeypatch):
    weights = rng.dirichlet(np.full(11, 0.3), 5)
    whole = slot_probabilities(weights, 3)
    monkeypatch.setattr("recenv.ope.slot_probabilities.CELLS", 1)  # a row at a time, four items a group
    np.testing.assert_allclose(slot_probabilities(weights, 3), whole, rtol=0, atol=1e-9)


def test_duals_are_those_of_the_pseudo_inverse_weight(rng):
    scores = rng.normal(size=(2, 4))
    context = rng.integers(2, size=50)
    slates, chance = zip(*(all_slates(row, 2) for row in scores), strict=True)
    shown = np.stack([slates[c][rng.choice(len(chance[c]), p=chance[c])] for c in context])
    joint = np.stack([slot_marginals(s, p, 4)[1] for s, p in zip(slates, chance, strict=True)])
    target = np.stack([slot_marginals(*all_slates(-row, 2), 4)[0] for row in scores])
    expected = pseudo_inverse_weight(shown, context, joint, target)
    duals = slot_duals(np.exp(scores)[context], shown)
    np.testing.assert_allclose(np.einsum("bkc,bkc->b", duals, target[context]), expected, rtol=1e-8)


def pinv_duals(weights, columns):
    """The textbook: one pseudo-inverse a row."""
    size, many = columns.shape[1], weights.shape[1]
    result = np.zeros((len(columns), size, many))
    for row, joint in enumerate(pair_probabilities(weights, size)):
        inverse = np.linalg.pinv(joint.reshape(size * many, -1), rcond=1e-10, hermitian=True)
        result[row] = inverse[:, np.arange(size) * many + columns[row]].sum(axis=1).reshape(size, many)
    return result


@pytest.mark.parametrize(("size", "many", "struck"), [(1, 4, 0), (2, 4, 0), (3, 5, 1), (3, 5, 2), (3, 3, 0)])
@pytest.mark.parametrize("even", [True, False])
def test_duals_are_those_of_the_pseudo_inverse_also_where_candidates_are_struck_out(rng, size, many, struck, even):
    weights = np.full((6, many), 0.25) if even else rng.dirichlet(np.full(many, 3.0), 6)
    columns = np.stack([rng.permutation(many)[:size] for _ in weights])
    for row in range(3):  # the other rows keep all
        hidden = np.setdiff1d(np.arange(many), columns[row])[:struck]
        weights[row, hidden] = 0.0
    np.testing.assert_allclose(slot_duals(weights, columns), pinv_duals(weights, columns), rtol=1e-9, atol=1e-9)


def test_even_weights_by_hand():
    """Two of three items: each slate has probability 1/6, and the dual of (0, 1) averages to 1 over them."""
    duals = slot_duals(np.ones((1, 3)), np.array([[0, 1]]))[0]
    np.testing.assert_allclose(duals, [[2.5, 0.5, -1.5], [0.5, 2.5, -1.5]], atol=1e-12)
    shown, probability = all_slates(np.zeros(3), 2)
    assert probability @ duals[[0, 1], shown].sum(axis=1) == pytest.approx(1)


def test_a_rare_item_does_not_spoil_the_weights_of_others():
    weights, columns, target = (
        np.array([[1.0, 2.0, 3.0, 1e-9]]),
        np.array([[1, 0]]),
        slot_probabilities(np.eye(3) + 1, 2),
    )
    three = np.einsum("bkc,bkc->b", target[:1], slot_duals(weights[:, :3], columns))
    four = np.einsum("bkc,bkc->b", target[:1], slot_duals(weights, columns)[:, :, :3])
    np.testing.assert_allclose(four, three, rtol=1e-6)


def test_uniform_loggers_of_many_items_have_no_limit():
    duals = slot_duals(np.ones((2, 5_000)), np.array([[0, 1, 2], [9, 8, 7]]))
    assert duals[0, [0, 1, 2], [0, 1, 2]].sum() == pytest.approx(3 * 5_000, rel=1e-2)


def test_too_many_slates_are_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"3 positions of 400 candidates are too many .* use sips, rips or cascade_dr"):
        slot_duals(np.arange(1.0, 401.0)[None], np.array([[0, 1, 2]]))
