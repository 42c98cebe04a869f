"""What each item earns on the average: from its own showings, and from what items of its popularity earn.

    m_a = (R_a + c e_a) / (n_a + c)                    R_a = rewards of a,  n_a = sum over k of w_k n_ka
    e_a = m + b (x_a - x)                              x_a: log popularity; b >= 0 by least squares over all showings
    w_k = (rewards at position k) / (sum over a of n_ka m_a),  w_0 = 1

n_ka: how often item a was shown at position k. What stands lower is seen less, so it is w_k of a showing
(position-based model, `craswell2008experimental`). c, in showings, is the variance of a reward over the variance of
items about their expectation, estimated by moments (empirical Bayes, `morris1983parametric`), so that an item's own
mean counts as soon as it says more than its popularity does. w, b and c are found in turn with m.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

ROUNDS = 10
"""In which means, line, prior and weights of positions are found in turn."""
SLOPE_PRIOR = 100.0
"""Showings, of items one deviation of log popularity from the mean, that a slope of 0 is worth."""
FAINTEST = 0.01
"""Least weight of a position; the highest is the first position's, 1."""
LEAST, MOST = 1.0, 1_000.0
"""Bounds of c."""
TINY = float(np.finfo(np.float64).tiny)

Vector = NDArray[np.float64]


class ItemMeans:
    """Sums over showings, and the means that they lead to.

    Parameters
    ----------
    popularity
        (N,) ratings of each item.
    prior
        c, in showings, 0 or more; None estimates it.
    """

    def __init__(self, popularity: Vector, prior: float | None = None) -> None:
        away = np.log1p(popularity) - np.log1p(popularity).mean()
        self.level = away / max(float(away.std()), TINY) if np.ptp(popularity) > 0.0 else 0.0 * away
        self.prior = prior
        self.total, self.squares = np.zeros(len(popularity)), np.zeros(())
        self.earned, self.count = np.zeros(0), np.zeros((0, len(popularity)))

    def add(self, items: NDArray[np.integer], position: NDArray[np.integer], reward: Vector) -> None:
        """Take in n showings: items (n,), where each stood (n,) from 0, and what it earned (n,)."""
        more = max(0, int(position.max(initial=-1)) + 1 - len(self.earned))
        self.earned, self.count = np.pad(self.earned, (0, more)), np.pad(self.count, ((0, more), (0, 0)))
        np.add.at(self.count, (position, items), 1.0)
        self.total += np.bincount(items, reward, len(self.total))
        self.earned += np.bincount(position, reward, len(self.earned))
        self.squares += (reward**2).sum()

    def means(self) -> Vector:
        """Return m (N,), for a showing at the first position."""
        weight, mean = np.ones(len(self.earned)), np.zeros(len(self.total))
        for _ in range(ROUNDS if len(self.earned) else 0):
            count = weight @ self.count
            expected = self._expected(count)
            prior = self._prior(count, expected) if self.prior is None else self.prior
            mean = np.where(count + prior > 0.0, self.total + prior * expected, expected)
            mean /= np.where(count + prior > 0.0, count + prior, 1.0)
            effect = self.earned / np.maximum(self.count @ mean, TINY)
            # Where the first position has earned nothing there is nothing to compare with.
            weight = np.clip(effect / effect[0], FAINTEST, 1.0) if effect[0] > 0.0 else weight
        return mean

    def _expected(self, count: Vector) -> Vector:
        """Return e (N,), of showings n (N,)."""
        total = max(float(count.sum()), TINY)
        away = self.level - (count @ self.level) / total
        overall = self.total.sum() / total
        slope = away @ (self.total - count * overall) / (count @ away**2 + SLOPE_PRIOR)
        # A few showings can slope either way; no item is expected to be worse for being popular.
        line: Vector = overall + max(slope, 0.0) * away
        return line

    def _prior(self, count: Vector, expected: Vector) -> float:
        """Return c: within items the rewards vary by `noise`, items about the line by `spread`."""
        seen, total = np.flatnonzero(count > 0.0), count.sum()
        own = self.total[seen] / count[seen]
        noise = (self.squares - count[seen] @ own**2) / max(total - len(seen), 1.0)
        apart = count[seen] @ (own - expected[seen]) ** 2 - len(seen) * noise
        spread = apart / max(total - count @ count / total, TINY)
        return max(LEAST, noise / spread) if spread > noise / MOST else MOST

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return the sums as arrays, to be saved."""
        return {"total": self.total, "earned": self.earned, "count": self.count, "squares": self.squares}

    def restore(self, arrays: Mapping[str, NDArray[np.float64]]) -> None:
        """Take over what `arrays` returned."""
        self.total, self.earned, self.count, self.squares = (arrays[name].copy() for name in self.arrays())
