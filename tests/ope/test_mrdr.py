import numpy as np
import pytest

from recenv.ope import BanditTerms, BilinearRidge, cross_fit, estimate, mrdr_weight

from .bandit import CHANCE, LOGGING, TARGET, draw, make_log


def test_weights_reckoned_by_hand():
    raw = np.array([0.25 * 0.5 / 0.25, 0, 0.0625 * 0.75 / 0.0625])
    np.testing.assert_allclose(mrdr_weight([0.5, 0.5, 0.25], [0.5, 0, 0.25]), raw / raw.mean())


def test_they_fit_the_model_that_the_estimate_needs():
    """A model of one number an item, too poor for the contexts: MRDR's choice of it makes the sharper estimate."""
    spread = {}
    for kind in ("plain", "mrdr"):
        rng, values = np.random.default_rng(2), []
        for _ in range(400):
            context, item, reward = draw(rng, 600)
            propensity, target = LOGGING[context, item], TARGET[context, item]
            weight = mrdr_weight(propensity, target) if kind == "mrdr" else np.ones(600)
            total = np.bincount(item, weights=weight, minlength=4)
            model = np.bincount(item, weights=weight * reward, minlength=4) / total
            terms = BanditTerms(reward, propensity, target, model[item], (TARGET @ model)[context])
            values.append(estimate("dr", terms).value)
        spread[kind] = np.std(values)
    assert spread["mrdr"] < spread["plain"]


def test_a_deterministic_targets_weights_are_the_variance_itself():
    """(1 - p) / p^2 where the target shows the item: the sum of squares is the estimate's variance."""
    p = np.array([0.2, 0.5])
    weight = mrdr_weight(p, np.ones(2))
    assert weight[0] / weight[1] == pytest.approx((0.8 / 0.04) / (0.5 / 0.25))


def test_cross_fitting_takes_them(rng):
    log = make_log(rng, 3_000)
    context = log.observation["features"][:, 0].astype(int)
    weight = mrdr_weight(log.propensity, TARGET[context, log.item])
    fitted = cross_fit(log, BilinearRidge, weight=weight)
    assert not np.allclose(fitted.q_logged(log), cross_fit(log, BilinearRidge).q_logged(log))
    model = BilinearRidge().fit(
        log.observation["features"][fitted.fold_of(log.user) != 0],
        log.item[fitted.fold_of(log.user) != 0],
        log.reward[fitted.fold_of(log.user) != 0],
        weight[fitted.fold_of(log.user) != 0],
    )
    rows = fitted.fold_of(log.user) == 0
    np.testing.assert_allclose(
        fitted.q_logged(log)[rows], model.predict(log.observation["features"][rows], log.item[rows])
    )
    assert np.abs(fitted.q_logged(log).mean() - CHANCE.mean()) < 0.3


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(3), r"weight must be \(50,\), one number a logged row; its shape is \(3,\)"),
        (np.r_[1, -1, np.ones(48)], "weight must be finite and at least 0; row 1 has -1"),
    ],
)
def test_unusable_weights_are_refused(rng, weight, message):
    with pytest.raises(ValueError, match=message):
        cross_fit(make_log(rng, 50), BilinearRidge, weight=weight)


def test_a_policy_without_overlap_has_nothing_to_fit():
    with pytest.raises(ValueError, match="mrdr has nothing to fit"):
        mrdr_weight([0.5, 0.5], [0.0, 0.0])
    with pytest.raises(ValueError, match=r"propensity must be in \(0, 1\]; row 0 has 0"):
        mrdr_weight([0.0, 0.5], [0.0, 0.0])
