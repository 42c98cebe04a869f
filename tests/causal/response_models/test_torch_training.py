import numpy as np
import pytest
import torch

from recenv.causal.response_models import torch_training
from recenv.causal.response_models.history import HistoryTable
from recenv.causal.response_models.ordinal_loss import Thresholds
from recenv.causal.response_models.torch_training import Learned, TrainingConfig, train
from recenv.causal.response_models.two_tower import TwoTowerConfig, TwoTowerNetwork
from tests.causal.response_models.response_data import few_ratings, response_data

pytestmark = pytest.mark.usefixtures("one_thread")


def prepared(data, config, seed=0):
    """Return what is learned, the table of ratings and the generator."""
    rng = np.random.default_rng(seed)
    table = HistoryTable(data.train, data.n_users, data.n_items, rng)
    tau = Thresholds(data.train.level, data.train.weight, len(data.scale))
    return Learned(TwoTowerNetwork(data, config, rng), tau), table, rng


def test_the_parameters_of_the_best_epoch_are_left(made):
    data, config = response_data(made[0]), TwoTowerConfig(learning_rate=0.03, factor_penalty=0.0, patience=4)
    learned, table, rng = prepared(data, config)
    calls = []
    train(learned, table, data.validation, config, rng=rng, device="cpu", progress=lambda *call: calls.append(call))
    scores = [float(text.split()[-1]) for _, _, text in calls]
    assert [step for step, _, _ in calls] == list(range(1, len(calls) + 1))
    assert len(calls) - 1 - int(np.argmin(scores)) == config.patience
    score = torch_training._validation_score(learned, table, data.validation, "cpu")
    assert score == pytest.approx(min(scores), abs=1e-4)


def test_each_batch_predicts_exactly_what_it_does_not_read():
    data = few_ratings()
    _, table, rng = prepared(data, TwoTowerConfig())
    for _ in range(20):
        batches = list(torch_training._batches(table, TrainingConfig(batch_users=2, hidden=0.5), rng, "cpu"))
        assert all(len(targets.item) for _, targets in batches)
        read = [pair for history, _ in batches for pair in pairs(history.users, places(history), history.item)]
        asked = [pair for history, targets in batches for pair in pairs(history.users, targets.slot, targets.item)]
        assert sorted(read + asked) == [(0, 1), (0, 3), (1, 0), (3, 0), (3, 2)]


def places(history):
    return torch.repeat_interleave(torch.arange(len(history.users)), history.size)


def pairs(users, slot, item):
    return list(zip(users[slot].tolist(), item.tolist(), strict=True))


def test_the_loss_grows_with_the_weights_and_the_prior_does_not(made):
    def objective(weight, penalty):
        data = response_data(made[0], weight=np.full(len(made[0]), weight))
        config = TwoTowerConfig(factor_penalty=penalty, bias_penalty=0.0, dropout=0.0, hidden=0.5)
        learned, table, rng = prepared(data, config)
        history, targets = next(torch_training._batches(table, config, rng, "cpu"))
        return torch_training._objective(learned, history, targets, config, torch.Generator()).item()

    loss, prior = objective(1.0, 0.0), objective(1.0, 6.0) - objective(1.0, 0.0)
    assert prior > 0.0
    assert objective(3.0, 6.0) == pytest.approx(3.0 * loss + prior, rel=1e-3)


def test_the_validation_score_is_the_weighted_mean_whatever_the_blocks(made, monkeypatch):
    weight = np.random.default_rng(2).uniform(0.1, 2.0, len(made[0]))
    data = response_data(made[0], weight=weight)
    learned, table, _ = prepared(data, TwoTowerConfig())
    whole = torch_training._validation_score(learned, table, data.validation, "cpu")
    monkeypatch.setattr(torch_training, "BLOCK_USERS", 7)
    assert torch_training._validation_score(learned, table, data.validation, "cpu") == pytest.approx(whole, rel=1e-6)
    doubled = data.validation._replace(weight=2 * data.validation.weight)
    assert torch_training._validation_score(learned, table, doubled, "cpu") == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"batch_users": 2.5}, "batch_users must be a whole number of at least 1, got 2.5"),
        ({"weight_decay": -1.0}, "weight_decay must be 0 or more, got -1.0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, got 0"),
    ],
)
def test_an_impossible_option_is_refused_by_name(option, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**option)
