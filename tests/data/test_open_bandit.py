import numpy as np
import pandas as pd
import pytest

from recenv.data import data_set, load_open_bandit, open_bandit
from recenv.data.locating import find


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A made campaign of two rounds a policy; its files are not the registered ones, so that check is off."""
    monkeypatch.setattr(open_bandit, "check_members", lambda *_: None)
    monkeypatch.setattr(open_bandit, "locate", lambda *_: tmp_path)
    monkeypatch.setitem(open_bandit._ITEMS, "men", 2)
    for policy, categories in (("random", ["a", "b"]), ("bts", ["a", "c"])):
        folder = tmp_path / policy / "men"
        folder.mkdir(parents=True)
        rows = {
            "timestamp": ["2019-11-24 00:00:02.5+00:00", "2019-11-24 00:00:02+00:00"],
            "item_id": [1, 0],
            "position": [3, 1],
            "click": [0, 1],
            "propensity_score": [0.5, 0.25],
            "user_feature_0": categories,
            "user-item_affinity_0": [0.0, 1.0],
            "user-item_affinity_1": [2.0, 0.0],
        }
        pd.DataFrame(rows).to_csv(folder / "men.csv")
        items = {
            "item_id": [1, 0],
            "item_feature_0": [0.5, -0.5],
            **{f"item_feature_{i}": ["x", "y"] for i in (1, 2, 3)},
        }
        pd.DataFrame(items).to_csv(folder / "item_context.csv")
    return tmp_path


def test_a_log_is_in_time_order_with_positions_from_0(home):
    log = load_open_bandit("random", "men", home)
    assert len(log) == 2
    assert log.action.tolist() == [0, 1]
    assert log.position.tolist() == [0, 2]
    assert log.reward.tolist() == [1, 0]
    assert log.pscore.tolist() == [0.25, 0.5]
    assert log.affinity.tolist() == [[1, 0], [0, 2]]
    assert log.action_context.tolist() == [[-0.5, 1, 1, 1], [0.5, 0, 0, 0]]


def test_both_policies_have_the_same_context_columns(home):
    random, bts = (load_open_bandit(policy, "men", home) for policy in ("random", "bts"))
    assert random.context_names == bts.context_names == ("user_feature_0=b", "user_feature_0=c")
    assert random.context.tolist() == [[1, 0], [0, 0]]
    assert bts.context.tolist() == [[0, 1], [0, 0]]
    assert list(bts.frame().columns) == [*bts.context_names, "action", "position", "reward", "pscore"]


def test_unknown_policies_and_campaigns_are_refused():
    with pytest.raises(ValueError, match="policy must be one of random, bts; got 'ucb'"):
        load_open_bandit("ucb", "all")
    with pytest.raises(ValueError, match="campaign must be one of all, men, women; got 'kids'"):
        load_open_bandit("bts", "kids")


def test_a_missing_set_gives_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match="recenv data fetch obd --home"):
        load_open_bandit("bts", "all", tmp_path)


@pytest.mark.parametrize(("campaign", "items", "rate"), [("all", 80, 0.0038), ("men", 34, 0.0046)])
def test_the_real_sample_has_the_published_rate_and_uniform_propensities(campaign, items, rate):
    if find(data_set("obd")) is None:
        pytest.skip("obd is not in the data home; recenv data fetch obd")
    log = load_open_bandit("random", campaign)
    assert (len(log), log.n_actions, log.affinity.shape) == (open_bandit.ROUNDS, items, (10_000, items))
    assert log.reward.mean() == pytest.approx(rate)
    np.testing.assert_allclose(log.pscore, 1 / items)
