"""Real or simulated? A classifier that sees a user's ratings and must say whether the log or the world made them.

An AUC of 0.5 means that it cannot tell, 1 that it always can. Each user occurs twice, with the logged ratings and with
ratings that the world draws for the same items; both copies are in the same fold, so that no user is recognised.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.causal.validation.bootstrap import Estimate, UserBootstrap
from recenv.causal.validation.predicted import Predicted
from recenv.causal.world import World

FOLDS, MOST_USERS, FEWEST_RATINGS, FEWEST_USERS = 5, 4000, 5, 20
DIRECTIONS = 8
"""Taste dimensions and topics, the largest first, along which residuals are looked at."""


def classifier_auc(world: World, rows: Predicted) -> Estimate | None:
    """Return the cross-fitted AUC with its interval over users; None with fewer than 20 users of 5 ratings.

    A logistic regression on features of each user's ratings, their squares included: mean, deviation, shares of levels,
    residuals (mean, size, by popularity, by predicted rating, along taste dimensions and topics, from one rating to
    the next in time).
    """
    counts = np.bincount(rows.user, minlength=world.n_users)
    users = np.flatnonzero(counts >= FEWEST_RATINGS)
    rng = np.random.default_rng([world.seed, 32])
    users = np.sort(rng.permutation(users)[:MOST_USERS])
    if len(users) < FEWEST_USERS:
        return None
    keep = np.isin(rows.user, users)
    rows = Predicted._make(column[keep] for column in rows)
    real, made = (user_features(world, rows, level) for level in (rows.level, rows.simulated))
    score = _cross_fitted(np.concatenate([real, made]), len(users), rng)
    draws = UserBootstrap.of(users, seed=world.seed)
    replicates = np.array([_auc(score, np.tile(weight, 2)) for weight in draws.weight])
    return draws.around(_auc(score, np.ones(2 * len(users))), replicates)


def user_features(world: World, rows: Predicted, level: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return (users, F) features of these levels of the rows, users in ascending order."""
    levels = rows.probability.shape[1]
    _, index = np.unique(rows.user, return_inverse=True)
    count = np.bincount(index).astype(np.float64)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        sums: NDArray[np.float64] = np.bincount(index, weights=values) / count
        return sums

    ranks = np.arange(1, levels + 1)
    expected = rows.probability @ ranks
    deviation = np.sqrt(np.maximum(rows.probability @ ranks**2 - expected**2, 1e-6))
    residual = (level - expected) / deviation
    popularity = np.log1p(world.item_counts[rows.item])
    centred = level - mean(level.astype(float))[index]
    columns = [
        mean(level.astype(float)),
        np.sqrt(mean(centred**2)),
        mean(residual),
        mean(residual**2),
        mean(residual**3),
    ]
    columns += [mean((level == one).astype(float)) for one in ranks[:-1]]
    columns += [mean(residual * (one - one.mean())) for one in (popularity, expected)]
    columns += [mean(residual * one) for one in _directions(world, rows.item)]
    columns += [mean(_next_in_time(rows, index, residual))]
    return np.column_stack(columns)


def _directions(world: World, item: NDArray[np.integer]) -> list[NDArray[np.float64]]:
    """Return the leading columns of V and of the topics at these items, centred."""
    common = np.argsort(-world.topic.sum(axis=0), kind="stable")[:DIRECTIONS]
    columns = np.column_stack([world.embedding[:, :DIRECTIONS], world.topic[:, common]])[item]
    return list((columns - columns.mean(axis=0)).T)


def _next_in_time(rows: Predicted, index: NDArray[np.integer], residual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) the product of each row's residual with that of the same user's next row, 0 after the last."""
    order = np.lexsort((rows.order, index))
    same = index[order][:-1] == index[order][1:]
    product = np.zeros(len(residual))
    product[order[:-1]] = np.where(same, residual[order][:-1] * residual[order][1:], 0.0)
    return product


def _cross_fitted(features: NDArray[np.float64], users: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return (2 users,) the score of each half by a classifier that has seen neither copy of its user."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fold = np.tile(rng.permutation(np.arange(users) % FOLDS), 2)
    real = np.repeat([1, 0], users)
    standard = (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-9)
    standard = np.clip(standard, -6.0, 6.0)
    inputs = np.column_stack([standard, standard**2])
    score = np.empty(2 * users)
    for k in range(FOLDS):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
        model.fit(inputs[fold != k], real[fold != k])
        score[fold == k] = model.decision_function(inputs[fold == k])
    return score


def _auc(score: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Return the weighted AUC of scores whose first half is real; ties count half."""
    real = np.repeat([True, False], len(score) // 2)
    _, place = np.unique(score, return_inverse=True)
    yes = np.bincount(place, weights=weight * real)
    no = np.bincount(place, weights=weight * ~real)
    below = np.cumsum(no) - no
    return float(yes @ (below + 0.5 * no) / (yes.sum() * no.sum()))
