import numpy as np
import pytest

from recenv.ope import ClassifierPropensity, ItemSharePropensity, cross_fit_propensity, evaluate
from recenv.ope.calibration import isotonic, platt

from .bandit import LOGGING, TARGET, VALUE, Table, make_log


class Memory:
    """Remembers whom it was fitted on: their own item is certain."""

    def fit(self, observation, item, n_items):
        self.seen = set(observation[:, 0].tolist())
        return self

    def probabilities(self, request):
        known = np.array([value in self.seen for value in request.observation[:, 0].tolist()])
        return np.where(known[:, None], [[1.0, 0.0, 0.0, 0.0]], 0.25)


def test_no_user_is_asked_of_a_model_that_has_seen_them(rng):
    log = make_log(rng, 300, observation={"features": np.arange(300, dtype=np.float32)[:, None]})
    found = cross_fit_propensity(log, Memory(), calibration=None)
    np.testing.assert_array_equal(found.probabilities(log.request()), np.full((300, 4), 0.25))


@pytest.mark.parametrize("calibration", ["isotonic", "platt", None])
def test_the_logging_policy_is_recovered_and_sums_to_one(rng, calibration):
    from sklearn.linear_model import LogisticRegression

    log = make_log(rng, 6_000)
    found = cross_fit_propensity(log, ClassifierPropensity(LogisticRegression(C=100)), calibration=calibration)
    answer = found.probabilities(log.request())
    np.testing.assert_allclose(answer.sum(axis=1), 1)
    np.testing.assert_allclose(answer, LOGGING[log.observation["features"][:, 0].astype(int)], atol=0.06)


def test_calibration_repairs_a_model_that_is_too_sure(rng):
    class Sure(Table):
        def fit(self, observation, item, n_items):
            return self

    cubed = LOGGING**3 / (LOGGING**3).sum(axis=1, keepdims=True)
    log = make_log(rng, 6_000)
    truth = LOGGING[log.observation["features"][:, 0].astype(int)]
    raw = np.abs(cross_fit_propensity(log, Sure(cubed), calibration=None).probabilities(log.request()) - truth).mean()
    for name in ("isotonic", "platt"):
        found = cross_fit_propensity(log, Sure(cubed), calibration=name).probabilities(log.request())
        assert np.abs(found - truth).mean() < 0.35 * raw


@pytest.mark.parametrize("method", [isotonic, platt])
def test_calibrated_probabilities_happen_as_often_as_they_say(rng, method):
    said = rng.uniform(0.01, 0.99, 20_000)
    happened = (rng.random(20_000) < said**2).astype(float)
    moved = method(said, happened)(said)
    for low in (0.1, 0.3, 0.5, 0.7):
        here = (moved >= low) & (moved < low + 0.2)
        assert happened[here].mean() == pytest.approx(moved[here].mean(), abs=0.03)


def test_evaluate_takes_it_and_marks_every_number(rng):
    from sklearn.linear_model import LogisticRegression

    log = make_log(rng, 3_000, propensity=np.full(3_000, np.nan))
    model = cross_fit_propensity(log, ClassifierPropensity(LogisticRegression(C=100)))
    result = evaluate(log, {"target": Table(TARGET)}, propensity_model=model, progress=False)
    assert set(result.table["propensity"]) == {"estimated"}
    assert result.table.set_index("estimator").loc["snips", "value"] == pytest.approx(VALUE, abs=0.06)


def test_misuse_is_refused(rng):
    log = make_log(rng, 30)
    with pytest.raises(ValueError, match="there is no calibration 'temperature'; there are isotonic, platt, None"):
        cross_fit_propensity(log, ItemSharePropensity(), calibration="temperature")
    with pytest.raises(ValueError, match="folds must be from 2 to the number of users 30, not 31"):
        cross_fit_propensity(log, ItemSharePropensity(), folds=31)
    found = cross_fit_propensity(log, ItemSharePropensity())
    with pytest.raises(ValueError, match="row 2: user 99 is not in the log"):
        found.probabilities(log.request()._replace(users=np.r_[0, 1, 99, np.arange(3, 30)]))
    with pytest.raises(ValueError, match=r"request\.users is missing"):
        found.probabilities(log.request()._replace(users=None))
