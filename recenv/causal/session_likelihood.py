"""How likely observed sessions are under a behaviour, by the world's own equations with all noise integrated out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.behaviour import CHOICES
from recenv.causal.bivariate_normal import normal_rectangle
from recenv.causal.mood_chain import rouwenhorst, summed_out
from recenv.causal.observed_sessions import ObservedSessions
from recenv.causal.trajectory import Trajectory, trajectory

MOODS = 9
"""States of the mood's chain; its tails matter little, since the equation reads tanh(mood)."""
TINY = 1e-300


class Means(NamedTuple):
    """What attraction and satisfaction are without noise, (n,) each; satisfaction at mood 0."""

    attraction: NDArray[np.float64]
    satisfaction: NDArray[np.float64]


def session_log_likelihood(sessions: ObservedSessions, dials: NDArray[np.void]) -> NDArray[np.float64]:
    """Return (S,) the log-likelihood of each step given the steps before it.

    Per item: examined or not is summed over, a click is y > tau_click, a rating an interval of x, and click and opinion
    noise are coupled. The mood is summed out along each session, the exit after a step is a Bernoulli of the trust.
    Opinions of different items count as independent. An item that the user rated before adds nothing: its opinion is
    no longer drawn anew (a partial likelihood).

    Parameters
    ----------
    sessions
        What was observed.
    dials
        Strengths as one record of `Behaviour.dials`.
    """
    path = trajectory(sessions, dials)
    means = noise_free(sessions, path, dials)
    starts = sessions.step_starts
    moods, start, transition = _mood_chain(dials)
    per_mood = np.empty((len(starts) - 1, len(moods)))
    for m, mood in enumerate(moods):
        felt = means.satisfaction + dials["confounding"] * np.tanh(mood) * sessions.world.comfort[sessions.item]
        rows = row_log_likelihood(sessions, Means(means.attraction, felt), dials)
        per_mood[:, m] = np.add.reduceat(rows, starts[:-1])
    first = np.append(True, np.diff(sessions.session[starts[:-1]]) != 0)
    total: NDArray[np.float64] = summed_out(first, per_mood, start, transition)
    return total + exit_log_likelihood(sessions, path, dials)


def noise_free(sessions: ObservedSessions, path: Trajectory, dials: NDArray[np.void]) -> Means:
    """Return the two utilities of each shown item without noise and mood."""
    world, user, item = sessions.world, sessions.user, sessions.item
    y = dials["attract"] * path.affinity + dials["conformity"] * world.popularity[item] + dials["exposure"]
    x = path.affinity + world.user_bias[user] + world.item_bias[item] - dials["boredom"] * path.match
    return Means(y, x)


