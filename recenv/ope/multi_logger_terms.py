"""The arrays of a log that several policies wrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recenv.ope.terms import Terms, refuse, refuse_improper

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MultiLoggerTerms(Terms):
    """One shown item a row, logged by one of L policies whose probabilities of it are all known.

    Raises
    ------
    ValueError
        If an entry is NaN or infinite, no logger could have shown a row's item, its own logger could not, or the
        shares do not sum to 1; the message names the row.
    """

    _numbers: ClassVar[tuple[str, ...]] = (*Terms._numbers, "share")
    _tables: ClassVar[tuple[str, ...]] = ("propensity",)
    _shared: ClassVar[tuple[str, ...]] = ("share",)

    reward: Vector
    """(n,) logged reward."""
    propensity: NDArray[np.float64]
    """(n, L) every logger's probability of the logged item; (n,) is that of the mixture, as if of one logger."""
    target: Vector
    """(n,) the target policy's probability of the logged item."""
    logger: NDArray[np.int64] | None = None
    """(n,) which logger wrote the row, 0..L-1."""
    share: Vector | None = None
    """(L,) shares of the loggers; None is their share of the rows, or equal shares without `logger`."""
    q_logged: Vector | None = None
    """(n,) reward model at the logged item."""
    q_target: Vector | None = None
    """(n,) expectation of the reward model under the target policy."""
    cluster: NDArray[Any] | None = None
    """(n,) unit that is independent of the others, the user; None is the row itself."""
    fold: NDArray[Any] | None = None
    """(n,) fold whose rows the reward model of this row has not seen."""
    reward_range: tuple[float, float] | None = None
    """A-priori (low, high) of the reward."""
    weight_max: float | None = None
    """A-priori largest balanced weight."""

    def _array(self, name: str, value: Any) -> NDArray[Any]:
        array = np.asarray(value)
        return super()._array(name, array[:, None] if name == "propensity" and array.ndim == 1 else array)

    def _check_shape(self, name: str, array: NDArray[Any]) -> None:
        if name not in self._shared:
            super()._check_shape(name, array)

    def _check_values(self) -> None:
        refuse_improper("propensity", self.propensity, "log the loggers' probabilities of the item", positive=False)
        refuse_improper("target", self.target, "pass the target policy's probability", positive=False)
        loggers = self.propensity.shape[1]
        if self.logger is not None:
            outside = (self.logger < 0) | (self.logger >= loggers)
            refuse(outside, self.logger, f"logger must be 0 to {loggers - 1}", "number them as propensity's columns")
            refuse(~(self.own > 0), self.own, "propensity of the row's own logger must be positive", "check `logger`")
        object.__setattr__(self, "share", self._shares(loggers))
        refuse(~(self.mixture > 0), self.mixture, "some logger's propensity must be positive", "log it of every logger")

    def _shares(self, loggers: int) -> Vector:
        if self.share is None:
            if self.logger is None:
                return np.full(loggers, 1 / loggers)
            return np.bincount(self.logger, minlength=loggers) / len(self.logger)
        if self.share.shape != (loggers,) or (self.share < 0).any() or not abs(self.share.sum() - 1) < 1e-6:
            raise ValueError(f"share must be ({loggers},), at least 0 and sum to 1, not {self.share.tolist()}")
        return self.share

    @property
    def mixture(self) -> Vector:
        """(n,) probability of the logged item under the loggers' mixture."""
        assert self.share is not None  # filled on construction
        return np.asarray(self.propensity @ self.share)

    @property
    def own(self) -> Vector:
        """(n,) probability of the logged item under the row's own logger."""
        if self.logger is None:
            raise ValueError("terms.logger is missing: say which logger wrote each row")
        return np.asarray(np.take_along_axis(self.propensity, self.logger[:, None], axis=1)[:, 0])

    @property
    def weight(self) -> Vector:
        """(n,) balanced weight: target / mixture."""
        return self.target / self.mixture
