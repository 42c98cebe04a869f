"""Fair exposure: which groups of items are shown, and how groups of users fare.

Exposure of an item group g under a policy, with attention w_k at position k of a slate (Singh and Joachims 2018,
`singh2018fairness`), amortised over all rankings (Biega et al. 2018, `biega2018equity`):

    E_g = sum_(rows of g) w_k / sum_(rows) w_k,   w_k = 1 / log2(2 + k),   k = 0 at the top
    ratio_g = E_g / t_g,   gap = max_g |E_g - t_g|

t_g: the group's target share, its part of the catalogue or of the items' merit. Outcome of a user group: the mean over
its users of their mean reward a session. Intervals are normal, users being independent; the share is linearised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.feedback.rollout import decide
from recenv.groups import Groups
from recenv.ope.ask_policy import ask
from recenv.protocol import Decision, Request
from recenv.sessions import evaluate_sessions

Z = 1.959963984540054
"""Normal quantile of 97.5%."""
BLOCK = 8_192
"""Logged decisions that a policy is asked about at once."""


class Share(NamedTuple):
    """How much a group of items is shown."""

    share: float
    """E_g, of all attention."""
    low: float
    high: float
    target: float
    """t_g."""

    @property
    def ratio(self) -> float:
        """E_g / t_g: 1 is fair, 0 never shown."""
        return self.share / self.target if self.target > 0 else math.nan


class Outcome(NamedTuple):
    """How a group of users fares."""

    value: float
    """Mean reward a session."""
    low: float
    high: float
    users: int


@dataclass(frozen=True)
class Fairness:
    """Exposure by item group and outcome by user group, under one policy."""

    item_group: str = ""
    """What divides the items; empty where nothing does."""
    exposure: dict[str, Share] | None = None
    """Item group -> its share."""
    user_group: str = ""
    outcome: dict[str, Outcome] | None = None
    """User group -> its outcome; groups without users are left out."""

    @property
    def exposure_gap(self) -> float:
        """max_g |E_g - t_g|; NaN without item groups."""
        return max((abs(one.share - one.target) for one in (self.exposure or {}).values()), default=math.nan)

    @property
    def outcome_gap(self) -> tuple[float, float, float]:
        """Best less worst user group, with a 95% interval.

        Which groups these are was found on the same data, so that the gap of equal groups comes out above 0.
        """
        groups = sorted((self.outcome or {}).values())
        if len(groups) < 2:
            return math.nan, math.nan, math.nan
        worst, best = groups[0], groups[-1]
        half = math.hypot(best.high - best.value, worst.high - worst.value)
        return best.value - worst.value, best.value - worst.value - half, best.value - worst.value + half

    def for_report(self) -> dict[str, Any]:
        """Return plain numbers for `ReportContext.fairness`."""
        content: dict[str, Any] = {}
        if self.exposure:
            shares = {label: {**one._asdict(), "ratio": one.ratio} for label, one in self.exposure.items()}
            content |= {"item_group": self.item_group, "exposure": shares, "exposure_gap": self.exposure_gap}
        if self.outcome:
            gap, low, high = self.outcome_gap
            content |= {
                "user_group": self.user_group,
                "outcome": {label: one._asdict() for label, one in self.outcome.items()},
                "outcome_gap": {"value": gap, "low": low, "high": high},
            }
        return content


def position_weight(position: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return w_k = 1 / log2(2 + k), the attention that position k gets, as in discounted cumulative gain."""
    return 1.0 / np.log2(2.0 + np.asarray(position, np.float64))


def fairness_of_log(
    log: LoggedFeedback,
    *,
    items: Groups | None = None,
    users: Groups | None = None,
    merit: ArrayLike | None = None,
) -> Fairness:
    """Return the fairness of the policy that made a log.

    Parameters
    ----------
    items
        Groups of the catalogue's items.
    users
        Groups of users, by user id.
    merit
        (N,) 0 or more: t_g is a group's part of the merit rather than of the catalogue.

    Raises
    ------
    ValueError
        If the groups do not cover the items, or the users, of the log; or merit is no list of N weights.
    """
    ids, row = np.unique(log.user, return_inverse=True)
    exposure = None
    if items is not None:
        _check_covers("items", items, int(log.item.max()))
        exposure = np.zeros((len(ids), len(items.labels)))
        np.add.at(exposure, (row, items.code[log.item]), position_weight(log.position))
    sessions = np.unique(np.column_stack([row, log.episode]), axis=0)[:, 0]
    mean = np.bincount(row, weights=log.reward) / np.bincount(sessions)
    return _fairness(ids, exposure, mean, items, users, merit)


def exposure_in_log(log: LoggedFeedback, policy: Any, items: Groups, *, merit: ArrayLike | None = None) -> Fairness:
    """Return the exposure that another policy would have given where a log's decisions were made.

    E_g is the mean over logged decisions of its probability of group g: exact, without weights, in the states as the
    logging policy met them. `items` and `merit` as in `fairness_of_log`.

    Raises
    ------
    ValueError
        If the log is of slates, or the policy's probabilities are none.
    """
    if log.has_slates:
        raise ValueError("exposure_in_log knows one item a step, the log has slates: use fairness_in_world")
    _check_covers("items", items, log.n_items - 1)
    ids, row = np.unique(log.user, return_inverse=True)
    exposure = np.zeros((len(ids), len(items.labels)))
    for first in range(0, log.rows, BLOCK):
        rows = np.arange(first, min(first + BLOCK, log.rows))
        request = log.request(rows)
        chance = ask(type(policy).__name__, policy, request, first)
        code = np.where(request.candidates >= 0, items.code[request.candidates], -1)
        shares = np.stack([np.where(code == g, chance, 0.0).sum(axis=1) for g in range(len(items.labels))], axis=1)
        np.add.at(exposure, row[rows], shares)
    return Fairness(items.name, _shares(exposure, items, _target(items, merit)))


