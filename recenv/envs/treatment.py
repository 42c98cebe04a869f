"""The effect of showing one item rather than another, for each user: the difference of two potential outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.envs.core import BatchCore
from recenv.envs.counterfactual import Choose, Counterfactual, by_plan, by_policy, roll
from recenv.envs.keyed_policy import is_policy
from recenv.envs.query_checks import checked_plan, running


@dataclass(frozen=True)
class TreatmentEffect:
    """What showing `a` brings more than showing `b`, to each user and under the same noise."""

    a: Counterfactual
    """The session from this step on if `a` is shown."""
    b: Counterfactual
    """The same if `b` is shown."""

    @property
    def difference(self) -> dict[str, NDArray[np.float64]]:
        """Name -> (B,) totals of `a` less those of `b` (see `Counterfactual.totals`); NaN for who is not there."""
        one, other = self.a.totals, self.b.totals
        return {name: np.where(self.a.steps > 0, one[name] - other[name], np.nan) for name in one}

    @property
    def reward(self) -> NDArray[np.float64]:
        """(B,) difference in reward."""
        return self.difference["reward"]

    def of(self, slot: int) -> TreatmentEffect:
        """Return the effect on one user, without the axis B."""
        return TreatmentEffect(self.a.of(slot), self.b.of(slot))


def treatment_effect(
    core: BatchCore, a: Any, b: Any, *, horizon: int | None = 1, policy: Any = None
) -> TreatmentEffect:
    """Return the effect of `a` rather than `b` at this step, same noise; nothing moves.

    Parameters
    ----------
    core
        B slots; those whose episode has ended get NaN.
    a, b
        One item id for all or (B,); for slates (K,) or (B, K). -1 is an empty position: nothing shown.
    horizon
        Steps that count, this one included; None is to the session's end. The difference of later steps is the effect
        through taste, satiation, trust and leaving.
    policy
        Who shows the later steps (`probabilities` or `act`); the same policy in both.

    Raises
    ------
    RuntimeError
        Before the first reset, or where every episode has ended.
    TypeError, ValueError
        If items, horizon or policy cannot be used.
    """
    alive = running(core)
    length = _checked_horizon(horizon, core.config.horizon)
    if length > 1 and policy is None:
        raise ValueError(f"horizon is {horizon}: say with policy= who shows the steps after this one")
    if policy is not None and not is_policy(policy):
        raise TypeError(f"policy must have probabilities(request) or act(request, rng=), got {type(policy).__name__}")
    length = min(length, core.config.horizon - int(core.state.slot["step"][alive].min()))
    plans = [_first_step(value, name, core) for name, value in (("a", a), ("b", b))]
    return TreatmentEffect(*(roll(core, core.branch(), _then(plan, policy), length) for plan in plans))


def _then(plan: NDArray[np.int64], policy: Any) -> Choose:
    first = by_plan(plan)
    return lambda core, going, j: first(core, going, j) if j == 0 else by_policy(policy)(core, going, j)


def _first_step(value: Any, name: str, core: BatchCore) -> NDArray[np.int64]:
    """Return items for this step as (B, 1, K), for all users where only one action is given."""
    slate, array = core.config.slate_size, np.asarray(value)
    one = () if slate == 1 else (slate,)
    if array.shape == one:
        array = np.broadcast_to(array, (core.batch, *one))
    if array.shape not in ((core.batch, *one), (core.batch, slate)):
        raise ValueError(f"{name} must have shape {one} or {(core.batch, *one)}, got {np.shape(value)}")
    return checked_plan(array.reshape(core.batch, 1, slate), core.batch, slate, core.world.n_items)


def _checked_horizon(horizon: Any, whole: int) -> int:
    if horizon is None:
        return whole
    if isinstance(horizon, bool) or not isinstance(horizon, (int, np.integer)) or horizon < 1:
        raise ValueError(f"horizon must be a whole number, 1 or more, or None (the session's end); got {horizon!r}")
    return int(horizon)
