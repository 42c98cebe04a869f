"""Arrays of rows times items, read once into one number a row."""

import numpy as np
import pytest

from recenv.ope import BanditTerms, TrajectoryTerms, condense, estimate
from recenv.ope.condense import CELLS


def arrays(rng, *shape):
    probability = rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    return rng.integers(shape[-1], size=shape[:-1]), probability, rng.normal(size=shape)


def test_by_hand():
    target, q_logged, q_target = condense([1, 0], [[0.25, 0.75], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0]])
    assert target.tolist() == [0.75, 0.5]
    assert q_logged.tolist() == [0.0, 0.0]
    assert q_target.tolist() == [0.25, 0.5]


def test_without_predictions_there_are_none():
    assert condense([1], [[0.25, 0.75]])[1:] == (None, None)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(7, 5), (CELLS // 1_000 + 3, 1_000), (6, 4, 3)])
def test_numbers_are_those_of_numpy_whatever_shape_and_type(rng, shape, dtype):
    item, probability, prediction = arrays(rng, *shape)
    probability, prediction = probability.astype(dtype), prediction.astype(dtype)
    found = condense(item, probability, prediction)
    np.testing.assert_array_equal(found.target, np.take_along_axis(probability, item[..., None], -1)[..., 0])
    np.testing.assert_array_equal(found.q_logged, np.take_along_axis(prediction, item[..., None], -1)[..., 0])
    np.testing.assert_allclose(
        found.q_target, (probability.astype(float) * prediction).sum(axis=-1), rtol=1e-6, atol=1e-9
    )


def test_views_and_read_only_arrays_are_read_as_they_are(rng):
    item, probability, prediction = arrays(rng, 9, 4)
    expected = condense(item, probability, prediction)
    turned = np.asfortranarray(probability)
    for array in (item, turned, prediction):
        array.flags.writeable = False
    wide = np.repeat(prediction, 2, axis=1)[:, ::2]
    for one, two in zip(condense(item, turned, wide), expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12)


def test_it_makes_the_records(rng):
    item, probability, prediction = arrays(rng, 6, 4, 3)
    reward, uniform = rng.random((6, 4)), np.full((6, 4), 1 / 3)
    one = TrajectoryTerms(reward, uniform, *condense(item, probability, prediction))
    assert one.q_target.shape == (6, 4)
    two = BanditTerms(reward.ravel(), uniform.ravel(), *condense(item.ravel(), probability.reshape(-1, 3)))
    np.testing.assert_allclose(estimate("ips", two).value, (one.target * 3 * reward).mean())


@pytest.mark.parametrize(
    ("item", "probability", "prediction", "message"),
    [
        ([0, 2], np.full((2, 2), 0.5), None, "item must be from 0 to 1; row 1 has 2"),
        ([0, -1], np.full((2, 2), 0.5), None, "row 1 has -1"),
        ([0, 1], np.full((3, 2), 0.5), None, r"probability must have item's shape \(2,\) and one more axis"),
        ([0, 1], np.full((2, 2), 0.5), np.ones((2, 3)), r"prediction must have probability's shape \(2, 2\)"),
        ([0, 1], [[0.5, 0.5], [0.5, 0.4]], None, r"the probabilities of row 1 sum to 0\.9, not 1"),
        ([0, 1], [[0.5, 0.5], [-0.5, 1.5]], None, r"row 1 has probability -0\.5"),
        ([0, 1], [[0.5, 0.5], [np.nan, 1.0]], None, "row 1 has probability nan"),
        ([[0, 1]], [[[0.5, 0.5], [0.5, 0.4]]], None, r"row 1 sum to 0\.9"),
        (np.zeros(0, int), np.zeros((0, 2)), None, "probability is empty"),
    ],
)
def test_what_is_no_policy_or_log_is_refused_by_row(item, probability, prediction, message):
    with pytest.raises(ValueError, match=message):
        condense(item, probability, prediction)


def test_items_must_be_integers():
    with pytest.raises(TypeError, match="item must hold integers, not float64"):
        condense([0.0], [[1.0]])
