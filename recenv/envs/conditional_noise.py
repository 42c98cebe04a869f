"""Laws of the two noises when the opinion is known up to an interval: truncated logistic, coupled by a Gaussian copula.

Everything is in closed form: logistic and bivariate normal probabilities, the latter by Owen's T (Owen 1956,
`owen1956tables`), accurate to about 1e-15 of absolute probability.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def mass(low: Array, high: Array) -> Array:
    """Return P(low < e < high) of the standard logistic, accurate in both tails; 0 where low >= high."""
    from scipy.special import expit

    # F(high) - F(low) = F(high) (1 - F(low)) (1 - exp(low - high)), without cancellation
    with np.errstate(invalid="ignore"):
        gap = np.where(low < high, low - high, 0.0)
    found: Array = expit(high) * expit(-low) * -np.expm1(gap)
    return found


def truncated_mean(low: Array, high: Array) -> Array:
    """Return E[e | low < e < high] of the standard logistic: the difference of entropies over the mass."""
    found: Array = (_entropy(low) - _entropy(high)) / mass(low, high)
    return np.clip(found, low, high)


def _entropy(e: Array) -> Array:
    """Return -F log F - (1 - F) log(1 - F) at F = sigmoid(e): minus the integral of the quantile from 0 to F."""
    from scipy.special import expit, log_expit

    finite = np.where(np.isinf(e), 0.0, e)
    entropy = -expit(finite) * log_expit(finite) - expit(-finite) * log_expit(-finite)
    return np.where(np.isinf(e), 0.0, entropy)


def normal_of(e: Array) -> Array:
    """Return the normal variable at the cumulative probability of the logistic e, accurate in both tails."""
    from scipy.special import log_expit, ndtri_exp

    return np.copysign(ndtri_exp(log_expit(-np.abs(e))), e)


def joint_mass(click: Array, low: Array, high: Array, coupling: float) -> Array:
    """Return P(e_click > click, low < e_rate < high) for logistic noises with a Gaussian copula; arrays broadcast."""
    from scipy.special import expit

    if coupling == 0.0:
        return expit(-click) * mass(low, high)
    z = normal_of(click)
    joint = upper_orthant(z, normal_of(low), coupling) - upper_orthant(z, normal_of(high), coupling)
    return np.clip(joint, 0.0, mass(low, high))


def upper_orthant(a: Array, b: Array, rho: float) -> Array:
    """Return P(Z1 > a, Z2 > b) of standard normals with correlation rho; a and b may be infinite."""
    from scipy.special import ndtr

    a, b = np.broadcast_arrays(-np.asarray(a, float), -np.asarray(b, float))
    if abs(rho) == 1.0:
        return ndtr(np.minimum(a, b)) if rho > 0 else np.maximum(ndtr(a) - ndtr(-b), 0.0)
    finite = np.isfinite(a) & np.isfinite(b)
    inner = _owen(np.where(finite, a, 1.0), np.where(finite, b, 1.0), rho)
    outer = np.where(np.isposinf(a), ndtr(b), np.where(np.isposinf(b), ndtr(a), 0.0))
    return np.where(finite, inner, outer)


def _owen(h: Array, k: Array, rho: float) -> Array:
    """Return P(Z1 < h, Z2 < k) of finite h, k, |rho| < 1."""
    from scipy.special import ndtr, owens_t

    # Owen's formula has 0/0 where both are 0; a step of 1e-300 to the side gives its limit.
    h, k = np.where(h == 0.0, 1e-300, h), np.where(k == 0.0, 1e-300, k)
    s = np.sqrt((1.0 - rho) * (1.0 + rho))
    t = owens_t(h, (k / h - rho) / s) + owens_t(k, (h / k - rho) / s)
    return np.clip(0.5 * (ndtr(h) + ndtr(k)) - t - np.where((h > 0) == (k > 0), 0.0, 0.5), 0.0, 1.0)
