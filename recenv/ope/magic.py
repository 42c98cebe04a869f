"""A blend of the value model and weighted doubly robust: the model takes over where weights are too wild."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.clusters import cluster_codes, cluster_sums
from recenv.ope.contribution import Contribution
from recenv.ope.step_weighting import discounts, episode_weight, linearised, parts
from recenv.ope.trajectory_terms import TrajectoryTerms

Z90 = 1.6448536269514722
"""Half-width in standard errors of the 90% interval that biases are measured from."""


def magic(terms: TrajectoryTerms, gamma: float | None = None) -> Contribution:
    """Model and guided importance sampling combined: x'g with x = argmin over the simplex of x' (Omega + b b') x.

    g_j is weighted doubly robust up to step j and the model's value from there on, j = -1 (the model alone) .. T-1
    (`wdr`); steps that no weight reaches are left to the model. Omega is the covariance of g, by cluster, and b_j the
    distance of g_j from the 90% normal interval of `wdr`. The influence takes x as given.
    Reference: Thomas and Brunskill (2016).
    """
    discount = discounts(terms, gamma)
    values, influence = _partial_returns(terms, discount)
    weight = episode_weight(terms.cumulative, discount)
    codes, groups = cluster_codes(terms.cluster, terms.rows)
    by_cluster = np.stack([cluster_sums(column, codes, groups) for column in influence.T], axis=1)
    covariance = by_cluster.T @ by_cluster * (groups / max(groups - 1, 1)) / terms.rows**2
    reach = Z90 * np.sqrt(covariance[-1, -1])
    bias = np.sign(values - values[-1]) * np.maximum(np.abs(values - values[-1]) - reach, 0.0)
    share = smallest_on_simplex(covariance + np.outer(bias, bias))
    return linearised(float(share @ values), influence @ share, weight)


def _partial_returns(
    terms: TrajectoryTerms, discount: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return g (T + 1,) and its influences (n, T + 1)."""
    made = parts(terms, terms.cumulative, discount, model=True)
    added, moved = np.zeros(terms.steps + 1), np.zeros((terms.rows, terms.steps + 1))
    # What each of them adds from one g to the next: the first state's value, residuals, later values, the last one.
    places = slice(0, 1), slice(1, None), slice(1, -1), slice(-1, None)
    for part, place in zip(made, places, strict=False):
        means = part.means()
        added[place] += part.discount * means.ratio
        with np.errstate(invalid="ignore"):
            moved[:, place] += part.influence_by_step(means)
    values, influences = np.cumsum(added), np.cumsum(moved, axis=1)
    reached = np.isfinite(values)
    return values[reached], influences[:, reached]


def smallest_on_simplex(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return x >= 0, sum x = 1, that minimises x' S x for a positive semidefinite S (J, J).

    Least squares of [F'; c 1'] x against [0; c], x >= 0 and S = F F', has its solution on the ray of x for any c > 0.
    Reference: Lawson and Hanson (1974) for the non-negative least squares.
    """
    from scipy.optimize import nnls

    eigenvalues, vectors = np.linalg.eigh(matrix)
    factor = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))
    scale = np.sqrt(max(float(eigenvalues[-1]), np.finfo(float).tiny))
    left = np.vstack([factor.T / scale, np.ones(len(matrix))])
    solution, _ = nnls(left, np.append(np.zeros(len(matrix)), 1.0))
    return np.asarray(solution / solution.sum())
