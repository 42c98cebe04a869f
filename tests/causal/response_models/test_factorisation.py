import dataclasses

import numpy as np
import pytest

from recenv.causal.ordinal import level_probabilities
from recenv.causal.response_models.factorisation import Factorisation, FactorisationConfig, batch_of
from tests.causal.response_models.response_data import response_data

OPTIONS = {"dims": 2, "factor_penalty": 1.0, "bias_penalty": 1.0, "learning_rate": 0.1, "epochs": 60, "batch": 1024}


@pytest.fixture(scope="module")
def data(made, one_thread):
    return response_data(made[0], held_share=0.2)


def fit(data, seed=0, progress=None, **options):
    model = Factorisation(**OPTIONS | options)
    model.fit(data, rng=np.random.default_rng(seed), progress=progress)
    return model


@pytest.fixture(scope="module")
def model(data):
    return fit(data)


def recovery(model, utility):
    user, item = np.indices(utility.shape).reshape(2, -1)
    return np.corrcoef(model.utility(user, item), utility.ravel())[0, 1]


def test_the_fit_recovers_the_utilities_that_made_the_log(made, model):
    assert recovery(model, made[1]) > 0.87


def test_a_gaussian_likelihood_recovers_them_too_on_the_same_scale(made, data, model):
    gaussian = fit(data, likelihood="gaussian")
    assert recovery(gaussian, made[1]) > 0.85
    user, item = np.indices(made[1].shape).reshape(2, -1)
    slope = np.polyfit(model.utility(user, item), gaussian.utility(user, item), 1)[0]
    assert 0.7 < slope < 1.3


def test_the_fit_beats_the_shares_of_the_levels_on_ratings_it_has_not_seen(data, model):
    held = data.validation
    share = np.bincount(data.train.level - 1, minlength=5) / len(data.train.level)
    probability = level_probabilities(model.utility(held.user, held.item), np.array([-3.0, -1.0, 0.5, 2.0]))
    score = np.log(probability[np.arange(len(held.level)), held.level - 1]).mean()
    assert score > np.log(share[held.level - 1]).mean() + 0.2


