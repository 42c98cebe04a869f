"""What would have happened: the current session rolled again from a step on, with other items and the same noise.

Abduction is trivial here, since the noise is addressed; action and prediction are a replay up to the step and
another continuation (Pearl 2009, section 7.1, `pearl2009causality`). Exact in the model: the noise of an item that was
not shown is the model's, not the person's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.envs.core import BatchCore
from recenv.envs.keyed_policy import decide_keyed, is_policy
from recenv.envs.query_checks import check_begun, checked_plan, checked_starts
from recenv.envs.replaying import current_sessions, replayed
from recenv.envs.state import OUTCOME

COUNTS = ("examined", "clicked", "purchased", "consumed", "liked", "organic", "uplift")


@dataclass(frozen=True)
class Counterfactual:
    """Sessions of B users under other items and the same noise; a single environment's has no axis B.

    Column j is step start + j of each user's session; S columns. Where `reached` is False the user had left or the
    horizon was passed: items are -1, numbers 0.
    """

    start: NDArray[np.int64]
    """(B,) first step that was rolled again."""
    outcomes: NDArray[np.void]
    """(B, S, K) responses, dtype `recenv.envs.OUTCOME`."""
    reward: NDArray[np.float64]
    """(B, S)."""
    elsewhere: NDArray[np.int32]
    """(B, S) item that the user consumed in the step without being shown it, -1 where there is none."""
    terminated: NDArray[np.bool_]
    """(B, S) whether the user left after this step."""
    truncated: NDArray[np.bool_]
    """(B, S) whether the horizon was reached with this step."""
    reached: NDArray[np.bool_]
    """(B, S) whether this step happened."""
    after_factual_exit: NDArray[np.bool_]
    """(B, S) steps that happened only here: the factual user had already left."""
    lost_steps: NDArray[np.bool_]
    """(B, S) steps that happened only in fact: here the user had already left."""

    @property
    def steps(self) -> NDArray[np.int64]:
        """(B,) steps that happened."""
        return self.reached.sum(-1)

    @property
    def totals(self) -> dict[str, NDArray[np.float64]]:
        """Name -> (B,) sum over the session from `start` on: reward, steps, counts of events, ratings and utilities.

        "rating" sums the ratings of what was consumed; attraction and satisfaction are summed over the shown items.
        """
        shown = self.outcomes
        sums = {name: shown[name].sum((-2, -1), dtype=np.float64) for name in (*COUNTS, "attraction", "satisfaction")}
        rating = np.where(shown["consumed"], shown["rating"], 0.0).sum((-2, -1))
        return {"reward": self.reward.sum(-1), "steps": self.steps.astype(np.float64), **sums, "rating": rating}

    def of(self, slot: int) -> Counterfactual:
        """Return the record of one user, without the axis B."""
        return Counterfactual(**{item.name: getattr(self, item.name)[slot] for item in fields(self)})


def counterfactual(core: BatchCore, actions: Any, start: Any = 0) -> Counterfactual:
    """Return the current sessions rolled again from step `start` on, under the same noise; nothing moves.

    Parameters
    ----------
    core
        B slots; the session of a slot that has ended is current until its next begins.
    actions
        Item ids (B, T'), or (B, T', K) for slates, -1 an empty position, which are shown in the T' steps from
        `start` on or until the user leaves; or a policy (`probabilities(request)` or `act(request, rng=)`), which is
        asked to the session's end. It is asked without memory of its own: what it knows is in the request.
    start
        One step for all, or (B,); every session must have come to it.

    Raises
    ------
    RuntimeError
        Before the first reset.
    TypeError, ValueError
        If actions or start have a wrong type, shape or value.
    """
    check_begun(core)
    starts = checked_starts(start, core)
    longest = core.config.horizon - int(starts.min())
    if is_policy(actions):
        length, choose = longest, by_policy(actions)
    else:
        plan = checked_plan(actions, core.batch, core.config.slate_size, core.world.n_items)
        length, choose = plan.shape[1], by_plan(plan)
    if length > longest:
        raise ValueError(
            f"actions has {length} steps from step {starts.min()} on, and a session has {core.config.horizon}: give "
            f"at most {longest}"
        )
    twin = replayed(core, current_sessions(core), starts)
    return roll(core, twin, choose, length)


Choose = Callable[[BatchCore, NDArray[np.bool_], int], NDArray[np.int64]]
"""(core, which slots (B,) are asked, number of the step from 0) -> items (B, K)."""


def by_plan(plan: NDArray[np.int64]) -> Choose:
    """Return the choice that follows a plan (B, T', K)."""
    return lambda core, going, j: plan[:, j].copy()


def by_policy(policy: Any) -> Choose:
    """Return the choice that asks a policy."""

    def choose(core: BatchCore, going: NDArray[np.bool_], j: int) -> NDArray[np.int64]:
        items = np.full((core.batch, core.config.slate_size), -1, np.int64)
        items[going] = decide_keyed(policy, core, np.flatnonzero(going))
        return items

    return choose


def roll(factual: BatchCore, twin: BatchCore, choose: Choose, length: int) -> Counterfactual:
    """Step a branch `length` times, or until its users leave, and return what happened beside the factual sessions."""
    shape = (twin.batch, length)
    start = twin.state.slot["step"].astype(np.int64)
    outcomes = np.zeros((*shape, twin.config.slate_size), OUTCOME)
    outcomes["item"] = -1
    reward, reached = np.zeros(shape), np.zeros(shape, bool)
    elsewhere = np.full(shape, -1, np.int32)
    terminated, truncated = np.zeros(shape, bool), np.zeros(shape, bool)
    for j in range(length):
        going = ~twin.state.done
        if not going.any():
            break
        twin.step(choose(twin, going, j), going)
        reached[:, j] = going
        outcomes[going, j] = twin.out.outcome[going]
        for column, result in ((reward, twin.out.reward), (terminated, twin.out.terminated)):
            column[going, j] = result[going]
        truncated[going, j], elsewhere[going, j] = twin.out.truncated[going], twin.out.elsewhere["item"][going]
    step = start[:, None] + np.arange(length)
    happened = step < factual.state.slot["step"][:, None]
    return Counterfactual(
        start=start,
        outcomes=outcomes,
        reward=reward,
        elsewhere=elsewhere,
        terminated=terminated,
        truncated=truncated,
        reached=reached,
        after_factual_exit=reached & ~happened & factual.state.done[:, None],
        lost_steps=happened & ~reached,
    )
