"""A few numbers in place of many: standardised principal components."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class PrincipalComponents:
    """Standardise columns, then project on the leading directions; with few columns, only standardise."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.mean: NDArray[np.float64] = np.zeros(0)
        self.projection: NDArray[np.float64] = np.zeros((0, 0))

    def fit(self, values: NDArray[np.floating]) -> PrincipalComponents:
        """Learn centre and directions from `values` (n, O)."""
        self.mean = values.mean(axis=0, dtype=np.float64)
        spread = values.std(axis=0, dtype=np.float64)
        scale = np.where(spread > 1e-12, 1 / np.where(spread > 1e-12, spread, 1), 0)  # constant columns carry nothing
        if values.shape[1] <= self.size:
            self.projection = np.diag(scale)
            return self
        standard = (values - self.mean) * scale
        variance, vectors = np.linalg.eigh(standard.T @ standard / len(values))
        keep = np.argsort(variance)[::-1][: self.size]
        keep = keep[variance[keep] > 1e-10 * max(float(variance.max()), 1e-300)]
        self.projection = scale[:, None] * vectors[:, keep] / np.sqrt(variance[keep])
        return self

    def transform(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return (n, 1 + components): a constant, then the components with unit variance."""
        projected = (values - self.mean) @ self.projection
        return np.hstack([np.ones((len(values), 1)), projected])
