"""How heavy the tail of the weights is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pareto_k(weight: NDArray[np.float64]) -> float:
    """Return the shape k of a generalised Pareto distribution fitted to the largest weights.

    The tail is the largest min(n / 5, 3 sqrt(n)) weights (n,). The mean of the weights has a finite variance for
    k < 1/2; above 0.7 the central limit theorem is of no use at practical sizes. NaN where there is no tail: fewer
    than 5 distinct values in it, as when the weights are few discrete numbers.
    References: Zhang and Stephens (2009) for the fit; Vehtari et al. (2024) for tail size and thresholds.
    """
    size = int(min(0.2 * len(weight), 3 * np.sqrt(len(weight))))
    if size < 5:
        return float("nan")
    largest = np.partition(weight, len(weight) - size - 1)[len(weight) - size - 1 :]
    largest.sort()
    excess = largest[1:] - largest[0]
    excess = excess[excess > 0]
    if len(np.unique(excess)) < 5:
        return float("nan")
    return generalised_pareto_shape(excess)


def generalised_pareto_shape(excess: NDArray[np.float64]) -> float:
    """Return the posterior-mean shape of sorted, positive exceedances (m,), with the weak prior k = 0.5.

    Reference: Zhang and Stephens (2009); the prior worth 10 observations is that of Vehtari et al. (2024).
    """
    m = len(excess)
    grid = 30 + int(np.sqrt(m))
    quartile = excess[int(m / 4 + 0.5) - 1]
    theta = 1 / excess[-1] + (1 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3 * quartile)
    shape = np.log1p(-theta[:, None] * excess).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(theta == 0, 1 / excess.mean(), -theta / shape)  # theta 0 is the exponential, the limit
    likelihood = m * (np.log(rate) - shape - 1)
    posterior = np.exp(likelihood - likelihood.max())
    best = float(np.dot(theta, posterior / posterior.sum()))
    k = float(np.log1p(-best * excess).mean())
    return (m * k + 10 * 0.5) / (m + 10)
