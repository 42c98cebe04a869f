import numpy as np
import pytest
import torch

from recenv.causal.factors import Factors
from recenv.causal.ordinal import expected_level_value, level_probabilities
from recenv.causal.response_models.factorisation import Factorisation
from recenv.causal.response_models.item_spread import ItemSpread, one_set_of_thresholds, stretched
from recenv.causal.response_models.ordinal_loss import negative_log_likelihood
from recenv.protocol import Ratings, ResponseData

TAU = np.array([-2.0, -0.5, 0.5, 2.5])
SCALE = np.arange(1.0, 6.0)


def test_thresholds_are_stretched_about_the_middle_one():
    np.testing.assert_allclose(
        stretched(TAU, np.array([1.0, 2.0])), [TAU, [-4.5, -1.5, 0.5, 4.5]]
    )  # c = 0.5, and 0.5 + 2 (tau - 0.5)


def test_the_loss_of_a_row_is_that_of_its_stretched_thresholds():
    x, level, spread = np.array([0.3, -1.0, 2.0]), np.array([1, 3, 5]), np.array([0.5, 1.0, 2.0])
    loss = negative_log_likelihood(*(torch.as_tensor(value) for value in (x, level, TAU, spread)))
    probability = [
        level_probabilities(x[k : k + 1], own)[0, level[k] - 1] for k, own in enumerate(stretched(TAU, spread))
    ]
    np.testing.assert_allclose(loss.numpy(), -np.log(probability), rtol=1e-9)


def test_spreads_are_one_on_geometric_average_and_start_equal():
    spread = ItemSpread(3)
    assert spread(torch.tensor([0, 2])).tolist() == [1.0, 1.0]
    spread.log_spread.data = torch.tensor([0.0, 1.0, 5.0])
    assert torch.log(spread(torch.arange(3))).sum().item() == pytest.approx(0.0, abs=1e-6)
    assert spread.prior(4.0).item() == pytest.approx(2 * 26.0)


def test_common_thresholds_keep_the_mean_rating_of_every_item():
    rng = np.random.default_rng(0)
    factors = Factors(
        rng.normal(size=(80, 2)), rng.normal(size=(300, 2)), rng.normal(size=80), 3 * rng.normal(size=300)
    )
    spread = np.exp(0.5 * rng.normal(size=300))
    found = one_set_of_thresholds(factors, spread, TAU, SCALE, rng)
    users, items = np.indices((80, 300)).reshape(2, -1)
    own = np.array(
        [
            expected_level_value(
                factors.utility(np.arange(80), np.full(80, i)), stretched(TAU, spread)[i], SCALE
            ).mean()
            for i in range(300)
        ]
    )
    common = expected_level_value(found.utility(users, items), TAU, SCALE).reshape(80, 300).mean(0)
    np.testing.assert_allclose(common, own, atol=1e-7)
    for name in ("taste", "embedding", "user_bias"):
        np.testing.assert_array_equal(getattr(found, name), getattr(factors, name))


def test_equal_spreads_change_nothing():
    factors = Factors(np.ones((4, 1)), np.ones((3, 1)), np.arange(4.0), np.arange(3.0))
    found = one_set_of_thresholds(factors, np.ones(3), TAU, SCALE, np.random.default_rng(0))
    np.testing.assert_array_equal(found.item_bias, factors.item_bias)


@pytest.fixture(scope="module")
def uneven(one_thread):
    """Ratings of items of one mean, half of them of twice the spread, rated more often the more they are liked."""
    rng = np.random.default_rng(1)
    users, items = 1_500, 20
    spread = np.where(np.arange(items) % 2, 1.5, 0.6)
    tau = stretched(np.array([-2.0, -0.7, 0.7, 2.0]) - 0.7, 1 / spread)  # wide noise is narrow thresholds
    level = 1 + (rng.logistic(size=(users, items))[..., None] > tau).sum(-1)
    selection = 1 / (1 + np.exp(4.0 - 1.0 * np.arange(1.0, 6.0)))
    rated = np.nonzero(rng.random(level.shape) < selection[level - 1])
    held = rng.random(len(rated[0])) < 0.1
    rows = Ratings(*rated, level[rated], np.ones(len(held)), np.arange(len(held)))
    train, validation = (Ratings._make(column[part] for column in rows) for part in (~held, held))
    return ResponseData(train, validation, users, items, SCALE), level, selection


def item_error(uneven, **options):
    data, level, selection = uneven
    model = Factorisation(
        dims=1,
        factor_penalty=50.0,
        learning_rate=0.05,
        selection=lambda users, items: np.tile(selection, (len(users), 1)),
        **options,
    )
    model.fit(data, rng=np.random.default_rng(0))
    users, items = np.indices(level.shape).reshape(2, -1)
    expected = expected_level_value(model.utility(users, items), model.thresholds, SCALE).reshape(level.shape)
    return float(np.std(expected.mean(0) - level.mean(0)))


def test_a_likelihood_that_knows_the_selection_needs_the_items_spread(uneven):
    assert item_error(uneven, spread_penalty=2.0) < 0.6 * item_error(uneven)
