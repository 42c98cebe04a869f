"""How likely each of several independent normal draws is the highest: what Thompson sampling shows, without drawing.

    p(a) = integral of dlog Phi((z - m_a) / s_a) / dz  F(z) dz,   F(z) = prod_c Phi((z - m_c) / s_c)

F is the distribution of the highest draw. The integral is a sum over strata of F, in each of which a's share is its
part of the change of log F; the shares sum to 1 as they are. A decision drawn from these probabilities has exactly the
probability that it reports; against the integral they are off by less than 0.002 (`agrawal2013thompson`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from recenv.compiled import compiled

REACH = 6.0
"""Deviations from its mean where a draw is looked for."""
LEVELS = np.concatenate([[1e-4, 1e-3, 1e-2], np.arange(1, 32) / 32, [0.99, 0.999, 0.9999, 0.99999]])
"""Edges of the strata, as values of F."""
TABLE_REACH, TABLE_STEPS = 16.0, 8192
LOG_CDF = log_ndtr(np.linspace(-TABLE_REACH, TABLE_REACH, TABLE_STEPS + 1))
"""log Phi between -16 and 16, to be interpolated; beyond, its value at the end."""


@dataclass(frozen=True)
class BestOfNormals:
    """Thompson sampling's probabilities: scores are posterior means, and each has its deviation."""

    deviation: NDArray[np.float64]
    """(B, C) posterior standard deviation of each score."""

    def probabilities(self, scores: NDArray[np.floating], candidates: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (B, C) the probability that a candidate's draw is the highest; draws of a row are independent."""
        return _shares(np.asarray(scores, np.float64), self.deviation, candidates >= 0, LEVELS, LOG_CDF)


@compiled
def _log_cdf(z: float, table: NDArray[np.float64]) -> float:  # pragma: no cover - compiled
    place = (z + TABLE_REACH) * (TABLE_STEPS / (2.0 * TABLE_REACH))
    if place <= 0.0:
        return table[0]
    if place >= TABLE_STEPS:
        return 0.0
    left = int(place)
    return table[left] + (place - left) * (table[left + 1] - table[left])


@compiled
def _shares(scores, deviation, valid, levels, table):  # type: ignore[no-untyped-def]
    """Return (B, C) the probabilities, row after row."""  # pragma: no cover - compiled
    out = np.zeros(scores.shape)
    edges, log_f = np.empty(len(levels) + 2), np.empty(len(levels) + 2)
    for row in range(len(scores)):
        columns = np.flatnonzero(valid[row])
        if len(columns) == 0:
            continue
        mean, spread = scores[row][columns], deviation[row][columns]
        spread = np.maximum(spread, 1e-9 * (np.abs(mean).max() + 1e-9))
        low, high = (mean - REACH * spread).max(), (mean + REACH * spread).max()
        edges[:] = np.linspace(low, high, len(edges))
        for _ in range(2):
            _log_f(edges, mean, spread, table, log_f)
            edges[1:-1] = np.interp(levels, np.exp(log_f), edges)
        _log_f(edges, mean, spread, table, log_f)
        weight = np.diff(np.exp(log_f)) / np.maximum(np.diff(log_f), 1e-300)
        total = 0.0
        for c in range(len(columns)):
            before = _log_cdf((edges[0] - mean[c]) / spread[c], table)
            for k in range(len(weight)):
                after = _log_cdf((edges[k + 1] - mean[c]) / spread[c], table)
                out[row, columns[c]] += weight[k] * (after - before)
                before = after
            total += out[row, columns[c]]
        out[row] /= total
    return out


@compiled
def _log_f(edges, mean, spread, table, out):  # type: ignore[no-untyped-def]
    """Write the log distribution of the highest draw at each edge into `out`."""  # pragma: no cover - compiled
    for k in range(len(edges)):
        out[k] = 0.0
        for c in range(len(mean)):
            out[k] += _log_cdf((edges[k] - mean[c]) / spread[c], table)
