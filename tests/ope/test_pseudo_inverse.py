import numpy as np
import pytest

from recenv.ope import pseudo_inverse_weight, slot_marginals
from recenv.ope.plackett_luce import all_slates

from . import slates


def test_marginals_of_two_slates():
    marginal, pairwise = slot_marginals([[0, 1], [2, 0]], [0.25, 0.75], 3)
    np.testing.assert_allclose(marginal, [[0.25, 0, 0.75], [0.75, 0.25, 0]])
    assert pairwise[0, 0, 1, 1] == pairwise[1, 1, 0, 0] == 0.25
    assert pairwise[0, 2, 1, 0] == 0.75
    assert pairwise[0, 0, 1, 0] == 0
    np.testing.assert_allclose(np.einsum("kaka->ka", pairwise), marginal)


def test_uniform_logging_has_the_closed_form():
    """For K slots filled uniformly without replacement from N items (Swaminathan et al., 2017)."""
    items, positions = 5, 3
    shown, probability = all_slates(np.zeros(items), positions)
    _, pairwise = slot_marginals(shown, probability, items)
    wanted = shown[17]
    marginal, _ = slot_marginals(wanted[None], [1.0], items)
    weight = pseudo_inverse_weight(shown, np.zeros(len(shown), dtype=int), pairwise[None], marginal[None])
    same_place = (shown == wanted).sum(axis=1)
    same_item = np.isin(shown, wanted).sum(axis=1)
    np.testing.assert_allclose(weight @ probability, 1, rtol=1e-12)
    design = np.stack([same_place, same_item, np.ones(len(shown))], axis=1)
    fitted, *_ = np.linalg.lstsq(design, weight, rcond=None)
    np.testing.assert_allclose(design @ fitted, weight, atol=1e-10)
    assert fitted[0] == pytest.approx(items - 1)


def test_weights_of_an_additive_reward_are_exact_in_expectation(rng):
    score = rng.normal(size=(slates.CONTEXTS, slates.POSITIONS, slates.ITEMS))
    place = np.arange(slates.POSITIONS)
    for context, (shown, probability) in enumerate(slates.SLATES):
        codes = np.full(len(shown), context)
        weight = pseudo_inverse_weight(shown, codes, slates.PAIRWISE, slates.TARGET_MARGINAL)
        total = score[context][place, shown].sum(axis=1)
        wanted = (slates.TARGET_MARGINAL[context] * score[context]).sum()
        assert probability @ (weight * total) == pytest.approx(wanted, rel=1e-10)
        assert probability @ weight == pytest.approx(1, rel=1e-10)


def test_one_position_is_plain_importance_weighting():
    shown, probability = all_slates([0.3, -0.2, 0.5], 1)
    marginal, pairwise = slot_marginals(shown, probability, 3)
    wanted = np.array([[0.5, 0.25, 0.25]])
    weight = pseudo_inverse_weight(shown, np.zeros(3, dtype=int), pairwise[None], wanted[None])
    np.testing.assert_allclose(weight, wanted[0] / marginal[0])


@pytest.mark.parametrize(
    ("slate", "context", "message"),
    [
        ([[1, 1]], [0], r"never shows the slate \[1, 1\] of row 0"),
        ([[0, 9]], [0], r"slate must be from 0 to 3; row 0 has \[0, 9\]"),
        ([[0, 1]], [5], "context must be from 0 to 1; row 0 has"),
        ([[0, 1, 2]], [0], r"slate must be \(n, K = 2\)"),
    ],
)
def test_slates_that_cannot_be_are_refused(slate, context, message):
    with pytest.raises(ValueError, match=message):
        pseudo_inverse_weight(slate, context, slates.PAIRWISE, slates.TARGET_MARGINAL)


def test_probabilities_that_do_not_sum_to_one_are_refused():
    with pytest.raises(ValueError, match=r"sum to 1, not 0\.9"):
        slot_marginals([[0, 1], [1, 0]], [0.4, 0.5], 2)
    with pytest.raises(ValueError, match=r"pairwise must be \(C, K, N, K, N\)"):
        pseudo_inverse_weight([[0, 1]], [0], np.zeros((1, 2, 3)), np.zeros((1, 2, 3)))
