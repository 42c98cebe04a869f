import numpy as np
import pytest

from recenv.ope import cross_fit

from .bandit import make_log


class Memory:
    """Predicts 1 for the observations it has learned from, else 0."""

    def fit(self, observation, item, reward, weight=None):
        self.seen = set(observation[:, 0].tolist())
        return self

    def predict(self, observation, items):
        return np.array([float(value in self.seen) for value in observation[:, 0].tolist()])

    def predict_all(self, observation, candidates):
        return np.repeat(self.predict(observation, None)[:, None], candidates.shape[1], axis=1)


def numbered(rng, rows=300, users=60):
    user = np.arange(rows) % users
    return make_log(rng, rows, user=user, observation={"features": user[:, None].astype(np.float32)})


def test_no_user_is_predicted_by_a_model_that_has_seen_them(rng):
    log = numbered(rng)
    fitted = cross_fit(log, Memory, folds=3)
    assert fitted.q_logged(log).tolist() == [0.0] * log.rows
    assert fitted.q_all(log, log.request().candidates).sum() == 0
    others = [model.predict(log.observation["features"], None) for model in fitted.models]
    np.testing.assert_array_equal(np.sum(others, axis=0), np.full(log.rows, 2.0))


def test_folds_are_of_equal_size_by_user_and_follow_the_seed(rng):
    log = numbered(rng)
    fitted = cross_fit(log, Memory, folds=3, seed=1)
    assert np.bincount(fitted.fold).tolist() == [20, 20, 20]
    assert fitted.fold.tolist() == cross_fit(log, Memory, folds=3, seed=1).fold.tolist()
    assert fitted.fold.tolist() != cross_fit(log, Memory, folds=3, seed=2).fold.tolist()


def test_a_long_log_is_sampled_for_the_fit(rng):
    sizes = []

    class Counting(Memory):
        def fit(self, observation, item, reward, weight=None):
            sizes.append(len(item))
            return super().fit(observation, item, reward)

    cross_fit(numbered(rng), Counting, folds=2, max_rows=100)
    assert sum(sizes) == 100


@pytest.mark.parametrize("folds", [1, 61])
def test_impossible_folds_are_refused(rng, folds):
    with pytest.raises(ValueError, match="folds must be from 2 to the number of users 60"):
        cross_fit(numbered(rng), Memory, folds=folds)
