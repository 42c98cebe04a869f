"""From logged rows to one row an episode and one column a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.ope.marginal_ratio import marginal_ratios
from recenv.ope.trajectory_terms import TrajectoryTerms

if TYPE_CHECKING:
    from recenv.feedback.logged_feedback import LoggedFeedback
    from recenv.ope.gather import Gathered
    from recenv.protocol import Policy

ROWS_A_STATE = 5
"""With fewer rows than this for each distinct state, a table would learn nothing: the state is then a feature."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Where each logged row stands in a grid of n episodes and T steps."""

    rows: NDArray[np.int64]
    """(m,) logged rows within the horizon, in order."""
    place: tuple[NDArray[np.int64], NDArray[np.int64]]
    """Episode 0..n-1 and step 0..T-1 of each, both (m,)."""
    length: NDArray[np.int64]
    """(n,) steps of each episode within the horizon."""
    last: NDArray[np.int64]
    """(n,) logged row of each episode's last step within the horizon."""
    horizon: int
    """T."""

    def spread(self, values: NDArray[Any], fill: float) -> NDArray[Any]:
        """Return one value a row (N, ...) as a grid (n, T, ...), `fill` after an episode's end."""
        result = np.full((len(self.length), self.horizon, *values.shape[1:]), fill, dtype=values.dtype)
        result[self.place] = values[self.rows]
        return result


def layout(episode: NDArray[np.int64], step: NDArray[np.int64], horizon: int | None = None) -> Layout:
    """Return the layout of rows sorted by episode and step; None takes the longest episode as the horizon.

    Raises
    ------
    ValueError
        If an episode does not have the steps 0, 1, 2, ... without a gap, or the horizon is below 1.
    """
    if horizon is not None and horizon < 1:
        raise ValueError(f"horizon must be at least 1, not {horizon}")
    starts = np.flatnonzero(np.append(True, np.diff(episode) != 0))
    length = np.diff(np.append(starts, len(episode)))
    number = np.repeat(np.arange(len(starts)), length)
    wanted = np.arange(len(episode)) - starts[number]
    if (step != wanted).any():
        row = int(np.argmax(step != wanted))
        raise ValueError(
            f"episode {episode[row]} has a gap: row {row} is its step {step[row]} where step {wanted[row]} should be: "
            "log every step from 0 on, or drop the episode"
        )
    steps = int(length.max()) if horizon is None else horizon
    rows = np.flatnonzero(wanted < steps)
    short = np.minimum(length, steps)
    return Layout(rows, (number[rows], wanted[rows]), short, starts + short - 1, steps)


def check_users(user: NDArray[np.int64], episode: NDArray[np.int64]) -> None:
    """Refuse an episode of two users; the rows are sorted by episode."""
    mixed = (np.diff(episode) == 0) & (np.diff(user) != 0)
    if mixed.any():
        row = int(np.argmax(mixed)) + 1
        raise ValueError(
            f"episode {episode[row]} has two users: row {row - 1} has {user[row - 1]}, row {row} has {user[row]}: give "
            "every user's session its own episode number"
        )


def trajectory_terms(
    found: Gathered, policy: str, where: Layout, *, gamma: float, bounds: Mapping[str, Any] | None = None
) -> TrajectoryTerms:
    """Return the record of one policy; marginal ratios are estimated if the pass has kept states."""
    reward, propensity = where.spread(found.reward, 0.0), where.spread(found.propensity, 1.0)
    target = where.spread(found.target[policy], 1.0)
    valid = np.arange(where.horizon) < where.length[:, None]
    state = None if found.state is None else where.spread(found.state, 0)
    ratios = None if state is None else marginal_ratios(state, target / propensity, valid)
    value = found.values.get(policy)
    return TrajectoryTerms(
        reward=reward,
        propensity=propensity,
        target=target,
        q_logged=None if value is None else where.spread(value.logged, 0.0),
        q_target=None if value is None else where.spread(value.target, 0.0),
        state_marginal_ratio=None if ratios is None else ratios.state,
        state_action_marginal_ratio=None if ratios is None else ratios.state_action,
        state=state,
        action=None if state is None else where.spread(found.item, 0),
        length=where.length,
        terminated=found.terminated[where.last],
        gamma=gamma,
        cluster=found.user[where.last],
        fold=None if value is None else value.fold[where.last],
        **(bounds or {}),
    )


def state_code(columns: NDArray[np.float64]) -> NDArray[Any]:
    """Return codes (n,) of states (n, F) that are few, else the columns themselves as features."""
    distinct, code = np.unique(columns, axis=0, return_inverse=True)
    if columns.shape[1] and len(distinct) * ROWS_A_STATE > len(columns):
        return columns
    return code.reshape(-1)


def terms_from_feedback(
    feedback: LoggedFeedback,
    policy: Policy,
    *,
    gamma: float = 1.0,
    horizon: int | None = None,
    state: str | tuple[str, ...] | None = None,
    value_model: Any = None,
    item_features: NDArray[np.floating] | None = None,
    folds: int = 3,
    seed: int = 0,
    block_rows: int | None = None,
) -> TrajectoryTerms:
    """Return the record of a policy on a log of sessions.

    Parameters
    ----------
    feedback : LoggedFeedback
        One item a step, episodes with steps 0, 1, 2, ...
    policy : Policy
        Is asked for its probabilities in blocks.
    gamma, horizon : float, int
        Of the estimand; None takes the log's own horizon (its meta, or else its longest episode).
    state : str or tuple of str, optional
        Observation columns that make up a Markov state; with it the marginal ratios are estimated.
    value_model : optional
        What `model_factory` takes; with it the value model is fitted, by fitted Q evaluation out of fold by user.
    item_features, folds, seed : optional
        Of that fit.
    """
    from recenv.ope.fitted_q import fit_q
    from recenv.ope.gather import block_size, gather
    from recenv.ope.reward_models import model_factory

    steps = horizon or log_horizon(feedback.meta, feedback.step)
    fitted = {}
    if value_model is not None:
        factory = model_factory(value_model, item_features)
        fitted["target"] = fit_q(feedback, policy, factory, horizon=steps, gamma=gamma, folds=folds, seed=seed)
    found = gather(
        feedback,
        {"target": policy},
        models=None,
        propensity_model=None,
        block_rows=block_size(feedback.n_items, block_rows),
        advance=lambda done: None,
        values=fitted,
        state=None if state is None else (state,) if isinstance(state, str) else tuple(state),
    )
    check_users(found.user, found.episode)
    return trajectory_terms(found, "target", layout(found.episode, found.step, steps), gamma=gamma)


def log_horizon(meta: Mapping[str, Any], step: NDArray[np.int64]) -> int:
    """Return the horizon that a log was made with, or else its longest episode."""
    declared = meta.get("horizon")
    return int(declared) if declared else int(step.max()) + 1
