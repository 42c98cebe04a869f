"""The arrays an estimator works on: one record a family, one entry a logged row, never rounds times actions."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

ArrayLike = Any

_VECTORS = ("reward", "propensity", "target", "marginal_ratio", "q_logged", "q_target")


class Terms:
    """What every family has in common: equal lengths, no NaN, and the units that are independent."""

    reward: NDArray[np.float64]
    cluster: NDArray[Any] | None
    reward_range: tuple[float, float] | None
    weight_max: float | None

    def __post_init__(self) -> None:
        for entry in fields(self):  # type: ignore[arg-type]
            value = getattr(self, entry.name)
            if value is None or entry.name in ("reward_range", "weight_max"):
                continue
            object.__setattr__(self, entry.name, self._vector(entry.name, value))
        self._check_values()
        self._check_bounds()

    def _check_values(self) -> None:
        """Refuse what this family cannot use; a family adds its own rules."""

    def _vector(self, name: str, value: ArrayLike) -> NDArray[Any]:
        array = np.asarray(value)
        if name in _VECTORS:
            array = array.astype(np.float64, copy=False)
        if array.ndim != 1:
            raise ValueError(f"{name} must be (n,), one value a logged row; its shape is {array.shape}")
        if not len(array):
            raise ValueError(f"{name} is empty: there is nothing to estimate from; give at least one row")
        if len(array) != len(np.asarray(self.reward)):
            raise ValueError(f"{name} has {len(array)} rows, reward has {len(np.asarray(self.reward))}")
        if name in _VECTORS:
            _refuse(~np.isfinite(array), array, f"{name} must be finite", "drop the row, or estimate the value first")
        return array

    def _check_bounds(self) -> None:
        if self.reward_range is not None:
            low, high = map(float, self.reward_range)
            if not (np.isfinite([low, high]).all() and low < high):
                raise ValueError(f"reward_range must be (low, high) with low < high, not {self.reward_range}")
            outside = (self.reward < low) | (self.reward > high)
            _refuse(
                outside, self.reward, f"reward must lie in reward_range [{low}, {high}]", "give the range that holds"
            )
        if self.weight_max is not None:
            if not (np.isfinite(self.weight_max) and self.weight_max > 0):
                raise ValueError(f"weight_max must be a positive number, not {self.weight_max}")
            outside = self.weight > self.weight_max * (1 + 1e-12)
            _refuse(
                outside, self.weight, f"weight must be at most weight_max {self.weight_max}", "give the true maximum"
            )

    @property
    def weight(self) -> NDArray[np.float64]:
        """(n,) importance weight of each row."""
        raise NotImplementedError

    @property
    def rows(self) -> int:
        """n, the number of logged rows."""
        return len(self.reward)


def _refuse(bad: NDArray[np.bool_], values: NDArray[Any], problem: str, remedy: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{problem}; row {row} has {values[row]}: {remedy} (rows count from 0)")


@dataclass(frozen=True, eq=False)
class BanditTerms(Terms):
    """One shown item a row; the policies are compared on the states as the logging policy met them.

    Raises
    ------
    ValueError
        If an entry is NaN or infinite, a propensity is outside (0, 1], a target probability outside [0, 1], lengths
        differ, or a reward or weight exceeds the bound that was given; the message names the row.
    """

    reward: NDArray[np.float64]
    """(n,) logged reward."""
    propensity: NDArray[np.float64]
    """(n,) the logging policy's probability of the logged item."""
    target: NDArray[np.float64]
    """(n,) the target policy's probability of the logged item."""
    q_logged: NDArray[np.float64] | None = None
    """(n,) reward model at the logged item."""
    q_target: NDArray[np.float64] | None = None
    """(n,) expectation of the reward model under the target policy."""
    cluster: NDArray[Any] | None = None
    """(n,) unit that is independent of the others, the user; None is the row itself."""
    fold: NDArray[Any] | None = None
    """(n,) fold whose rows the reward model of this row has not seen."""
    reward_range: tuple[float, float] | None = None
    """A-priori (low, high) of the reward; bounds need it, the sample's own range would be too narrow."""
    weight_max: float | None = None
    """A-priori largest weight; bounds need it."""

    def _check_values(self) -> None:
        low = ~((self.propensity > 0) & (self.propensity <= 1))
        _refuse(low, self.propensity, "propensity must be in (0, 1]", "log the probability of the shown item")
        outside = ~((self.target >= 0) & (self.target <= 1 + 1e-9))
        _refuse(outside, self.target, "target must be in [0, 1]", "pass the target policy's probability")

    @property
    def weight(self) -> NDArray[np.float64]:
        """(n,) w = target / propensity."""
        return self.target / self.propensity


@dataclass(frozen=True, eq=False)
class EmbeddingTerms(Terms):
    """One shown item a row, weighted by the ratio of marginal densities of its embedding.

    Assumes that the reward depends on the item through the embedding only (no direct effect).
    """

    reward: NDArray[np.float64]
    """(n,) logged reward."""
    marginal_ratio: NDArray[np.float64]
    """(n,) p(e | x, target) / p(e | x, logging) at the logged item's embedding e."""
    cluster: NDArray[Any] | None = None
    """(n,) the user; None is the row itself."""
    reward_range: tuple[float, float] | None = None
    """A-priori (low, high) of the reward."""
    weight_max: float | None = None
    """A-priori largest ratio."""

    def _check_values(self) -> None:
        _refuse(
            self.marginal_ratio < 0, self.marginal_ratio, "marginal_ratio must be at least 0", "check the densities"
        )

    @property
    def weight(self) -> NDArray[np.float64]:
        """(n,) the marginal ratio."""
        return self.marginal_ratio
