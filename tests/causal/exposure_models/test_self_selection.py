"""Whether the dependence of being rated on the rating is found where its assumption holds."""

import dataclasses

import numpy as np
import pytest

from recenv.causal.exposure_models.self_selection import fit_self_selected, fit_self_selection
from recenv.causal.response_models import choices
from recenv.causal.response_models.choices import chosen_cells, held_out_score
from recenv.causal.response_models.feature_effects import Sides
from tests.causal.response_models.test_features import ITEMS, USERS, made


@pytest.mark.parametrize("slope", [0.0, 0.6])
def test_the_slope_is_recovered(slope):
    _, _, data = made(slope=slope)
    found = fit_self_selection(data, rng=np.random.default_rng(0), evidence_rows=300).slope
    assert found == pytest.approx(slope, abs=0.15)


def test_propensities_sum_to_what_is_rated():
    """A rated pair stands for 1 / p pairs; the others have about the share of the log."""
    _, level, data = made(slope=0.6)
    fitted, train = fit_self_selected(data, rng=np.random.default_rng(0), evidence_rows=300), data.train
    p = fitted.propensity(train.user, train.item)
    assert np.all((p > 0) & (p < 1))
    assert np.sum(1 / p) == pytest.approx(USERS * ITEMS, rel=0.2)
    weighted = np.average(data.scale[train.level - 1], weights=1 / p)
    plain = data.scale[train.level - 1].mean()
    assert abs(weighted - level.mean()) < 0.5 * abs(plain - level.mean())
    users, items = np.divmod(np.arange(USERS * ITEMS), ITEMS)
    rated = np.zeros(USERS * ITEMS, bool)
    rated[train.user * ITEMS + train.item] = True
    others = fitted.propensity(users[~rated], items[~rated])
    assert others.mean() == pytest.approx(rated.mean(), rel=0.2)


def test_a_sample_of_cells_gives_nearly_the_same_propensities(monkeypatch):
    _, _, data = made(slope=0.6)
    train = data.train
    whole = fit_self_selection(data, rng=np.random.default_rng(0), evidence_rows=300)
    monkeypatch.setattr(choices, "MOST_CELLS", 100)
    sampled = fit_self_selection(data, rng=np.random.default_rng(0), evidence_rows=300)
    rating = data.scale[train.level - 1]
    a, b = (np.log(model.of_rated(train.user, train.item, rating)) for model in (whole, sampled))
    assert np.abs(a - b).mean() < 0.25
    assert sampled.slope == pytest.approx(whole.slope, abs=0.15)


def test_the_held_out_score_prefers_variances_that_fit():
    _, _, data = made(slope=0.6)
    sides = Sides.of(data.user_features, data.item_features, (USERS, ITEMS))
    chosen = chosen_cells(sides, data.train.user, data.train.item, np.random.default_rng(0))
    wild = choices.VARIANCES._replace(taste=300.0, appeal=300.0)
    a, b = (held_out_score(chosen, v, np.random.default_rng(0)) for v in (choices.VARIANCES, wild))
    assert a < b


def test_no_features_at_all_are_refused():
    _, _, data = made()
    with pytest.raises(ValueError, match="exposure='rasch'"):
        fit_self_selection(
            dataclasses.replace(data, user_features=None, item_features=None), rng=np.random.default_rng(0)
        )
