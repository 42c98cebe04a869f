import json

import numpy as np
import pytest

from recenv.causal import Ensemble, World


@pytest.fixture(scope="module")
def ensemble(made, quick):
    return World.ensemble(made[0], members=3, seed=4, **quick)


def all_pairs(world):
    return np.indices((world.n_users, world.n_items)).reshape(2, -1)


def test_members_share_what_is_compared_and_differ_in_what_was_fitted(ensemble):
    assert len(ensemble) == 3
    assert all(isinstance(world, World) for world in ensemble)
    for world in ensemble[1:]:
        for name in ("user_features", "item_features", "topic"):
            np.testing.assert_array_equal(getattr(world, name), getattr(ensemble[0], name))
        np.testing.assert_array_equal(world.pairs.part, ensemble[0].pairs.part)
        assert world.seed == ensemble[0].seed
        assert not np.allclose(world.taste, ensemble[0].taste)


def test_mean_and_spread_are_those_of_the_members(ensemble):
    users, items = all_pairs(ensemble[0])
    rating = [world.expected_rating(users, items) for world in ensemble]
    mean, spread = ensemble.expected_rating(users, items)
    np.testing.assert_allclose(mean, np.mean(rating, 0))
    np.testing.assert_allclose(spread, np.std(rating, 0, ddof=1))
    assert spread.min() > 0


def test_members_disagree_more_where_they_err_more(made, ensemble):
    _, utility = made
    users, items = all_pairs(ensemble[0])
    utilities = np.stack([world.base_utility(users, items) for world in ensemble])
    error = np.abs(utilities.mean(0) - utilities.mean() - (utility.ravel() - utility.mean()))
    spread = utilities.std(0)
    assert error[spread > np.quantile(spread, 0.8)].mean() > 1.1 * error[spread < np.quantile(spread, 0.2)].mean()


def test_without_resampling_members_differ_less(made, quick, ensemble):
    users, items = all_pairs(ensemble[0])
    same = World.ensemble(made[0], members=3, seed=4, bootstrap=False, **quick)
    assert same.expected_rating(users, items).spread.mean() < 0.8 * ensemble.expected_rating(users, items).spread.mean()


def test_members_take_the_response_models_in_turns(made, one_thread):
    names = [world.card["response"]["name"] for world in World.ensemble(
        made[0], members=3, response=["factorisation", Shares()], seed=4, weighting="naive",
    )]  # fmt: skip
    assert names == ["factorisation", f"{__name__}:Shares", "factorisation"]


class Shares:
    """Everybody likes what is rated highly."""

    def fit(self, data, *, rng, device="cpu", progress=None):
        total = np.bincount(data.train.item, weights=data.train.level, minlength=data.n_items)
        self.mean = total / np.maximum(np.bincount(data.train.item, minlength=data.n_items), 1)

    def utility(self, users, items):
        return self.mean[items]


def test_an_ensemble_is_saved_and_loaded(ensemble, tmp_path):
    ensemble.save(tmp_path / "worlds")
    again = Ensemble.load(tmp_path / "worlds")
    users, items = all_pairs(ensemble[0])
    for before, after in zip(ensemble.expected_rating(users, items), again.expected_rating(users, items), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_folder_without_one_or_with_a_damaged_one_is_refused(ensemble, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no ensemble\.json"):
        Ensemble.load(tmp_path)
    (tmp_path / "ensemble.json").write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        Ensemble.load(tmp_path)
    (tmp_path / "ensemble.json").write_text(json.dumps({"format_version": 99, "members": []}))
    with pytest.raises(ValueError, match="format 99"):
        Ensemble.load(tmp_path)


def test_members_of_different_logs_are_refused(ensemble, world):
    with pytest.raises(ValueError, match=r"worlds\[1\].user_ids differs from worlds\[0\]'s"):
        Ensemble([ensemble[0], world])
    with pytest.raises(ValueError, match="at least 2 members"):
        Ensemble([world])


def test_progress_runs_over_all_members(made, quick):
    seen = []
    World.ensemble(made[0], members=2, seed=4, progress=lambda *step: seen.append(step), **quick)
    assert {steps for _, steps, _ in seen} == {60}
    assert seen[0][0] == 1
    assert seen[-1][0] > 30
    assert seen[-1][2].startswith("member 2: log-loss")
