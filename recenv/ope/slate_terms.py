"""The arrays of the slate estimators: one row a slate, one column a position."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recenv.ope.terms import Terms, refuse, refuse_improper

Vector = NDArray[np.float64]
Table = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SlateTerms(Terms):
    """One slate of K shown items a row; the value is the mean over slates of the sum of the positions' rewards.

    A slate is one draw, so its positions are one unit. To discount positions, multiply reward (and models) by it.

    Raises
    ------
    ValueError
        If shapes differ, an entry is NaN or infinite, a propensity is outside (0, 1], a target probability outside
        [0, 1], or a prefix is likelier than the shorter one; the message names row and position.
    """

    _numbers: ClassVar[tuple[str, ...]] = (
        *Terms._numbers,
        "propensity_position",
        "target_position",
        "propensity_prefix",
        "target_prefix",
        "pi_weight",
    )
    _tables: ClassVar[tuple[str, ...]] = (
        "reward",
        "q_logged",
        "q_target",
        "propensity_position",
        "target_position",
        "propensity_prefix",
        "target_prefix",
    )

    reward: Table
    """(n, K) logged reward of each position."""
    propensity: Vector | None = None
    """(n,) the logging policy's probability of the whole ordered slate."""
    target: Vector | None = None
    """(n,) the target policy's probability of the whole ordered slate."""
    propensity_position: Table | None = None
    """(n, K) the logging policy's marginal probability of position k showing its item."""
    target_position: Table | None = None
    """(n, K) the same of the target policy."""
    propensity_prefix: Table | None = None
    """(n, K) the logging policy's probability of positions 0..k together; the last is that of the slate."""
    target_prefix: Table | None = None
    """(n, K) the same of the target policy."""
    pi_weight: Vector | None = None
    """(n,) q' pinv(Gamma) 1_s, see `pseudo_inverse_weight`; it may be negative."""
    q_logged: Table | None = None
    """(n, K) reward model of positions k.. together, at the logged item after the logged prefix."""
    q_target: Table | None = None
    """(n, K) its expectation over the target policy's next item after the logged prefix."""
    cluster: NDArray[Any] | None = None
    """(n,) unit that is independent of the others, the user; None is the slate itself."""
    fold: NDArray[Any] | None = None
    """(n,) fold whose slates the reward model of this row has not seen."""
    reward_range: tuple[float, float] | None = None
    """A-priori (low, high) of the reward of one position."""
    weight_max: float | None = None
    """A-priori largest weight of a whole slate."""

    def _check_values(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name in self._tables and value is not None and value.shape != self.reward.shape:
                raise ValueError(f"{entry.name} must have reward's shape {self.reward.shape}, not {value.shape}")
        for part in ("", "_position", "_prefix"):
            logged, wanted = f"propensity{part}", f"target{part}"
            refuse_improper(logged, getattr(self, logged), "log the probability of what was shown", positive=True)
            refuse_improper(wanted, getattr(self, wanted), "pass the target policy's probability", positive=False)
        self._check_prefix("propensity", self.propensity_prefix, self.propensity)
        self._check_prefix("target", self.target_prefix, self.target)

    def _check_prefix(self, name: str, prefix: Table | None, slate: Vector | None) -> None:
        if prefix is None:
            return
        longer = np.zeros(prefix.shape, dtype=bool)
        longer[:, 1:] = prefix[:, 1:] > prefix[:, :-1] * (1 + 1e-9)
        what = f"{name}_prefix must not grow along the slate"
        refuse(longer, prefix, what, "give the probability of positions 0..k together, not of k given the earlier ones")
        if slate is not None:
            off = ~np.isclose(prefix[:, -1], slate, rtol=1e-6, atol=1e-12)
            refuse(off, slate, f"{name} must equal the last column of {name}_prefix", "both are of the whole slate")

    @property
    def weight(self) -> Vector:
        """(n,) w = target / propensity of the whole slate, by the prefix where the slate's own are not given."""
        if self.propensity is not None and self.target is not None:
            return self.target / self.propensity
        if self.propensity_prefix is not None and self.target_prefix is not None:
            return self.target_prefix[:, -1] / self.propensity_prefix[:, -1]
        raise ValueError("weight_max needs terms.propensity and terms.target, the probabilities of the whole slate")

    @property
    def total(self) -> Vector:
        """(n,) reward of the whole slate."""
        return self.reward.sum(axis=1)
