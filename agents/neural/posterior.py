"""Bayesian linear regression on what a network's last layer sees.

    r = theta . z + noise,   theta ~ N(0, s^2 / prior),   s^2 ~ inverse gamma(1, 1)
    A = prior I + sum z z',   m = A^-1 sum r z            posterior: theta ~ N(m, s^2 A^-1)

Sums of float64: each observation is in them as often as it was added, and order does not matter (`riquelme2018deep`).
Memory O(F^2); O(F^2) an observation, O(F^3) once after additions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class FeaturePosterior:
    """Posterior of F weights.

    Parameters
    ----------
    size
        F.
    prior
        Precision of each weight, in noise variances, above 0.
    """

    def __init__(self, size: int, prior: float) -> None:
        self.precision, self.pull = prior * np.eye(size), np.zeros(size)
        self.squares, self.count = 0.0, 0
        self._solved: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    def add(self, features: NDArray[np.floating], reward: NDArray[np.floating]) -> None:
        """Take in features (n, F) and rewards (n,)."""
        z, r = np.asarray(features, np.float64), np.asarray(reward, np.float64)
        self.precision += z.T @ z
        self.pull += r @ z
        self.squares += float(r @ r)
        self.count += len(r)
        self._solved = None

    @property
    def mean(self) -> NDArray[np.float64]:
        """Return (F,) m."""
        return self._solution()[1]

    @property
    def noise(self) -> float:
        """Posterior mean of s^2."""
        return float((2.0 + self.squares - self.mean @ self.pull) / (2.0 + self.count))

    def moments(self, features: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean (...,) and deviation (...,) of theta . z for features (..., F), noise not included."""
        factor, mean = self._solution()
        shape = features.shape[:-1]
        flat = features.reshape(-1, features.shape[-1])
        # The factor in float32: a deviation needs three digits, and this product is most of the cost of a decision.
        away = flat @ factor.T.astype(np.float32)
        deviation = np.sqrt(self.noise * np.einsum("nf,nf->n", away, away, dtype=np.float64))
        return (flat @ mean).reshape(shape), deviation.reshape(shape)

    def _solution(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return L^-1, with A = L L', and m."""
        if self._solved is None:
            from scipy.linalg import solve_triangular

            lower = np.linalg.cholesky(self.precision)
            inverse = solve_triangular(lower, np.eye(len(lower)), lower=True)
            self._solved = inverse, inverse.T @ (inverse @ self.pull)
        return self._solved

    def arrays(self, prefix: str) -> dict[str, NDArray[np.float64]]:
        """Return the sums, to be saved."""
        return {
            f"{prefix}precision": self.precision,
            f"{prefix}pull": self.pull,
            f"{prefix}squares": np.array(self.squares),
            f"{prefix}count": np.array(self.count),
        }

    def restore(self, arrays: dict[str, NDArray[np.float64]], prefix: str) -> None:
        """Take over what `arrays` returned."""
        self.precision, self.pull = arrays[f"{prefix}precision"].copy(), arrays[f"{prefix}pull"].copy()
        self.squares, self.count = float(arrays[f"{prefix}squares"]), int(arrays[f"{prefix}count"])
        self._solved = None