def test_the_same_generator_gives_the_same_fit(data, model):
    for a, b in zip(model.factors(), fit(data).factors(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_heavier_penalty_shrinks_factors_and_biases(data, model):
    heavy = fit(data, factor_penalty=200.0, bias_penalty=200.0)
    for light, shrunk in zip(model.factors(), heavy.factors(), strict=True):
        assert np.abs(shrunk).mean() < 0.5 * np.abs(light).mean()


def test_weights_move_the_fit_towards_the_ratings_that_count(data, model):
    train = data.train
    item = 7
    liked = np.where((train.item == item) & (train.level == 5), 20.0, 1.0)
    weighted = fit(dataclasses.replace(data, train=train._replace(weight=liked)))
    assert weighted.factors().item_bias[item] > model.factors().item_bias[item] + 0.5


def test_the_total_weight_acts_against_the_penalty(data, model):
    light = data.train._replace(weight=np.full(len(data.train.user), 0.02))
    found = fit(dataclasses.replace(data, train=light))
    assert np.abs(found.factors().item_bias).mean() < 0.5 * np.abs(model.factors().item_bias).mean()


def test_fitting_stops_when_the_validation_score_does(data):
    seen = []
    fit(data, epochs=400, patience=3, factor_penalty=0.01, bias_penalty=0.01, progress=lambda *s: seen.append(s))
    scores = [float(text.removeprefix("log-loss ")) for _, _, text in seen]
    assert len(scores) < 400
    assert len(scores) - 1 - int(np.argmin(scores)) in (3, 4)  # the text is rounded


def test_the_epoch_with_the_best_score_is_kept(data):
    greedy = {"factor_penalty": 0.01, "bias_penalty": 0.01}
    best = fit(data, epochs=400, patience=3, **greedy)
    last = fit(data, epochs=100, patience=100, **greedy)
    held = data.validation
    level = held.level - held.level.mean()
    assert (
        np.corrcoef(best.utility(held.user, held.item), level)[0, 1]
        >= np.corrcoef(last.utility(held.user, held.item), level)[0, 1]
    )


def test_joint_learning_has_two_phases_and_recovers_the_utilities(made, data):
    seen = []
    model = fit(data, doubly_robust=True, progress=lambda *step: seen.append(step[:2]))
    assert seen[-1][0] > 60
    assert {steps for _, steps in seen} == {120}
    assert recovery(model, made[1]) > 0.85


def test_the_substitute_confounder_is_exactly_low_rank(data):
    model = fit(data, deconfounded=True)
    taste, embedding, *_ = model.factors()
    assert taste.shape == (150, 10)
    theta_beta = embedding[:, 2:]
    assert (theta_beta >= 0).all()  # intensities of exposure
    assert taste[:, 2:].any()


def test_a_response_to_exposure_is_found_where_there_is_one(made, one_thread):
    """Users like what they were shown for a reason that only exposure reveals."""
    log, _ = made
    rng = np.random.default_rng(2)
    group_u, group_i = rng.integers(2, size=150), rng.integers(2, size=80)
    same = group_u[:, None] == group_i
    user, item = np.nonzero(rng.random(same.shape) < np.where(same, 0.5, 0.1))
    x = 2.0 * same[user, item] + rng.logistic(size=len(user))
    rating = 1.0 + (x[:, None] > np.array([-2.0, 0.0, 1.5, 3.0])).sum(1)
    confounded = response_data(dataclasses.replace(log, user=user, item=item, rating=rating), held_share=0.2)
    everyone = np.indices(same.shape).reshape(2, -1)
    error = {}
    for deconfounded in (False, True):
        model = fit(confounded, dims=1, factor_penalty=50.0, deconfounded=deconfounded)
        error[deconfounded] = np.corrcoef(model.utility(*everyone), same.ravel())[0, 1]
    assert error[True] > error[False] + 0.1


def test_an_unknown_option_is_refused_and_so_is_a_model_that_has_not_learned():
    with pytest.raises(ValueError, match="unknown option 'depth'; the factorisation takes dims"):
        Factorisation(depth=2)
    with pytest.raises(RuntimeError, match="call fit first"):
        Factorisation().utility(np.zeros(1, int), np.zeros(1, int))


def test_defaults_are_those_of_the_fits_config():
    from recenv.causal.fit_config import OF_THE_FACTORISATION, FitConfig

    mine = dataclasses.asdict(FactorisationConfig())
    assert {name: getattr(FitConfig(), name) for name in OF_THE_FACTORISATION} == {
        name: mine[name] for name in OF_THE_FACTORISATION
    }


@pytest.mark.parametrize(
    ("given", "rows", "batch"),
    [
        (None, 100, 4096),
        (None, 1_048_576, 4096),
        (None, 6_300_000, 24_609),
        (512, 6_300_000, 512),
        (50_000, 100, 50_000),
    ],
)
def test_a_batch_that_is_not_given_grows_with_a_large_log(given, rows, batch):
    assert batch_of(given, rows) == batch


def test_the_given_batch_decides_the_steps_of_an_epoch(data, monkeypatch):
    monkeypatch.setattr("recenv.causal.response_models.factorisation.LEAST_BATCH", 512)
    monkeypatch.setattr("recenv.causal.response_models.factorisation.MOST_STEPS", 3)
    rows = len(data.train.user)
    grown, given = fit(data, epochs=2, batch=None), fit(data, epochs=2, batch=max(512, rows // 3))
    np.testing.assert_array_equal(grown.factors().taste, given.factors().taste)
    assert not np.array_equal(grown.factors().taste, fit(data, epochs=2, batch=256).factors().taste)
