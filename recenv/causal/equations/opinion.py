"""Opinion noise e_rate and click noise e_click: logistic marginals, coupled through a Gaussian copula."""

import math

from recenv.causal.compiled import jit_merged
from recenv.causal.elementary import log
from recenv.causal.noise import logistic_cdf, logistic_quantile, normal_quantile, normal_tail


@jit_merged
def opinion_normal(u_item, u_shared, dials):  # type: ignore[no-untyped-def]
    """Return z_rate of an unlogged pair: sqrt(1 - c) z_item + sqrt(c) z_user, with c = `noise_correlation`."""
    c = dials["noise_correlation"]
    return math.sqrt(1.0 - c) * normal_quantile(u_item) + math.sqrt(c) * normal_quantile(u_shared)


@jit_merged
def opinion_noise(u_item, u_shared, dials):  # type: ignore[no-untyped-def]
    """Return e_rate of an unlogged pair.

    With noise_correlation c > 0 a factor shared by all items of the user enters: e = F^-1(Phi(z_rate)); the marginal
    stays standard logistic.
    """
    if dials["noise_correlation"] == 0.0:
        return logistic_quantile(u_item)
    return logistic_from_normal(opinion_normal(u_item, u_shared, dials))


@jit_merged
def click_noise(u_click, e_rate, dials):  # type: ignore[no-untyped-def]
    """Return e_click with Gaussian-copula correlation `coupling` to e_rate; the marginal stays standard logistic."""
    return click_noise_of_normal(u_click, normal_from_logistic(e_rate), dials)


@jit_merged
def click_noise_of_normal(u_click, z_rate, dials):  # type: ignore[no-untyped-def]
    """Return the same e_click where the opinion is given as z_rate, the normal variable of e_rate's probability."""
    return logistic_from_normal(click_normal(u_click, z_rate, dials))


@jit_merged
def click_normal(u_click, z_rate, dials):  # type: ignore[no-untyped-def]
    """Return the normal variable behind e_click: rho z_rate + sqrt(1 - rho^2) Phi^-1(u_click), rho = `coupling`."""
    rho = dials["coupling"]
    return rho * z_rate + math.sqrt(1.0 - rho * rho) * normal_quantile(u_click)


@jit_merged
def logistic_from_normal(z):  # type: ignore[no-untyped-def]
    """Return the logistic variable at the same cumulative probability as the normal z, accurate in both tails."""
    tail = normal_tail(abs(z))
    e = log((1.0 - tail) / tail)
    return e if z >= 0.0 else -e


@jit_merged
def normal_from_logistic(e):  # type: ignore[no-untyped-def]
    """Return the normal variable at the same cumulative probability as the logistic e, accurate in both tails."""
    z = -normal_quantile(logistic_cdf(-abs(e)))
    return z if e >= 0.0 else -z
