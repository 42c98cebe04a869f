"""Whether the model on features finds effects that were made, whatever is observed of them."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from recenv import World
from recenv.causal.response_models.features import Features
from recenv.data import RatingsLog
from recenv.protocol import Ratings, ResponseData

USERS, ITEMS = 80, 50


def made(seed=0, *, share=0.15, slope=0.0):
    """Return (utility, level (U, N), data): ratings depend on features only, P(rated) on the rating by `slope`."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(USERS, 3)), rng.normal(size=(ITEMS, 4))
    product = np.zeros((3, 4))
    product[0, 1], product[2, 3] = 1.0, -0.8
    utility = x @ product @ z.T + 0.7 * z[:, 0]
    level = 1 + np.sum(utility[..., None] + rng.logistic(size=utility.shape)[..., None] > [-2.0, -0.5, 0.5, 2.0], -1)
    logit = slope * (level - 3) + np.log(share / (1 - share))
    user, item = np.nonzero(rng.random(level.shape) < 1 / (1 + np.exp(-logit)))
    train = Ratings(user, item, level[user, item], np.ones(len(user)), np.arange(len(user)))
    nothing = Ratings(*(column[:0] for column in train))
    scale, sides = np.arange(1.0, 6.0), (x.astype(np.float32), z.astype(np.float32))
    return utility, level, ResponseData(train, nothing, USERS, ITEMS, scale, *sides)


def fitted(data, **options):
    model = Features(evidence_rows=300, **options)
    model.fit(data, rng=np.random.default_rng(0))
    return model


def everything(model, ask="utility"):
    users, items = np.divmod(np.arange(USERS * ITEMS), ITEMS)
    return getattr(model, ask)(users, items).reshape(USERS, ITEMS)


def test_known_effects_are_recovered():
    utility, _, data = made()
    model = fitted(data)
    found = everything(model)
    assert np.corrcoef(found.ravel(), utility.ravel())[0, 1] > 0.95
    slope = np.polyfit(utility.ravel(), found.ravel(), 1)[0]
    assert 0.8 < slope < 1.15, "utilities are in units of the logistic noise"
    np.testing.assert_allclose(
        model.thresholds - found.mean(), np.array([-2.0, -0.5, 0.5, 2.0]) - utility.mean(), atol=0.3
    )


def test_kinds_of_effect_that_are_not_there_get_little_variance():
    _, _, data = made()
    effects = fitted(data, choices=False).components.effects
    assert effects.product > 0.3
    assert max(effects.user, effects.item, effects.taste, effects.appeal) < 0.1


def test_a_weight_counts_as_often_as_it_says():
    _, _, data = made(share=0.05)
    known = fitted(data, choices=False).components
    rng = np.random.default_rng(1)
    times = rng.integers(0, 3, len(data.train.user))
    weighted = dataclasses.replace(data, train=data.train._replace(weight=times.astype(float)))
    repeated = dataclasses.replace(data, train=Ratings(*(np.repeat(column, times) for column in data.train)))
    a, b = (everything(fitted(d, choices=False, components=known)) for d in (weighted, repeated))
    np.testing.assert_allclose(a, b, atol=0.02)
    unweighted = everything(fitted(data, choices=False, components=known))
    assert np.abs(a - unweighted).max() > 0.2


@pytest.mark.parametrize("gone", ["user_features", "item_features"])
def test_one_side_is_enough(gone):
    utility, _, data = made(share=0.6)
    model = fitted(dataclasses.replace(data, **{gone: None}))
    assert np.corrcoef(everything(model).ravel(), utility.ravel())[0, 1] > 0.85


def test_a_column_that_stands_twice_counts_once():
    _, _, data = made(share=0.05)
    twice = dataclasses.replace(data, item_features=np.hstack([data.item_features, data.item_features[:, :2]]))
    a, b = (everything(fitted(d, choices=False)) for d in (data, twice))
    np.testing.assert_allclose(a, b, atol=1e-8)


