import numpy as np
import pytest

from recenv.ope import BanditTerms, estimate, pas_if
from recenv.ope.pas_if import _rehearsal

from .bandit import VALUE
from .test_tuning import thin


def test_the_rehearsal_has_the_targets_weights_and_the_wanted_share(rng):
    weight = rng.pareto(3, 50_000)
    chance, pseudo = _rehearsal(weight, 0.2)
    assert chance.mean() == pytest.approx(0.2, rel=1e-9)
    np.testing.assert_allclose(pseudo / weight, pseudo[0] / weight[0])
    # In the part that plays the log, the pseudo-weight has mean 1: (1 - share) of all rows are in it.
    assert ((1 - chance) * pseudo).mean() / 0.8 == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("rows", [500, 4_000])
def test_the_estimated_errors_rank_as_the_true_ones(rows):
    rng = np.random.default_rng(9)
    candidates = [
        ("clipped_ips", {"clip": 0.3}),
        ("clipped_ips", {"clip": 30.0}),
        ("dr", {}),
        ("clipped_dr", {"clip": 2}),
    ]
    guessed, errors = np.zeros(4), np.zeros(4)
    for seed in range(15):
        terms = thin(rng, rows)
        guessed += pas_if(candidates, terms, rng=seed)
        errors += [(estimate(name, terms, **hyper).value - VALUE) ** 2 for name, hyper in candidates]
    assert guessed.argmax() == errors.argmax() == 0
    assert guessed[2] < guessed[1]
    assert errors[2] < errors[1]
    assert errors[guessed.argmin()] < 4 * errors.min()


def test_it_follows_its_generator(rng):
    terms = thin(rng, 400)
    candidates = [("ips", {}), ("snips", {})]
    np.testing.assert_array_equal(pas_if(candidates, terms, rng=3), pas_if(candidates, terms, rng=3))
    assert (pas_if(candidates, terms, rng=3) != pas_if(candidates, terms, rng=4)).all()


def test_a_deterministic_target_is_rehearsed_too(rng):
    match = rng.random(2_000) < 0.1
    terms = BanditTerms(rng.random(2_000), np.full(2_000, 0.1), match.astype(float))
    assert np.isfinite(pas_if([("ips", {}), ("snips", {})], terms)).all()


def test_nothing_to_rehearse_is_refused(terms):
    with pytest.raises(ValueError, match="no row has weight"):
        pas_if([("ips", {})], terms(target=np.zeros(4)))
    with pytest.raises(ValueError, match="needs candidates"):
        pas_if([], terms())
    with pytest.raises(ValueError, match="too few rows have weight"):
        pas_if([("ips", {})], terms().take(np.array([0])), repetitions=50)
