"""Estimators of ordered slates where users look from the top, as in Kiyohara et al. (2022), `kiyohara2022doubly`.

Four positions of eight items each, which may repeat; both policies pick a position's item from a softmax of the
context. The reward of a position depends on its own item and on those above: the cascade that the paper assumes. The
paper draws its errors as curves; what it states is checked: independent position scoring is biased, whole-slate scoring
unbiased with the largest error, reward interaction scoring between, Cascade-DR best.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from published_part import Part
from result_table import Row

from recenv.ope import SlateTerms, estimate

REPLICATES, QUICK, SIZES, SEED = 300, 40, (500, 2_000, 8_000), 5
ITEMS, SLOTS, CONTEXT, TRUTH_ROWS, RIDGE = 8, 4, 5, 200_000, 1.0
LOGGING, TARGET = 0.3, 0.6
"""Sharpness of the policies."""
ESTIMATORS = ("sips", "iips", "rips", "cascade_dr")
Matrix = NDArray[np.float64]
_RNG = np.random.default_rng(SEED)
_LOGGED, _WANTED, _LIKED = _RNG.normal(size=(3, CONTEXT, ITEMS))
_ABOVE = _RNG.normal(size=(ITEMS, ITEMS)) + 2 * _WANTED[0][:, None]
"""[a, b]: what item a above adds to the reward of item b; the target favours items that lift those below."""


def compare(*, quick: bool) -> Part:
    """Return bias and error by number of slates."""
    truth = true_value()
    replicates, lines, rows = QUICK if quick else REPLICATES, [], []
    for size in SIZES:
        rng = np.random.default_rng([SEED, size])
        values = np.array([_values(size, rng) for _ in range(replicates)])
        bias, rmse = values.mean(axis=0) - truth, np.sqrt(((values - truth) ** 2).mean(axis=0))
        order = [ESTIMATORS[k] for k in np.argsort(rmse)]
        lines.append(
            [f"{size:,}", *(f"{one:+.3f}" for one in bias), *(f"{one:.3f}" for one in rmse), " < ".join(order)]
        )
        for name, one, off in zip(ESTIMATORS, rmse, bias, strict=True):
            config = {"slates": size, "bias": float(off)}
            rows.append(Row(name, "rmse", *([float(one)] * 3), "reward", config))
    headings = ["slates", *(f"{what} {name}" for what in ("bias", "RMSE") for name in ESTIMATORS), "order"]
    text = f"Over {replicates} logs; the true value is {truth:.3f}. Published order: cascade_dr < rips < sips."
    return Part("Cascade-DR", text, headings, lines, rows)


def contexts(rows: int, rng: np.random.Generator) -> Matrix:
    """Return contexts (n, P), the first entry 1: items differ in how often they are shown, too."""
    return np.hstack([np.ones((rows, 1)), rng.normal(size=(rows, CONTEXT - 1))])


def softmax(score: Matrix) -> Matrix:
    """Return probabilities (n, N)."""
    odds = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def draw(probability: Matrix, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return slates (n, K) whose positions are independent given the context."""
    above = rng.random((len(probability), SLOTS, 1)) > probability.cumsum(axis=1)[:, None, :]
    return np.minimum(above.sum(axis=2), ITEMS - 1)


def mean_reward(context: Matrix, slate: NDArray[np.int64]) -> Matrix:
    """Return (n, K) expected rewards."""
    result = np.take_along_axis(context @ _LIKED, slate, axis=1)
    for place in range(1, SLOTS):
        result[:, place] += sum(_ABOVE[slate[:, above], slate[:, place]] for above in range(place)) / place
    return np.asarray(result)


def true_value() -> float:
    """Return the target's value over fresh contexts."""
    rng = np.random.default_rng([SEED, 0])
    context = contexts(TRUTH_ROWS, rng)
    return float(mean_reward(context, draw(softmax(TARGET * context @ _WANTED), rng)).sum(axis=1).mean())


def _values(rows: int, rng: np.random.Generator) -> list[float]:
    context = contexts(rows, rng)
    logging, target = softmax(LOGGING * context @ _LOGGED), softmax(TARGET * context @ _WANTED)
    slate = draw(logging, rng)
    reward = mean_reward(context, slate) + rng.normal(size=slate.shape)
    own, wanted = (np.take_along_axis(policy, slate, axis=1) for policy in (logging, target))
    q_logged, q_target = value_model(context, slate, reward, target)
    terms = SlateTerms(
        reward=reward,
        propensity=own.prod(axis=1),
        target=wanted.prod(axis=1),
        propensity_position=own,
        target_position=wanted,
        propensity_prefix=own.cumprod(axis=1),
        target_prefix=wanted.cumprod(axis=1),
        q_logged=q_logged,
        q_target=q_target,
    )
    return [estimate(name, terms).value for name in ESTIMATORS]


def value_model(context: Matrix, slate: NDArray[np.int64], reward: Matrix, target: Matrix) -> tuple[Matrix, Matrix]:
    """Return (n, K) the rest of a slate's reward at the logged item and under the target, fitted in two folds.

    From the last position up, ridge regression on context by item and on the share of each item above; the pairs of
    items that make the cascade are left out, so the model is wrong.
    """
    rows = len(context)
    q_logged, q_target = np.empty((rows, SLOTS)), np.empty((rows, SLOTS))
    onehot, fold = np.eye(ITEMS), np.arange(rows) % 2
    for number in (0, 1):
        seen, unseen = fold != number, fold == number
        after = np.zeros(rows)
        for place in reversed(range(SLOTS)):
            above = onehot[slate[:, :place]].mean(axis=1) if place else np.zeros((rows, ITEMS))
            crossed = (onehot[slate[:, place]][:, :, None] * context[:, None, :]).reshape(rows, -1)
            features = np.hstack([crossed, above])
            gram = features[seen].T @ features[seen] + RIDGE * np.eye(features.shape[1])
            weight = np.linalg.solve(gram, features[seen].T @ (reward[:, place] + after)[seen])
            split = ITEMS * context.shape[1]
            every = context @ weight[:split].reshape(ITEMS, -1).T + (above @ weight[split:])[:, None]
            after = np.einsum("na,na->n", target, every)
            q_logged[unseen, place] = every[unseen, slate[unseen, place]]
            q_target[unseen, place] = after[unseen]
    return q_logged, q_target
