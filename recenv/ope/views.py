"""The log as each family of estimators looks at it, with one set of independent units for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.bootstrap import MAX_GROUPS
from recenv.ope.clusters import cluster_codes, pool_clusters
from recenv.ope.gather import Gathered
from recenv.ope.multi_logger_terms import MultiLoggerTerms
from recenv.ope.terms import BanditTerms, EmbeddingTerms, Terms
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
    """One way of looking at the log."""

    units: Units
    """Of its rows, slates or sessions; the resample's groups are the same in all views."""
    terms: Callable[[str, Mapping[str, Any]], Terms]
    """(policy, bounds) -> the record of one policy."""
    on_policy: Callable[[], BanditTerms | TrajectoryTerms]
    """The record of the logging policy itself: weights of 1."""

    @property
    def pooled(self) -> NDArray[np.integer]:
        """Group of each row, slate or session in the resample."""
        return self.units.pooled


def decision_view(units: Units, reward: NDArray[np.float64], terms: Callable[[str, Mapping[str, Any]], Terms]) -> View:
    """Return the view of decisions with rewards (n,), whatever is decided."""

    def on_policy() -> BanditTerms:
        ones = np.broadcast_to(1.0, reward.shape)
        return BanditTerms(reward, ones, ones, cluster=units.codes)

    return View(units, terms, on_policy)


def item_views(found: Gathered, units: Units) -> dict[type[Terms], View]:
    """Return what single items look like, by row: plain, by embedding and with several loggers."""

    def bandit(policy: str, bounds: Mapping[str, Any]) -> BanditTerms:
        return BanditTerms(found.reward, found.propensity, found.target[policy], **model(policy), **bounds)

    def embedded(policy: str, bounds: Mapping[str, Any]) -> EmbeddingTerms:
        share = np.bincount(found.logger, minlength=found.by_logger.shape[1]) / len(found.logger)
        ratio = found.target_alike[policy] / (found.logged_alike @ share)
        return EmbeddingTerms(found.reward, ratio, cluster=units.codes, **bounds)

    def several(policy: str, bounds: Mapping[str, Any]) -> MultiLoggerTerms:
        return MultiLoggerTerms(
            found.reward, found.by_logger, found.target[policy], logger=found.logger, **model(policy), **bounds
        )

    def model(policy: str) -> dict[str, Any]:
        q_target = found.q_target.get(policy)
        return {"q_logged": found.q_logged, "q_target": q_target, "cluster": units.codes, "fold": found.fold}

    makers: dict[type[Terms], Any] = {BanditTerms: bandit, EmbeddingTerms: embedded, MultiLoggerTerms: several}
    return {family: decision_view(units, found.reward, terms) for family, terms in makers.items()}


def session_view(found: Gathered, units: Units, sessions: Sessions) -> View:
    """Return what whole sessions look like."""
    check_users(found.user, found.episode)
    where = layout(found.episode, found.step, sessions.horizon)
    codes = None if units.codes is None else units.codes[where.last]
    pooled = units.pooled[where.last]
    size = np.bincount(pooled, minlength=len(units.size)).astype(np.float64)
    own = replace(units, codes=codes, pooled=pooled, size=size)

    def terms(policy: str, bounds: Mapping[str, Any]) -> TrajectoryTerms:
        return trajectory_terms(found, policy, where, gamma=sessions.gamma, bounds=bounds)

    return View(own, terms, lambda: _on_policy(found.reward, where, own, sessions.gamma))


def _on_policy(reward: NDArray[np.float64], where: Layout, units: Units, gamma: float) -> TrajectoryTerms:
    spread = where.spread(reward, 0.0)
    ones = np.broadcast_to(1.0, spread.shape)
    return TrajectoryTerms(spread, ones, ones, length=where.length, gamma=gamma, cluster=units.codes)
