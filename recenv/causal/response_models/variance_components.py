"""How much of the ratings each kind of effect explains: variances of the largest marginal likelihood.

The ratings of a sample of users, about their mean, are taken as Gaussian with covariance

    K = sum_k v_k K_k + v_noise I

where K_k is the kernel of one kind of effect. log N(y; 0, K) is maximised over log v with its exact gradient, with a
wide prior log v ~ N(0, 3^2) (empirical Bayes; Rasmussen & Williams 2006, `rasmussen2006gaussian`, chapter 5). A kind
of effect that the log does not support gets a variance near 0. Ratings are not weighted here: only sizes are asked.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.response_models.feature_effects import Sides, Variances

STEPS = 25
PRIOR_DEVIATION = 3.0
BOUNDS = (-9.0, 4.0)
START = 0.1
MOST_OF_A_USER = 25
"""Ratings of one user: a sample must hold many users to tell how they differ."""


class Components(NamedTuple):
    """Variances in units of the squared rating."""

    effects: Variances
    columns: NDArray[np.float64]
    """(m,) of the given columns' coefficients."""
    noise: float

    def in_logistic_units(self) -> tuple[Variances, NDArray[np.float64]]:
        """Return the variances where the noise is standard logistic, of variance pi^2 / 3; the constant is 0."""
        factor = np.pi**2 / 3 / self.noise
        effects = Variances(*(factor * value for value in self.effects))._replace(constant=0.0)
        return effects, factor * self.columns


def find_components(
    sides: Sides,
    users: NDArray[np.integer],
    items: NDArray[np.integer],
    rating: NDArray[np.float64],
    columns: NDArray[np.float64],
    *,
    most_rows: int,
    rng: np.random.Generator,
) -> Components:
    """Return the most likely variances.

    Parameters
    ----------
    users, items, rating
        (n,) ratings on the log's scale.
    columns
        (n, m) further columns of the utility.
    most_rows
        Ratings of randomly drawn users are used, no more than this.
    rng
        Draws them.
    """
    from scipy.optimize import minimize

    unit = max(float(rating.std()), 1e-9)
    rows = _sample(users, most_rows, rng)
    y = (rating[rows] - rating[rows].mean()) / unit
    kernels = _kernels(sides, users[rows], items[rows], columns[rows])

    def objective(log_variance: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, gradient = _negative_evidence(np.exp(log_variance), kernels, y)
        scaled = log_variance / PRIOR_DEVIATION
        return value + 0.5 * float(scaled @ scaled), gradient * np.exp(log_variance) + scaled / PRIOR_DEVIATION

    start = np.log(np.append(np.full(len(kernels), START), 1.0 - START))
    bounds, options = [BOUNDS] * len(start), {"maxiter": STEPS}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    value = unit**2 * np.exp(found)
    count = len(Variances._fields)
    return Components(Variances(*value[:count].tolist()), value[count:-1], float(value[-1]))


def _sample(users: NDArray[np.integer], most_rows: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return rows, user by user in random order, at most `MOST_OF_A_USER` of each."""
    order = rng.permutation(len(users))
    order = order[np.argsort(rng.permutation(int(users.max()) + 1)[users[order]], kind="stable")]
    starts = np.flatnonzero(np.diff(users[order], prepend=-1))
    place = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    return np.sort(order[place < MOST_OF_A_USER][:most_rows])


def _kernels(
    sides: Sides, users: NDArray[np.integer], items: NDArray[np.integer], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (k, n n): the kernel of each field of `Variances` in their order, then that of each column."""
    x, z = sides.x[users, 1:], sides.z[items, 1:]
    by_user, by_item = x @ x.T, z @ z.T
    same_user, same_item = (1.0 * (ids[:, None] == ids) for ids in (users, items))
    products = [by_user * by_item, same_user * by_item, same_item * by_user]
    every = [same_user, same_item, by_user, by_item, *products, np.ones_like(by_user)]
    return np.stack([kernel.ravel() for kernel in every + [np.outer(h, h) for h in columns.T]])


def _negative_evidence(
    variance: NDArray[np.float64], kernels: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return -log N(y; 0, K) without its constant, and its gradient by the variances (kernels, then noise)."""
    from scipy.linalg import cho_solve, cholesky, lapack

    n = len(y)
    covariance = (variance[:-1] @ kernels).reshape(n, n)
    covariance.flat[:: n + 1] += variance[-1]
    root = cholesky(covariance.T, lower=True, overwrite_a=True, check_finite=False)
    solved = cho_solve((root, True), y, check_finite=False)
    value = 0.5 * float(y @ solved) + float(np.log(np.diag(root)).sum())
    inverse = lapack.dpotri(root, lower=1, overwrite_c=1)[0]  # its lower triangle; the other is 0
    own = np.diag(inverse).copy()
    inverse *= 2.0  # kernels are symmetric, so one triangle twice does for both
    inverse.T.flat[:: n + 1] -= own
    inverse -= np.outer(solved, solved)
    by_kernel = 0.5 * (kernels @ inverse.T.ravel())
    return value, np.append(by_kernel, 0.5 * (own.sum() - solved @ solved))
