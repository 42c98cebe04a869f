import numpy as np
import pytest

from recenv.ope import BanditTerms, ContinuousTerms, EmbeddingTerms, estimate, interval, slope, tune, tuned_estimate
from recenv.ope.hyper_grid import hyper_grid

from .bandit import CHANCE, TARGET, VALUE, draw

THIN = np.array([[0.9, 0.06, 0.03, 0.01], [0.02, 0.9, 0.04, 0.04], [0.05, 0.05, 0.85, 0.05]])
MODEL = np.clip(CHANCE + np.array([0.3, -0.2, 0.2, -0.3]), 0, 1)


def thin(rng, rows, model=MODEL, **changes):
    context, item, reward = draw(rng, rows, THIN)
    return BanditTerms(
        reward,
        THIN[context, item],
        TARGET[context, item],
        model[context, item],
        (TARGET * model).sum(axis=1)[context],
        **changes,
    )


class Fake:
    def __init__(self, value, std_error):
        self.value, self.std_error, self.clusters = value, std_error, 10_000


def test_slope_stops_at_the_first_that_disagrees():
    widths = np.array([4.0, 2.0, 1.0, 0.5]) / 1.2816
    results = [Fake(value, width) for value, width in zip([0.0, 1.0, 2.0, 9.0], widths, strict=True)]
    assert slope(results) == 2
    assert slope(results[:1]) == 0
    assert slope([*results[:2], Fake(8.0, widths[2]), results[3]]) == 1  # the last is not asked any more
    assert slope([results[2], results[0], results[1]]) == 0


@pytest.mark.parametrize(
    ("call", "message"), [(lambda: slope([]), "at least one"), (lambda: slope([Fake(0, 1)], confidence=2), "not 2")]
)
def test_slope_refuses_nothing_to_choose_from(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_grids_go_from_little_bias_to_much(rng):
    terms = thin(rng, 300)
    assert hyper_grid("clip", terms, [1, 5, 2, 5]) == (5.0, 2.0, 1.0)
    assert hyper_grid("strength", terms, [0.5, 0]) == (0.0, 0.5)
    clip = hyper_grid("clip", terms)
    assert clip[0] == terms.weight.max()
    assert list(clip) == sorted(clip, reverse=True)
    assert hyper_grid("shrinkage", terms)[0] == np.inf
    with pytest.raises(ValueError, match="grid of clip must have at least one number"):
        hyper_grid("clip", terms, [])


@pytest.mark.parametrize("method", ["slope", "pas_if"])
@pytest.mark.parametrize(
    ("name", "key", "grid"),
    [
        ("clipped_ips", "clip", [0.5, 2, 8, 32, 128]),
        ("dr_os", "shrinkage", [0.5, 8, 100, 1e3, 1e5]),
        ("subgaussian_ips", "strength", [0, 0.01, 0.1, 0.5, 0.9]),
    ],
)
def test_a_choice_is_neither_the_worst_nor_far_from_the_best(name, key, grid, method):
    rng = np.random.default_rng(4)
    chosen, tried = [], []
    for _ in range(12):
        terms = thin(rng, 3_000)
        tried.append([estimate(name, terms, **{key: value}).value - VALUE for value in grid])
        chosen.append(estimate(name, terms, **tune(name, terms, method=method, grid=grid)).value - VALUE)
    error = np.sqrt(np.mean(np.square(tried), axis=0))
    assert np.sqrt(np.mean(np.square(chosen))) < min(0.8 * error.max(), 8 * error.min())


def test_the_choice_is_made_for_each_policy_alone(rng):
    terms = thin(rng, 1_000)
    same = BanditTerms(terms.reward, terms.propensity, terms.propensity)
    before = tune("clipped_ips", same, grid=[1, 10, 100])
    tune("clipped_ips", terms, grid=[1, 10, 100])
    assert tune("clipped_ips", same, grid=[1, 10, 100]) == before == {"clip": 1.0}


def test_cross_fitted_choices_keep_intervals_honest():
    """With the true model nothing is biased, so that only the choice itself could spoil the intervals."""
    rng = np.random.default_rng(6)
    hits = 0
    for seed in range(200):
        result = tuned_estimate("clipped_dr", thin(rng, 800, CHANCE), grid=[0.5, 2, 8, 30], seed=seed).estimate
        low, high = interval(result, "student")
        hits += low <= VALUE <= high
    assert 0.9 < hits / 200 < 0.99


def test_a_cross_fitted_estimate_is_the_estimate_where_there_is_no_choice(rng):
    user = np.repeat(np.arange(100), 3)
    terms = thin(rng, 300, cluster=user)
    found = tuned_estimate("clipped_dr", terms, grid=[7.0], folds=4)
    plain = estimate("clipped_dr", terms, clip=7.0)
    assert found.chosen == (7.0,) * 4
    assert (found.estimate.value, found.estimate.std_error) == pytest.approx((plain.value, plain.std_error))
    assert (found.estimate.ess, found.estimate.removed) == pytest.approx((plain.ess, plain.removed))
    assert found.estimate.hyper == {"clip": 7.0}


def test_bandwidths_are_tuned_and_self_normalisation_survives(rng):
    action = rng.normal(size=400)
    density = np.exp(-(action**2) / 2) / np.sqrt(2 * np.pi)
    terms = ContinuousTerms(1 + action + 0.1 * rng.normal(size=400), action, np.zeros(400), density)
    found = tuned_estimate("kernel_snips", terms, kernel="gaussian")
    assert set(found.chosen) <= set(found.grid)
    assert found.estimate.value == pytest.approx(1, abs=0.3)
    assert found.estimate.hyper["kernel"] == "gaussian"


def test_misuse_is_refused(rng, terms):
    with pytest.raises(ValueError, match="ips has no hyper-parameter to tune"):
        tune("ips", terms())
    with pytest.raises(ValueError, match="there are slope, pas_if"):
        tune("clipped_ips", terms(), method="grid")
    with pytest.raises(ValueError, match="folds must be from 2 to the number of users 4, not 5"):
        tuned_estimate("clipped_ips", terms())
    with pytest.raises(TypeError, match="clipped_ips needs BanditTerms, not EmbeddingTerms"):
        tune("clipped_ips", EmbeddingTerms([1.0], [1.0]), grid=[1])
    with pytest.raises(TypeError, match="pas_if needs BanditTerms, not ContinuousTerms"):
        tune("kernel_ips", ContinuousTerms([1.0], [1.0], [1.0], [1.0]), method="pas_if", grid=[1])
