"""Running mean and deviation of columns, one pass, any batch size (Chan et al. 1983, `chan1983algorithms`)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass
class Moments:
    """Count, mean and sum of squared deviations of columns (n,)."""

    columns: int
    count: float = 0.0
    mean: NDArray[np.float64] = field(init=False)
    squares: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        """Start from no rows."""
        self.mean, self.squares = np.zeros(self.columns), np.zeros(self.columns)

    def add(self, rows: NDArray[np.floating]) -> None:
        """Take in rows (m, n)."""
        if not len(rows):
            return
        fresh = np.asarray(rows, np.float64)
        mean, total = fresh.mean(axis=0), self.count + len(fresh)
        away = mean - self.mean
        self.squares += ((fresh - mean) ** 2).sum(axis=0) + away**2 * self.count * len(fresh) / total
        self.mean += away * len(fresh) / total
        self.count = total

    def spread(self) -> NDArray[np.float64]:
        """Return (n,) standard deviations; 1 where a column has not varied."""
        deviation = np.sqrt(self.squares / max(self.count, 1.0))
        return np.where(deviation > 1e-6, deviation, 1.0)

    def arrays(self, prefix: str) -> dict[str, NDArray[np.float64]]:
        """Return the state as arrays, to be saved."""
        return {
            f"{prefix}count": np.array(self.count), f"{prefix}mean": self.mean, f"{prefix}squares": self.squares
        }  # fmt: skip

    def restore(self, arrays: dict[str, NDArray], prefix: str) -> None:
        """Take over what `arrays` returned."""
        self.count = float(arrays[f"{prefix}count"])
        self.mean, self.squares = arrays[f"{prefix}mean"].copy(), arrays[f"{prefix}squares"].copy()