def _mood_chain(
    dials: NDArray[np.void],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the chain of the mood; one state where nothing reads it, or where it is held."""
    if dials["confounding"] == 0.0 or not np.isnan(dials["fixed_mood"]):
        return np.array([np.nan_to_num(dials["fixed_mood"])]), np.ones(1), np.ones((1, 1))
    return rouwenhorst(MOODS, float(dials["phi"]))


def row_log_likelihood(sessions: ObservedSessions, means: Means, dials: NDArray[np.void]) -> NDArray[np.float64]:
    """Return (n,) the log-likelihood of what each shown item brought, given examination of those above it."""
    if sessions.clicked is None and sessions.purchased is None:
        return _log(np.where(sessions.fresh, _rating_probability(sessions, means), 1.0))
    if CHOICES[int(dials["choice"])] == "multinomial":
        return _multinomial(sessions, means, dials)
    bought = np.full(len(sessions), -1) if sessions.purchased is None else sessions.purchased
    clicked = (bought == 1).astype(np.int64) if sessions.clicked is None else sessions.clicked
    # The least attraction noise of a click: a purchase alone, where clicks were not recorded, is one at tau_buy.
    entry = dials["tau_buy"] if sessions.clicked is None else dials["tau_click"]
    low = np.where(bought == 1, dials["tau_buy"], entry) - means.attraction
    high = np.where((bought == 0) & (clicked == 1), dials["tau_buy"] - means.attraction, np.inf)
    below, upto = _rating_interval(sessions, means)
    seen = examination(sessions, clicked, dials)
    probability = np.where(clicked == 0, 1.0 - seen * _sigmoid(means.attraction - entry), 1.0)
    rows = np.flatnonzero(clicked == 1)
    together = _click_and_rating(low[rows], high[rows], below[rows], upto[rows], float(dials["coupling"]))
    probability[rows] = seen[rows] * together
    return _log(np.where(sessions.fresh, probability, 1.0))


def examination(
    sessions: ObservedSessions, clicked: NDArray[np.integer], dials: NDArray[np.void]
) -> NDArray[np.float64]:
    """Return (n,) the probability that each position is examined, given the clicks above it."""
    if CHOICES[int(dials["choice"])] == "cascade":
        starts = sessions.step_starts
        above = np.cumsum(clicked == 1) - (clicked == 1)
        first = np.repeat(above[starts[:-1]], np.diff(starts))
        return np.asarray(above == first, np.float64)
    return np.asarray((1.0 / (sessions.position + 1.0)) ** dials["eta"], np.float64)


def _click_and_rating(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    below: NDArray[np.float64],
    upto: NDArray[np.float64],
    coupling: float,
) -> NDArray[np.float64]:
    """Return (n,) P(low < e_click <= high and below < e_rate <= upto)."""
    if coupling == 0.0:
        return (_sigmoid(high) - _sigmoid(low)) * (_sigmoid(upto) - _sigmoid(below))
    z_low, z_high, z_below, z_upto = (_normal_of_logistic(end) for end in (low, high, below, upto))
    return normal_rectangle((z_low, z_below), (z_high, z_upto), coupling)


def _multinomial(sessions: ObservedSessions, means: Means, dials: NDArray[np.void]) -> NDArray[np.float64]:
    """Return (n,) log P(the one click, or none) of each step at its first row, and of the ratings at theirs."""
    if sessions.clicked is None:
        raise ValueError('with choice "multinomial" the log must record clicks: purchases alone do not say which item')
    starts = sessions.step_starts[:-1]
    size = np.diff(sessions.step_starts)
    rest = np.log1p(np.add.reduceat(np.exp(means.attraction), starts))
    rating = np.where(sessions.fresh, _rating_probability(sessions, means), 1.0)
    rows = np.where(sessions.clicked == 1, means.attraction, 0.0) + _log(rating)
    return rows - np.repeat(rest / size, size)


def _rating_interval(sessions: ObservedSessions, means: Means) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (n,) ends of e_rate at the rating that was given; the whole line where none was."""
    cuts = np.concatenate([[-np.inf], sessions.world.thresholds, [np.inf]])
    rated, level = sessions.level > 0, np.maximum(sessions.level, 1)
    below = np.where(rated, cuts[level - 1] - means.satisfaction, -np.inf)
    return below, np.where(rated, cuts[level] - means.satisfaction, np.inf)


def _rating_probability(sessions: ObservedSessions, means: Means) -> NDArray[np.float64]:
    below, upto = _rating_interval(sessions, means)
    return _sigmoid(upto) - _sigmoid(below)


def exit_log_likelihood(sessions: ObservedSessions, path: Trajectory, dials: NDArray[np.void]) -> NDArray[np.float64]:
    """Return (S,) log P(the user left, or stayed, after the step); 0 where exits were not recorded."""
    last = sessions.step_starts[1:] - 1
    if sessions.left is None:
        return np.zeros(len(last))
    p = dials["leaving"] * _sigmoid(dials["h0"] - dials["h1"] * path.trust[last])
    return _log(np.where(sessions.left[last], p, 1.0 - p))


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import expit

    value: NDArray[np.float64] = expit(x)
    return value


def _normal_of_logistic(e: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import expit, ndtri

    z: NDArray[np.float64] = -ndtri(expit(-np.abs(e)))
    return np.where(e >= 0, z, -z)


def _log(p: NDArray[np.float64]) -> NDArray[np.float64]:
    value: NDArray[np.float64] = np.log(np.maximum(p, TINY))
    return value
