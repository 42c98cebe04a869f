"""Poisson factorisation of who rated what: users and items meet in latent communities of exposure.

A hidden count n_ui ~ Poisson(theta_u . beta_i) with theta, beta >= 0; a pair is observed when it is above 0, so
P(O_ui = 1) = 1 - exp(-theta_u . beta_i) (Gopalan et al. 2015, `gopalan2015scalable`; the binary link is that of
Zhou 2015, `zhou2015infinite`). Fitted by expectation-maximisation, whose steps are multiplicative and touch only the
observed pairs:

    theta_uk <- (rate theta0_u + theta_uk sum_{i: O=1} beta_ik / (1 - exp(-lambda_ui))) / (rate + sum_i beta_ik)

with a gamma prior whose mode theta0 is the model of independent users and items, and the same for beta.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.compiled import jit


class PoissonExposure(NamedTuple):
    """A fitted Poisson factorisation."""

    user: NDArray[np.float64]
    """(U, K) theta, 0 or more."""
    item: NDArray[np.float64]
    """(N, K) beta, 0 or more."""

    def intensity(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) theta . beta, the substitute confounder of a pair."""
        return np.einsum("nk,nk->n", self.user[users], self.item[items])

    def propensity(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) P(O = 1) of each pair."""
        return -np.expm1(-np.maximum(self.intensity(users, items), 1e-9))


def fit_poisson(
    users: NDArray[np.integer],
    items: NDArray[np.integer],
    n_users: int,
    n_items: int,
    *,
    rng: np.random.Generator,
    factors: int = 8,
    steps: int = 60,
    rate: float = 1.0,
) -> PoissonExposure:
    """Fit theta and beta to the observed pairs (n,), by `steps` rounds over them.

    `rate` is that of the prior, in ratings of an average user or item; `rng` breaks the equal factors apart.
    """
    theta0, beta0 = _independent(users, n_users, factors), _independent(items, n_items, factors)
    rates = rate / theta0.mean(), rate / beta0.mean()
    theta, beta = theta0 * rng.gamma(10.0, 0.1, (n_users, factors)), beta0 * rng.gamma(10.0, 0.1, (n_items, factors))
    for _ in range(steps):
        theta = (rates[0] * theta0 + theta * _responsibility(theta, beta, users, items)) / (rates[0] + beta.sum(0))
        beta = (rates[1] * beta0 + beta * _responsibility(beta, theta, items, users)) / (rates[1] + theta.sum(0))
    return PoissonExposure(theta, beta)


def _independent(ids: NDArray[np.integer], size: int, factors: int) -> NDArray[np.float64]:
    """Return (size, 1) what every factor is where users and items are independent."""
    counts = np.bincount(ids, minlength=size) + 0.5
    return counts[:, None] / np.sqrt(counts.sum() * factors)


def _responsibility(
    own: NDArray[np.float64], other: NDArray[np.float64], mine: NDArray[np.integer], theirs: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return, of each own row, the sum of other / (1 - exp(-lambda)) over its observed pairs."""
    total = np.zeros_like(own)
    add_responsibility(total, own, other, mine, theirs)
    return total


@jit
def add_responsibility(total, own, other, mine, theirs):  # type: ignore[no-untyped-def]
    """Add to `total`, pair by pair, so that no array of pairs x factors is made."""
    for row in range(mine.shape[0]):
        m, t = mine[row], theirs[row]
        intensity = 0.0
        for k in range(own.shape[1]):
            intensity += own[m, k] * other[t, k]
        weight = -1.0 / np.expm1(-max(intensity, 1e-12))
        for k in range(own.shape[1]):
            total[m, k] += weight * other[t, k]
