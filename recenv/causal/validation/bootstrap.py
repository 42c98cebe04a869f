"""Intervals by a bootstrap of users: ratings of one user belong together, so users are drawn, not ratings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

REPLICATES = 200


class Estimate(NamedTuple):
    """A number and its 95% percentile interval; both ends are NaN where there are fewer than two users."""

    value: float
    low: float
    high: float

    def plain(self) -> dict[str, float | None]:
        """Return it for JSON; what is not a number is None."""
        return {name: (float(one) if np.isfinite(one) else None) for name, one in self._asdict().items()}


@dataclass(frozen=True)
class UserBootstrap:
    """Draws of the users of n rows, with replacement; all estimates of one card share them, so differences are paired.

    Assumption: users are independent; items are taken as they are.
    """

    index: NDArray[np.int64]
    """(n,) place of each row's user among the users that occur."""
    weight: NDArray[np.float64]
    """(R, users) how often each replicate draws each user."""

    @classmethod
    def of(cls, user: NDArray[np.integer], *, seed: int, replicates: int = REPLICATES) -> UserBootstrap:
        """Return the draws for rows of these users."""
        present, index = np.unique(user, return_inverse=True)
        share = np.full(len(present), 1.0 / max(len(present), 1))
        draws = np.random.default_rng([seed, 31]).multinomial(len(present), share, size=replicates)
        return cls(index.astype(np.int64), draws.astype(np.float64))

    def estimate(
        self, columns: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    ) -> Estimate:
        """Return a statistic of column sums with its interval.

        Parameters
        ----------
        columns
            (n, k) one row a rating.
        statistic
            Function of sums (..., k) that returns (...).
        """
        return self.estimate_totals(self.totals(columns), statistic)

    def estimate_totals(
        self, totals: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    ) -> Estimate:
        """Return a statistic of sums over users of (users, k), with its interval."""
        with np.errstate(invalid="ignore", divide="ignore"):
            value = float(statistic(totals.sum(axis=0)))
            return self.around(value, np.asarray(statistic(self.weight @ totals)))

    def around(self, value: float, replicates: NDArray[np.float64]) -> Estimate:
        """Return a value with the percentile interval of its replicates (R,)."""
        usable = replicates[np.isfinite(replicates)]
        if self.weight.shape[1] < 2 or len(usable) < 0.5 * len(replicates):
            return Estimate(value, np.nan, np.nan)
        low, high = np.quantile(usable, [0.025, 0.975])
        return Estimate(value, float(low), float(high))

    def totals(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (users, k) the sums of (n, k) columns over each user's rows."""
        users = self.weight.shape[1]
        return np.column_stack([np.bincount(self.index, weights=column, minlength=users) for column in columns.T])

    def mean(self, values: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> Estimate:
        """Return the (weighted) mean of (n,) values with its interval."""
        counted = np.ones(len(values)) if weights is None else weights
        return self.estimate(np.column_stack([values * counted, counted]), lambda sums: sums[..., 0] / sums[..., 1])
