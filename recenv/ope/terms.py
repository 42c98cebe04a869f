"""The arrays an estimator works on: one record a family, one entry a logged row, never rounds times actions."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields, replace
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

ArrayLike = Any

_SETTINGS = ("reward_range", "weight_max")


class Terms:
    """What every family has in common: equal lengths, no NaN, and the units that are independent."""

    _numbers: ClassVar[tuple[str, ...]] = ("reward", "propensity", "target", "q_logged", "q_target")
    """Fields of finite numbers; the others are labels."""
    _tables: ClassVar[tuple[str, ...]] = ()
    """Fields of two axes, such as (n, K), one column a position."""
    _shared: ClassVar[tuple[str, ...]] = ()
    """Fields that are not by row."""
    reward: NDArray[np.float64]
    cluster: NDArray[Any] | None
    reward_range: tuple[float, float] | None = None
    weight_max: float | None = None

    def __post_init__(self) -> None:
        for entry in fields(self):  # type: ignore[arg-type]
            value = getattr(self, entry.name)
            if value is None and entry.default is MISSING:
                raise ValueError(f"{entry.name} is missing: {type(self).__name__} needs one value a logged row")
            if value is not None and entry.name not in _SETTINGS:
                object.__setattr__(self, entry.name, self._array(entry.name, value))
        self._check_values()
        self._check_bounds()

    def _check_values(self) -> None:
        """Refuse what this family cannot use; a family adds its own rules."""

    def _array(self, name: str, value: ArrayLike) -> NDArray[Any]:
        array = as_numbers(name, value) if name in self._numbers else np.asarray(value)
        self._check_shape(name, array)
        if name in self._numbers:
            refuse(~np.isfinite(array), array, f"{name} must be finite", "drop the row, or estimate the value first")
        elif array.dtype.kind in "Of":
            return as_labels(name, array)
        return array

    def _check_shape(self, name: str, array: NDArray[Any]) -> None:
        axes, wanted = (2, "(n, K), one line") if name in self._tables else (1, "(n,), one value")
        if array.ndim != axes:
            raise ValueError(f"{name} must be {wanted} a logged row; its shape is {array.shape}")
        if not array.size:
            raise ValueError(f"{name} is empty: there is nothing to estimate from; give at least one row")
        if len(array) != len(np.asarray(self.reward)):
            raise ValueError(f"{name} has {len(array)} rows, reward has {len(np.asarray(self.reward))}")

    def _check_bounds(self) -> None:
        if self.reward_range is not None:
            try:
                low, high = map(float, self.reward_range)
            except (TypeError, ValueError):
                raise ValueError(f"reward_range must be two numbers (low, high), not {self.reward_range!r}") from None
            if not (np.isfinite([low, high]).all() and low < high):
                raise ValueError(f"reward_range must be (low, high) with low < high, not {self.reward_range}")
            outside = (self.reward < low) | (self.reward > high)
            refuse(
                outside, self.reward, f"reward must lie in reward_range [{low}, {high}]", "give the range that holds"
            )
        if self.weight_max is not None:
            if not (isinstance(self.weight_max, Real) and np.isfinite(self.weight_max) and self.weight_max > 0):
                raise ValueError(f"weight_max must be a positive number, not {self.weight_max!r}")
            outside = self.weight > self.weight_max * (1 + 1e-12)
            refuse(
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

    def take(self, rows: NDArray[Any]) -> Self:
        """Return the record of some rows, given by number or by a mask (n,)."""
        changes = {}
        for entry in fields(self):  # type: ignore[arg-type]
            value = getattr(self, entry.name)
            if isinstance(value, np.ndarray) and entry.name not in self._shared:
                changes[entry.name] = value[rows]
        return replace(self, **changes)  # type: ignore[type-var]


def refuse(bad: NDArray[np.bool_], values: NDArray[Any], problem: str, remedy: str) -> None:
    """Raise ValueError for the first entry that is bad, naming its row, its position (n, K) and its value."""
    if bad.any():
        row, *column = map(int, np.unravel_index(np.argmax(bad), bad.shape))
        place = f"row {row}" + (f", position {column[0]}," if column else "")
        raise ValueError(f"{problem}; {place} has {values[(row, *column)]}: {remedy} (rows count from 0)")


def as_numbers(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return float64 numbers; None becomes NaN.

    Raises
    ------
    ValueError
        If the rows differ in length, or one holds text or a complex number; the message names the row.
    """
    try:
        array = np.asarray(value)
        if array.dtype.kind in "biufO":
            return array.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        array = np.asarray(value, dtype=object)
    for row, entry in enumerate(array.flat):
        if not isinstance(entry, Real | np.bool_):
            raise ValueError(
                f"{name} must hold numbers; entry {row} is {str(entry)!r}: convert it to float (they count from 0)"
            )
    raise ValueError(f"{name} must hold numbers, not {array.dtype}: convert it to float64")


def as_labels(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return labels none of which is missing; those of several types, which have no order, become codes."""
    floats = array.dtype.kind == "f"
    missing = np.isnan(array) if floats else np.array([entry is None or entry != entry for entry in array])
    refuse(missing, array, f"{name} must not be missing", "give every row its label, such as a number of its own")
    if floats or len({type(entry) for entry in array}) == 1:
        return array
    codes: dict[Any, int] = {}
    return np.array([codes.setdefault(entry, len(codes)) for entry in array])


def refuse_improper(name: str, probability: NDArray[np.float64] | None, remedy: str, *, positive: bool) -> None:
    """Raise ValueError unless probabilities are in (0, 1], or [0, 1] where they need not be positive."""
    if probability is None:
        return
    low = probability <= 0 if positive else probability < 0
    slack = 0.0 if positive else 1e-9
    wanted = f"{name} must be in {'(' if positive else '['}0, 1]"
    refuse(low | (probability > 1 + slack), probability, wanted, remedy)


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
        refuse_improper("propensity", self.propensity, "log the probability of the shown item", positive=True)
        refuse_improper("target", self.target, "pass the target policy's probability", positive=False)

    @property
    def weight(self) -> NDArray[np.float64]:
        """(n,) w = target / propensity."""
        return self.target / self.propensity


@dataclass(frozen=True, eq=False)
class EmbeddingTerms(Terms):
    """One shown item a row, weighted by the ratio of marginal densities of its embedding.

    Assumes that the reward depends on the item through the embedding only (no direct effect).
    """

    _numbers: ClassVar[tuple[str, ...]] = ("reward", "marginal_ratio")
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
        refuse(self.marginal_ratio < 0, self.marginal_ratio, "marginal_ratio must be at least 0", "check the densities")

    @property
    def weight(self) -> NDArray[np.float64]:
        """(n,) the marginal ratio."""
        return self.marginal_ratio