def fairness_in_world(
    policy: Any,
    env: Any,
    *,
    items: Groups | None = None,
    users: Groups | None = None,
    merit: ArrayLike | None = None,
    rounds: int = 1,
    seed: int = 0,
    explore: bool = False,
) -> Fairness:
    """Return the fairness of a policy in whole sessions of every user of a world.

    `env`, `rounds`, `seed` and `explore` as in `recenv.sessions.evaluate_sessions`, the others as in
    `fairness_of_log`.
    """
    watched = Watched(policy, items)
    sessions = evaluate_sessions(watched, env, rounds=rounds, seed=seed, explore=explore)
    return watched.fairness(sessions.user, sessions.reward, users, merit)


class Watched:
    """A policy that decides as another one does, and counts the exposure that it gives; it learns nothing.

    Parameters
    ----------
    policy
        An agent, or an object with `probabilities`.
    items
        Groups of the catalogue's items; None counts nothing.
    """

    def __init__(self, policy: Any, items: Groups | None) -> None:
        self.policy, self.items = policy, items
        self._exposure: dict[int, NDArray[np.float64]] = {}

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Return the policy's decision."""
        decision = decide(self.policy, request, rng, explore)
        if self.items is not None:
            if request.users is None:
                raise ValueError("exposure is counted by user: request.users is None; name the users")
            self._count(request.users, np.asarray(decision.items), self.items)
        return decision

    def _count(self, users: NDArray[np.int64], items: NDArray[np.int64], groups: Groups) -> None:
        _check_covers("items", groups, int(items.max(initial=0)))
        row, place = np.nonzero(items >= 0)
        given = np.zeros((len(users), len(groups.labels)))
        np.add.at(given, (row, groups.code[items[row, place]]), position_weight(place))
        for user, counted in zip(users.tolist(), given, strict=True):
            self._exposure[user] = self._exposure.get(user, 0.0) + counted

    def fairness(
        self,
        user: NDArray[np.integer],
        reward: NDArray[np.floating],
        users: Groups | None,
        merit: ArrayLike | None = None,
    ) -> Fairness:
        """Return the fairness over sessions, given the user (S,) and the total reward (S,) of each."""
        ids, row = np.unique(user, return_inverse=True)
        exposure = None if self.items is None else np.array([self._exposure[one] for one in ids.tolist()])
        return _fairness(ids, exposure, np.bincount(row, weights=reward) / np.bincount(row), self.items, users, merit)


def _fairness(
    ids: NDArray[np.integer],
    exposure: NDArray[np.float64] | None,
    mean: NDArray[np.float64],
    items: Groups | None,
    users: Groups | None,
    merit: ArrayLike | None,
) -> Fairness:
    """Return the record, given users' ids (V,), exposure by user (V, G) and mean reward a session (V,)."""
    shares = outcome = None
    if items is not None and exposure is not None:
        shares = _shares(exposure, items, _target(items, merit))
    if users is not None:
        _check_covers("users", users, int(ids.max()))
        code = users.code[ids]
        outcome = {users.labels[g]: _outcome(mean[code == g]) for g in np.unique(code)}
    return Fairness(items.name if items else "", shares, users.name if users else "", outcome)


def _target(items: Groups, merit: ArrayLike | None) -> NDArray[np.float64]:
    if merit is None:
        return items.shares
    weight = np.asarray(merit, np.float64)
    if weight.shape != items.code.shape:
        raise ValueError(f"merit must be {len(items.code)} numbers, one an item; got shape {weight.shape}")
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if bad.any() or not weight.any():
        row = int(bad.argmax())
        raise ValueError(f"merit must be 0 or more, and not 0 for all; item {row} has {weight[row]}")
    return np.bincount(items.code, weights=weight, minlength=len(items.labels)) / weight.sum()


def _shares(exposure: NDArray[np.float64], items: Groups, target: NDArray[np.float64]) -> dict[str, Share]:
    total = exposure.sum(axis=1)
    share = exposure.sum(axis=0) / total.sum()
    count = len(total)
    # E_g is a ratio of sums over users: its error is that of the mean of x_ug - E_g x_u, over the mean of x_u.
    residual = (exposure - share * total[:, None]) / total.mean()
    error = residual.std(axis=0, ddof=1) / math.sqrt(count) if count > 1 else np.full(len(share), math.inf)
    ends = np.clip([share - Z * error, share + Z * error], 0.0, 1.0)
    columns = zip(items.labels, share.tolist(), *ends.tolist(), target.tolist(), strict=True)
    return {label: Share(*numbers) for label, *numbers in columns}


def _outcome(mean: NDArray[np.float64]) -> Outcome:
    value, count = float(mean.mean()), len(mean)
    half = Z * float(mean.std(ddof=1)) / math.sqrt(count) if count > 1 else math.inf
    return Outcome(value, value - half, value + half, count)


def _check_covers(what: str, groups: Groups, largest: int) -> None:
    if largest >= len(groups.code):
        raise ValueError(
            f"groups {groups.name!r} are of {len(groups.code)} {what}, but there is id {largest}: give one code a row "
            f"of the whole table of {what}"
        )