def test_the_factors_are_the_utility():
    _, _, data = made(share=0.05)
    model = fitted(data)
    taste, embedding, user_bias, item_bias = model.factors()
    np.testing.assert_allclose(taste @ embedding.T + user_bias[:, None] + item_bias, everything(model), atol=1e-9)


def test_what_users_choose_tells_what_they_like():
    """Few ratings, many choices: the choices carry the products of features."""
    utility, _, data = made(share=0.06, slope=1.0)
    error = [np.std(everything(fitted(data, choices=c)) - utility) for c in (False, True)]
    assert error[1] < 0.95 * error[0]


def test_validation_rows_are_learned_from():
    _, _, data = made(share=0.05)
    rng = np.random.default_rng(2)
    held = rng.random(len(data.train.user)) < 0.3
    rows = tuple(Ratings(*(column[side] for column in data.train)) for side in (~held, held))
    split = dataclasses.replace(data, train=rows[0], validation=rows[1])
    known = fitted(data, choices=False).components
    a, b = (everything(fitted(d, choices=False, components=known)) for d in (data, split))
    np.testing.assert_allclose(a, b, atol=0.02)


def test_levels_that_do_not_occur_keep_ascending_thresholds():
    _, _, data = made(share=0.05)
    kept = data.train.level != 3
    model = fitted(dataclasses.replace(data, train=Ratings(*(column[kept] for column in data.train))))
    assert np.all(np.diff(model.thresholds) > 1e-4)


def test_no_features_at_all_are_refused_with_the_remedy():
    _, _, data = made(share=0.05)
    with pytest.raises(ValueError, match=r"features neither of users nor of items.*response='factorisation'"):
        fitted(dataclasses.replace(data, user_features=None, item_features=None))


def test_too_few_rows_for_the_variances_are_refused():
    with pytest.raises(ValueError, match="evidence_rows must be at least 10, got 3"):
        Features(evidence_rows=3)


def test_a_model_that_is_not_fitted_says_so():
    with pytest.raises(RuntimeError, match="call fit first"):
        Features().factors()


@pytest.fixture(scope="module")
def log():
    """Self-selected ratings as a log, with features on both sides."""
    _, _, data = made(slope=0.6)
    train = data.train
    return RatingsLog(
        name="made",
        user=train.user,
        item=train.item,
        rating=data.scale[train.level - 1],
        user_ids=np.arange(USERS).astype(str),
        item_ids=np.arange(ITEMS).astype(str),
        levels=data.scale,
        user_features=pd.DataFrame(data.user_features, columns=list("abc")),
        item_features=pd.DataFrame(data.item_features, columns=list("defg")),
    )


def test_a_world_has_the_models_expected_ratings(log):
    options = {"weighting": "naive", "first_share": 1.0, "response_options": {"evidence_rows": 300}}
    world = World.fit(log, response="features", **options)
    assert world.card["response"]["link_slope"] == 1.0
    assert world.card["response"]["distillation_rmse"] is None
    seen = everything(world, "expected_rating")[log.user, log.item]
    assert np.corrcoef(seen, log.rating)[0, 1] > 0.5
    assert abs(seen.mean() - log.rating.mean()) < 0.1


def test_a_world_corrects_for_self_selection(log):
    """Liked pairs are rated more often: the corrected world expects less of a random pair."""
    _, level, _ = made(slope=0.6)
    options = {"first_share": 1.0, "response": "features", "response_options": {"evidence_rows": 300}}
    naive, corrected = (
        everything(World.fit(log, **options, **more), "expected_rating")
        for more in ({"weighting": "naive"}, {"exposure": "self_selection"})
    )
    assert log.rating.mean() > level.mean() + 0.3
    error = [abs(table.mean() - level.mean()) for table in (naive, corrected)]
    assert error[1] < 0.6 * error[0]


def test_a_log_without_features_is_refused(log):
    bare = dataclasses.replace(log, user_features=None, item_features=None)
    with pytest.raises(ValueError, match="features neither of users nor of items"):
        World.fit(bare, response="features")
    with pytest.raises(ValueError, match="exposure='rasch'"):
        World.fit(bare, exposure="self_selection")
