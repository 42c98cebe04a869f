"""Opinion noise e_rate and click noise e_click: logistic marginals, coupled through a Gaussian copula."""

import math

from recenv.causal.compiled import jit
from recenv.causal.noise import logistic_cdf, logistic_quantile, normal_cdf, normal_quantile


@jit
def opinion_noise(u_item, u_shared, dials):  # type: ignore[no-untyped-def]
    """Return e_rate of an unlogged pair.

    With noise_correlation c > 0 a factor shared by all items of the user enters:
    e = F^-1(Phi(sqrt(1 - c) z_item + sqrt(c) z_user)); the marginal stays standard logistic.
    """
    c = dials["noise_correlation"]
    if c == 0.0:
        return logistic_quantile(u_item)
    z = math.sqrt(1.0 - c) * normal_quantile(u_item) + math.sqrt(c) * normal_quantile(u_shared)
    return logistic_from_normal(z)


@jit
def click_noise(u_click, e_rate, dials):  # type: ignore[no-untyped-def]
    """Return e_click with Gaussian-copula correlation `coupling` to e_rate; the marginal stays standard logistic."""
    z_rate = 0.0 if dials["coupling"] == 0.0 else normal_from_logistic(e_rate)
    return click_noise_of_normal(u_click, z_rate, dials)


@jit
def click_noise_of_normal(u_click, z_rate, dials):  # type: ignore[no-untyped-def]
    """Return the same e_click where the opinion is given as z_rate, the normal variable of e_rate's probability."""
    rho = dials["coupling"]
    if rho == 0.0:
        return logistic_quantile(u_click)
    return logistic_from_normal(rho * z_rate + math.sqrt(1.0 - rho * rho) * normal_quantile(u_click))


@jit
def logistic_from_normal(z):  # type: ignore[no-untyped-def]
    """Return the logistic variable at the same cumulative probability as the normal z, accurate in both tails."""
    tail = normal_cdf(-abs(z))
    e = math.log((1.0 - tail) / tail)
    return e if z >= 0.0 else -e


@jit
def normal_from_logistic(e):  # type: ignore[no-untyped-def]
    """Return the normal variable at the same cumulative probability as the logistic e, accurate in both tails."""
    z = -normal_quantile(logistic_cdf(-abs(e)))
    return z if e >= 0.0 else -z
