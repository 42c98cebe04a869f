import numpy as np
import pytest

from recenv.ope import ClassifierPropensity, ItemSharePropensity, evaluate
from recenv.protocol import Request

from .bandit import LOGGING, Table, make_log


def test_item_shares_are_smoothed_and_renormalised():
    model = ItemSharePropensity(smoothing=1).fit(np.zeros((4, 0)), np.array([0, 0, 0, 1]), 3)
    request = Request(np.zeros((2, 0)), np.array([[0, 1, 2], [1, 2, -1]]))
    np.testing.assert_allclose(model.probabilities(request), [[4 / 7, 2 / 7, 1 / 7], [2 / 3, 1 / 3, 0]])


def test_a_classifier_recovers_the_logging_policy(rng):
    from sklearn.linear_model import LogisticRegression

    log = make_log(rng, 6_000)
    model = ClassifierPropensity(LogisticRegression(max_iter=300, C=100))
    model.fit(log.observation["features"], log.item, 4)
    answer = model.probabilities(log.request())
    np.testing.assert_allclose(answer, LOGGING[log.observation["features"][:, 0].astype(int)], atol=0.05)


def test_every_number_on_estimated_propensities_is_marked(rng):
    logging = np.tile([0.4, 0.3, 0.2, 0.1], (3, 1))
    log = make_log(rng, 3_000, logging=logging, propensity=np.full(3_000, np.nan))
    policies = {"uniform": Table(np.full((3, 4), 0.25))}
    result = evaluate(log, policies, propensity_model=ItemSharePropensity(), progress=False)
    assert set(result.table["propensity"]) == {"estimated"}
    assert set(result.table["verdict"]) == {"caution"}
    assert result.table["reason"].str.contains("propensities are estimated").all()


def test_a_log_without_propensities_needs_a_model(rng):
    log = make_log(rng, 50, propensity=np.full(50, np.nan))
    with pytest.raises(ValueError, match="pass propensity_model="):
        evaluate(log, {"p": Table(LOGGING)}, progress=False)


def test_a_model_that_excludes_a_logged_item_is_refused(rng):
    never = Table([[0.0, 0.5, 0.5, 0.0]] * 3)
    with pytest.raises(ValueError, match="propensity_model gives the shown item of row"):
        evaluate(make_log(rng, 50), {"p": Table(LOGGING)}, propensity_model=never, progress=False)
