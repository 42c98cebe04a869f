"""The arrays of a log whose actions are numbers, such as a price or a volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recenv.ope.terms import Terms, refuse

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ContinuousTerms(Terms):
    """One action on a line a row, and the action that a deterministic (or once drawn) target takes there.

    Raises
    ------
    ValueError
        If an entry is NaN or infinite or a density is not positive; the message names the row.
    """

    _numbers: ClassVar[tuple[str, ...]] = (
        "reward",
        "action",
        "target_action",
        "density",
        "q_logged",
        "q_target",
    )

    reward: Vector
    """(n,) logged reward."""
    action: Vector
    """(n,) logged action."""
    target_action: Vector
    """(n,) the target policy's action."""
    density: Vector
    """(n,) the logging policy's density of the logged action, per unit of the action; it may exceed 1."""
    q_logged: Vector | None = None
    """(n,) reward model that residuals are taken from; at the target's action, as `q_target`, or the logged one."""
    q_target: Vector | None = None
    """(n,) reward model at the target's action."""
    cluster: NDArray[Any] | None = None
    """(n,) unit that is independent of the others, the user; None is the row itself."""
    fold: NDArray[Any] | None = None
    """(n,) fold whose rows the reward model of this row has not seen."""
    reward_range: tuple[float, float] | None = None
    """A-priori (low, high) of the reward."""

    def _check_values(self) -> None:
        bad = ~(self.density > 0)
        refuse(bad, self.density, "density must be positive", "log the density of the action that was taken")

    @property
    def distance(self) -> Vector:
        """(n,) target's action minus the logged one."""
        return self.target_action - self.action

    @property
    def weight(self) -> Vector:
        """(n,) 1 / density, the part of a row's weight that no bandwidth changes."""
        return 1 / self.density
