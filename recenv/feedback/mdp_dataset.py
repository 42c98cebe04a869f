"""To and from d3rlpy's MDPDataset: sessions of flat observations, items as discrete actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.logged_feedback import LoggedFeedback


def mdp_arrays(log: LoggedFeedback) -> dict[str, NDArray[Any]]:
    """Return what `d3rlpy.dataset.MDPDataset` is made of: its keyword arguments, one row a step.

    observations (n, O) float32, actions (n,) int64, rewards (n,) float32, terminals (n,) and timeouts (n,) float32. A
    session whose record stops without an end has a timeout at its last row. Users and propensities have no place there.

    Raises
    ------
    ValueError
        If the log shows slates or has no observation.
    """
    if log.has_slates:
        raise ValueError("the log shows slates; an MDPDataset has one action a step: take one position first")
    if not log.observation:
        raise ValueError("the log has no observation, and an MDPDataset needs one: collect with observations")
    last = np.append(np.diff(log.episode) != 0, True)
    columns = [np.asarray(column, np.float32).reshape(log.rows, -1) for column in log.observation.values()]
    return {
        "observations": np.hstack(columns),
        "actions": log.item.copy(),
        "rewards": log.reward.astype(np.float32),
        "terminals": log.terminated.astype(np.float32),
        "timeouts": (last & ~log.terminated).astype(np.float32),
    }


def to_mdp_dataset(log: LoggedFeedback) -> Any:
    """Return a `d3rlpy.dataset.MDPDataset` whose actions are the catalogue's items.

    Raises
    ------
    ModuleNotFoundError
        If d3rlpy is not installed; its version pins an old Gymnasium, so it wants an environment of its own:
        `mdp_arrays` hands over plain arrays.
    """
    try:
        from d3rlpy.constants import ActionSpace  # type: ignore[import-not-found,unused-ignore]
        from d3rlpy.dataset import MDPDataset  # type: ignore[import-not-found,unused-ignore]
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "d3rlpy is not installed here. It pins an old Gymnasium, so give it an environment of its own and hand it "
            "mdp_arrays(log) in a .npz file"
        ) from None
    return MDPDataset(**mdp_arrays(log), action_space=ActionSpace.DISCRETE, action_size=log.n_items)


def from_mdp_dataset(
    dataset: Any, *, n_items: int | None = None, meta: Mapping[str, Any] | None = None
) -> LoggedFeedback:
    """Return the episodes of an MDPDataset (anything with `episodes`, or an iterable of them) as a log.

    An episode is a session of a user of its own; there are no propensities, so evaluation needs `propensity_model=`.

    Raises
    ------
    ValueError
        If there is no episode.
    """
    episodes: Iterable[Any] = getattr(dataset, "episodes", dataset)
    parts = [_session(number, episode) for number, episode in enumerate(episodes)]
    if not parts:
        raise ValueError("the dataset has no episode: give at least one")
    table: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    observation = {"features": table.pop("observation")}
    rows = len(table["item"])
    return LoggedFeedback(
        **table,
        position=np.zeros(rows, np.int64),
        user=table["episode"],
        propensity=np.full(rows, np.nan),
        observation=observation,
        n_items=-1 if n_items is None else n_items,
        meta={"source": "d3rlpy", **(meta or {})},
    )


def _session(number: int, episode: Any) -> dict[str, NDArray[Any]]:
    item = np.asarray(episode.actions).reshape(-1).astype(np.int64)
    last = np.arange(len(item)) == len(item) - 1
    ended = bool(episode.terminated)
    return {
        "episode": np.full(len(item), number),
        "step": np.arange(len(item)),
        "item": item,
        "reward": np.asarray(episode.rewards, np.float64).reshape(-1),
        "terminated": last & ended,
        "truncated": last & (not ended),
        "observation": np.asarray(episode.observations, np.float32).reshape(len(item), -1),
    }
