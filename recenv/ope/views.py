"""The log by row and by session, with one set of independent units for both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.bootstrap import MAX_GROUPS
from recenv.ope.clusters import cluster_codes, pool_clusters
from recenv.ope.gather import Gathered
from recenv.ope.terms import BanditTerms
from recenv.ope.trajectory_grid import Layout, check_users, layout, trajectory_terms
from recenv.ope.trajectory_terms import TrajectoryTerms


class Sessions(NamedTuple):
    """What `policy_value` means here."""

    horizon: int
    """T, steps of a session that count."""
    gamma: float
    """Discount of a step."""
    declared: bool
    """Whether the caller named a Markov state."""


@dataclass(frozen=True, eq=False)
class Units:
    """Which rows belong together, exactly and pooled for the resample."""

    codes: NDArray[np.int64] | None
    """(n,) user codes 0..G-1; None where no user repeats."""
    clusters: int
    """G."""
    pooled: NDArray[np.integer]
    """(n,) group of the resample, 0..J-1."""
    size: NDArray[np.float64]
    """(J,) rows of each group."""


def units_of(user: NDArray[np.int64], rng: np.random.Generator) -> Units:
    """Return the users of rows (n,), pooled at random where there are very many."""
    codes, clusters = cluster_codes(user, len(user))
    pooled, groups = pool_clusters(codes, clusters, MAX_GROUPS, rng)
    size = np.bincount(pooled, minlength=groups).astype(np.float64)
    return Units(None if clusters == len(user) else codes, clusters, pooled, size)


class View(NamedTuple):
    """One way of looking at the log: by row, or by session."""

    reward: NDArray[np.float64]
    """(N,) logged reward of every row."""
    where: Layout | None
    """None by row."""
    units: Units
    """Of its rows or sessions; the resample's groups are the same in both."""
    gamma: float = 1.0
    """Discount of a step of a session."""

    @property
    def pooled(self) -> NDArray[np.integer]:
        """Group of each row or session in the resample."""
        return self.units.pooled

    def terms(self, found: Gathered, policy: str, bounds: Mapping[str, Any]) -> BanditTerms | TrajectoryTerms:
        """Return the record of one policy."""
        if self.where is None:
            return BanditTerms(
                reward=found.reward,
                propensity=found.propensity,
                target=found.target[policy],
                q_logged=found.q_logged,
                q_target=found.q_target.get(policy),
                cluster=self.units.codes,
                fold=found.fold,
                **bounds,
            )
        return trajectory_terms(found, policy, self.where, gamma=self.gamma, bounds=bounds)

    def on_policy(self) -> BanditTerms | TrajectoryTerms:
        """Return the record of the logging policy itself: weights of 1."""
        if self.where is None:
            ones = np.broadcast_to(1.0, self.reward.shape)
            return BanditTerms(self.reward, ones, ones, cluster=self.units.codes)
        reward = self.where.spread(self.reward, 0.0)
        ones = np.broadcast_to(1.0, reward.shape)
        length = self.where.length
        return TrajectoryTerms(reward, ones, ones, length=length, gamma=self.gamma, cluster=self.units.codes)


def views_of(found: Gathered, units: Units, *, rows: bool, sessions: Sessions | None) -> dict[bool, View]:
    """Return the views that the estimators need: by row (False) and by session (True)."""
    result = {False: View(found.reward, None, units)} if rows else {}
    if sessions is not None:
        check_users(found.user, found.episode)
        where = layout(found.episode, found.step, sessions.horizon)
        codes = None if units.codes is None else units.codes[where.last]
        own = replace(units, codes=codes, pooled=units.pooled[where.last])
        result[True] = View(found.reward, where, own, sessions.gamma)
    return result
