"""To and from Minari, the Farama Foundation's format of offline data."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.logged_feedback import LoggedFeedback

EXTRA = ("propensity", "user")
"""Columns that Minari has no name for: they travel in `infos`."""


def to_minari(log: LoggedFeedback, dataset_id: str, **options: Any) -> Any:
    """Write the log as a local Minari dataset (Arrow files) and return it; sessions are its episodes.

    Parameters
    ----------
    dataset_id : str
        Minari's name, such as "recsys/coat-v0".
    options
        Passed to `minari.create_dataset_from_buffers`, such as `author` and `description`.

    Raises
    ------
    ModuleNotFoundError
        If Minari is not installed: `pip install minari`.
    ValueError
        If the log shows slates, has no observation, or the dataset exists already.
    """
    minari, buffer = _minari()
    if log.has_slates or not log.observation:
        raise ValueError("a Minari dataset needs one item a step and an observation; this log has slates or none")
    from gymnasium.spaces import Box, Discrete

    features = _flat(log.observation, log.rows)
    after = _flat(log.next_observation, log.rows) if log.next_observation else None
    starts = np.flatnonzero(np.append(True, np.diff(log.episode) != 0))
    episodes = [
        _episode(log, features, after, rows, number, buffer)
        for number, rows in enumerate(np.split(np.arange(log.rows), starts[1:]))
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what it recommends to say is for the caller to give in options
        return minari.create_dataset_from_buffers(
            dataset_id,
            episodes,
            observation_space=Box(-np.inf, np.inf, (features.shape[1],), np.float32),
            action_space=Discrete(log.n_items),
            data_format="arrow",
            **options,
        )


def from_minari(dataset: Any, *, meta: Mapping[str, Any] | None = None) -> LoggedFeedback:
    """Return a Minari dataset with flat observations and discrete actions as a log.

    `infos` may hold `propensity` and `user`, as `to_minari` writes them; without, propensities are missing and every
    episode is a user of its own.

    Raises
    ------
    ValueError
        If the actions are not discrete, or there is no episode.
    """
    size = getattr(dataset.spec.action_space, "n", None)
    if size is None:
        raise ValueError(f"the dataset's actions are {dataset.spec.action_space}; a log needs Discrete item ids")
    parts = [_rows(number, episode) for number, episode in enumerate(dataset.iterate_episodes())]
    if not parts:
        raise ValueError("the dataset has no episode: give at least one")
    table: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    seen = {"features": table.pop("observation")}, {"features": table.pop("next_observation")}
    return LoggedFeedback(
        **table,
        position=np.zeros(len(table["item"]), np.int64),
        observation=seen[0],
        next_observation=seen[1],
        n_items=int(size),
        meta={"source": "minari", "dataset": dataset.spec.dataset_id, **(meta or {})},
    )


def _minari() -> tuple[Any, Any]:
    try:
        import minari
        from minari.data_collector import EpisodeBuffer
    except ModuleNotFoundError:
        raise ModuleNotFoundError("Minari is not installed: pip install minari") from None
    return minari, EpisodeBuffer


def _flat(columns: Mapping[str, NDArray[Any]], rows: int) -> NDArray[np.float32]:
    return np.hstack([np.asarray(column, np.float32).reshape(rows, -1) for column in columns.values()])


def _episode(
    log: LoggedFeedback,
    features: NDArray[np.float32],
    after: NDArray[np.float32] | None,
    rows: NDArray[np.int64],
    number: int,
    buffer: Any,
) -> Any:
    # Minari keeps one observation more than steps; where the log has none after the last step, the last one stands.
    last = features[rows[-1:]] if after is None else after[rows[-1:]]
    final = log.terminated[rows[-1]]
    truncated = log.truncated[rows].copy()
    truncated[-1] = not final
    # Columns (steps + 1, 1): Minari 0.5's Arrow files cannot hold one number a step.
    padded = np.append(rows, rows[-1])
    infos = {name: getattr(log, name)[padded][:, None] for name in EXTRA}
    return buffer(
        id=number,
        observations=[*features[rows], *last],
        actions=[*log.item[rows]],
        rewards=[*log.reward[rows]],
        terminations=[*log.terminated[rows]],
        truncations=[*truncated],
        infos=infos,
    )


def _rows(number: int, episode: Any) -> dict[str, NDArray[Any]]:
    steps = len(episode.actions)
    seen = np.asarray(episode.observations, np.float32).reshape(steps + 1, -1)
    infos = episode.infos or {}
    return {
        "episode": np.full(steps, number),
        "step": np.arange(steps),
        "item": np.asarray(episode.actions, np.int64),
        "reward": np.asarray(episode.rewards, np.float64),
        "terminated": np.asarray(episode.terminations, bool),
        "truncated": np.asarray(episode.truncations, bool),
        "propensity": np.ravel(infos.get("propensity", np.full(steps, np.nan)))[:steps],
        "user": np.ravel(infos.get("user", np.full(steps, number)))[:steps],
        "observation": seen[:-1],
        "next_observation": seen[1:],
    }
