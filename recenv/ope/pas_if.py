"""Choosing an estimator by a rehearsal: part of the log plays the target, the rest the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recenv.ope.estimate import estimate
from recenv.ope.terms import BanditTerms

Candidate = tuple[str, Mapping[str, float]]
Vector = NDArray[np.float64]


def pas_if(
    candidates: Sequence[Candidate],
    terms: BanditTerms,
    *,
    share: float = 0.2,
    repetitions: int = 20,
    rng: np.random.Generator | int = 0,
) -> Vector:
    """Return each candidate's estimated mean squared error (M,), up to a constant common to all.

    Row i plays the target with probability rho_i = c w_i / (1 + c w_i), c such that `share` of the rows do, else the
    log. As rho / (1 - rho) is a multiple of w, the two parts stand to each other as the target to the real log: the
    pseudo-weight is w c (1 - share) / share, with the same tail. Every candidate estimates, from the part that plays
    the log, the mean reward of the part that plays the target. The subsampling rule, which the paper fits by gradient
    steps on every item's probability, is in closed form here and needs the logged items only.
    Reference: Udagawa, Kiyohara, Narita, Saito and Tateno (2023).

    Parameters
    ----------
    candidates : sequence of (name, hyper)
        Bandit estimators; the hyper-parameters are in units of the weight.
    share : float
        Of the rows that play the target, between 0 and 1; at most half of those that have weight.

    Raises
    ------
    ValueError
        If there is no candidate, a share or number of repetitions is out of range, or too few rows have weight.
    """
    if not candidates or not 0 < share < 1 or repetitions < 1:
        raise ValueError(
            f"pas_if needs candidates, a share in (0, 1) and at least 1 repetition, not {len(candidates)}, {share}, "
            f"{repetitions}"
        )
    generator = np.random.default_rng(rng)
    chance, weight = _rehearsal(terms.weight, min(share, 0.5 * float((terms.weight > 0).mean())))
    squares = np.zeros((repetitions, len(candidates)))
    for number in range(repetitions):
        plays = generator.random(terms.rows) < chance
        if plays.all() or not (weight[~plays] > 0).any() or not plays.any():
            raise ValueError("too few rows have weight for pas_if: the log does not overlap enough with the target")
        squares[number] = _errors(candidates, terms, plays, weight) ** 2
    return np.asarray(squares.mean(axis=0))


def _rehearsal(weight: Vector, share: float) -> tuple[Vector, Vector]:
    """Return each row's chance (n,) to play the target, and its pseudo-weight (n,) if it plays the log."""
    from scipy.optimize import brentq
    from scipy.special import expit

    if not weight.any():
        raise ValueError("no row has weight, so pas_if has nothing to rehearse: the log does not overlap the target")
    with np.errstate(divide="ignore"):
        log = np.log(weight / weight.max())
    level = brentq(lambda u: float(np.mean(expit(u + log))) - share, -40, 700)
    odds = np.exp(level + log)
    return odds / (1 + odds), odds * (1 - share) / share


def _errors(candidates: Sequence[Candidate], terms: BanditTerms, plays: NDArray[np.bool_], weight: Vector) -> Vector:
    part = terms.take(~plays)
    held = weight[~plays]
    top = max(float(held.max()), 1.0)
    pseudo = replace(
        part,
        propensity=np.full(part.rows, 1 / top),
        target=held / top,
        q_target=None if terms.q_logged is None else np.full(part.rows, terms.q_logged[plays].mean()),
        weight_max=None,
    )
    truth = terms.reward[plays].mean()
    return np.array([estimate(name, pseudo, **hyper).value - truth for name, hyper in candidates])
