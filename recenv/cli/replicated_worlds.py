"""Worlds in which `recenv compare` measures how far its own estimators can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from recenv.causal.world import World
    from recenv.testing.replicated_logs import Replicating

MOST_SESSIONS = 2_000
"""Sessions of a replicated log, at most: what the reliability of a longer log is, it is not told by more."""


def replicated_worlds(
    world: World | None, log: Any, logger: Any, policies: Any, *, seed: int
) -> dict[str, Replicating]:
    """Return name -> maker of logs: of the world as it is, with all mechanisms off, and where policies are equal.

    The logs are made by the policy that made this one, in as many sessions (at most `MOST_SESSIONS`).

    Raises
    ------
    ValueError
        If the world or the logging policy is not given, or the log shows slates.
    """
    from recenv.testing import indifferent, replicating

    if world is None or logger is None:
        raise ValueError(
            "--reliability makes logs like this one: pass --world, and --logged-by, the policy that made it"
        )
    if log.has_slates or log.meta.get("candidates"):
        raise ValueError("--reliability is for logs that show one item of the whole catalogue; leave it out here")
    size: dict[str, Any] = {
        "sessions": min(len(np.unique(log.episode)), MOST_SESSIONS),
        "horizon": int(log.meta.get("horizon") or log.step.max() + 1),
        "reward": log.meta.get("reward", "rating"),
        "seed": seed,
    }
    same = {name: log.meta[name] for name in ("feedback", "repeat") if name in log.meta}
    return {
        "the world": replicating(world, logger, policies, **size, **same),
        "mechanisms off": replicating(world, logger, policies, **size, **same, behaviour="off"),
        "all policies equal": indifferent(world, logger, policies, **size),
    }
