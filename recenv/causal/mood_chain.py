"""The hidden mood as a finite Markov chain, so that it can be summed out of a likelihood."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.causal.compiled import jit_allocating


def rouwenhorst(states: int, phi: float) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (values (M,), start (M,), transition (M, M)) of a chain like mood' = phi * mood + sqrt(1 - phi^2) * n.

    Rouwenhorst's chain has exactly mean 0, variance 1 and autocorrelation phi, at any phi (Kopecky and Suen 2010,
    `kopecky2010finite`); its marginal is a standardised binomial.
    """
    p = 0.5 * (1.0 + phi)
    transition = np.array([[p, 1.0 - p], [1.0 - p, p]])
    for m in range(3, states + 1):
        grown = np.zeros((m, m))
        grown[:-1, :-1] += p * transition
        grown[:-1, 1:] += (1.0 - p) * transition
        grown[1:, :-1] += (1.0 - p) * transition
        grown[1:, 1:] += p * transition
        grown[1:-1] *= 0.5
        transition = grown
    start = np.array([1.0])
    for _ in range(states - 1):
        start = 0.5 * (np.append(start, 0.0) + np.append(0.0, start))
    reach = np.sqrt(states - 1.0)
    return np.linspace(-reach, reach, states), start, transition


@jit_allocating
def summed_out(first, log_likelihood, start, transition):  # type: ignore[no-untyped-def]
    """Return (S,) log P(step | steps before it) from log P(step | mood) (S, M), by the forward recursion.

    `first` (S,) marks the first step of each session, where the chain starts anew.
    """
    steps, states = log_likelihood.shape
    result = np.empty(steps)
    belief = start.copy()
    for s in range(steps):
        if first[s]:
            belief[:] = start
        top = log_likelihood[s].max()
        total = 0.0
        for m in range(states):
            belief[m] *= np.exp(log_likelihood[s, m] - top)
            total += belief[m]
        result[s] = top + np.log(total)
        moved = np.zeros(states)
        for m in range(states):
            for k in range(states):
                moved[k] += belief[m] / total * transition[m, k]
        belief[:] = moved
    return result
