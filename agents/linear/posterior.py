"""Bayesian linear regression of each item's reward, with what items have in common learned from all of them.

    r = w_a . x + noise,  w_a = B g(a) + r_a,  noise ~ N(0, s_a^2)
    B ~ N(0, s^2 / shared_prior),  r_a ~ N(0, s^2 / item_prior)          a prior is worth that many average observations

The posterior of w_a is N(m_a, s_a^2 C_a). An observation (a, x, r) changes its own item at once (Sherman-Morrison):

    m_a += C_a x e / (1 + x' C_a x),  C_a -= C_a x x' C_a / (1 + x' C_a x),  e = r - m_a . x

What it says about the other items, through B, is taken in at the next refresh, when the posterior of all items is
derived anew from the sums S_a = sum x x' and b_a = sum r x. At any time each observation is in m_a, C_a at most once,
never twice; after a refresh all are in, exactly (`li2010contextual`, hybrid model; `lindley1972bayes`). Refreshes are
due whenever the number of observations has grown by a half. The noise is estimated from the squared e's over
1 + x' C_a x, as the normal-inverse-gamma posterior does, pooled between items.

Memory: 20 P bytes an item, P = d (d + 1) / 2. Time: O(P) an observation; O(N d^3 + (d q)^3) a refresh; a request of B
users one product (B, P) x (P, candidates).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.agents.linear.highest_bound import Bounds, Loose, highest_places
from recenv.agents.linear.packed_symmetric import (
    add_product,
    largest_eigenvalues,
    pack,
    packed_size,
    products,
    row_sizes,
    times,
    unpack,
    write_sizes,
)
from recenv.compiled import compiled

GROWTH = 1.5
"""A refresh is due when the observations have grown by this factor."""
ITEMS_AT_ONCE = 256
"""Items whose full matrices are in memory at the same time."""
ROWS_AT_ONCE = 16
"""Items whose scores stay in the cache while all users pass."""


class LinearPosterior:
    """Posterior of the weights of N items.

    Parameters
    ----------
    items
        g (N, q).
    columns
        d, size of x.
    item_prior
        Average observations that the prior of an item's own part is worth, above 0.
    shared_prior
        The same of the shared part.
    noise_pooling
        Observations that the noise of all items together is worth to an item's own noise, above 0; infinity is one
        noise for all.
    forgetting
        Factor on an item's sums at each of its observations, in (0, 1]; 1 forgets nothing.
    """

    def __init__(
        self,
        items: NDArray[np.float64],
        columns: int,
        *,
        item_prior: float = 0.4,
        shared_prior: float = 0.4,
        noise_pooling: float = math.inf,
        forgetting: float = 1.0,
    ) -> None:
        given = {"item_prior": item_prior, "shared_prior": shared_prior, "noise_pooling": noise_pooling}
        for name, value in given.items():
            if not value > 0.0:
                raise ValueError(f"{name} must be above 0, got {value!r}")
        if not 0.0 < forgetting <= 1.0:
            raise ValueError(f"forgetting must be in (0, 1], got {forgetting!r}; 1 forgets nothing")
        n_items, size = len(items), packed_size(columns)
        self.items, self.columns = items, columns
        self.item_prior, self.shared_prior = item_prior, shared_prior
        self.noise_pooling, self.forgetting = noise_pooling, forgetting
        self.mean = np.zeros((n_items, columns))
        self.covariance, self.sum_xx = np.zeros((n_items, size)), np.zeros((n_items, size))
        self.sum_rx = np.zeros((n_items, columns))
        self.count, self.surprise = np.zeros(n_items), np.zeros(n_items)
        self.rewards = np.zeros(2)
        self.pending = 0
        self.refresh()

    def add(self, items: NDArray[np.int64], states: NDArray[np.float64], rewards: NDArray[np.float64]) -> float:
        """Take in observations: items (n,), x (n, d), rewards (n,), and return the root mean square of the errors e.

        Their order matters only until the next refresh, and for the estimate of the noise.
        """
        squares = _absorb(
            np.asarray(items, np.int64), np.ascontiguousarray(states, np.float64), np.asarray(rewards, np.float64),
            self.mean, self.covariance, self.largest, self._single, self._reach, self.sum_xx, self.sum_rx, self.count,
            self.surprise, self.forgetting,
        )  # fmt: skip
        self.rewards += len(items), float((np.asarray(rewards) ** 2).sum())
        self.pending += len(items)
        if self.pending > (GROWTH - 1.0) * (self.count.sum() - self.pending):
            self.refresh()
        return math.sqrt(squares / max(len(items), 1))

    def moments(
        self, states: NDArray[np.float64], candidates: NDArray[np.int64], caution: float = 0.0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (B, C) mean and standard deviation of w_a . x, noise not included; 0 where it is -1.

        The deviation is in proportion to that of `noise(caution)`.
        """
        items, places = _asked(candidates, len(self.items))
        # Items first: in this order the large matrix is read as it lies.
        mean = self.mean[items] @ states.T
        variance = self._single[items] @ products(states).T
        return _looked_up(mean, np.sqrt(np.maximum(variance, 0.0)), np.sqrt(self.noise(caution))[items], places)

    def highest_bounds(
        self, states: NDArray[np.float64], candidates: NDArray[np.int64], alpha: float, caution: float = 0.0
    ) -> NDArray[np.int64]:
        """Return (B,) the candidate of the highest mean + alpha deviation, of equals the lowest id.

        It is -1 where there is no candidate, or a state is not finite.
        """
        items, places = _asked(candidates, len(self.items))
        factor = alpha * np.sqrt(self.noise(caution))[items]
        squares = (states**2).astype(np.float32)
        loose = Loose(self._reach[items] @ squares.T, self.largest[items], squares.sum(axis=1))
        bounds = Bounds(self._single[items], self.mean[items] @ states.T, factor)
        found = highest_places(bounds, loose, products(states), places)
        return found if isinstance(items, slice) else np.where(found < 0, -1, items[found])

    def noise(self, caution: float = 0.0) -> NDArray[np.float64]:
        """Return (N,) the noise variance s_a^2 of each item, in squared units of the reward.

        An item's own squared errors are pooled with those of all items, worth `noise_pooling` observations, and with
        the mean square of the reward, worth one. That is the best guess. One who must not overlook an item that is
        unlike the others adds, of the way from the guess to the mean square of the reward, the share
        caution / (caution + n_a), n_a the item's observations.
        """
        rows, squares = self.rewards
        size = squares / rows if rows else 1.0
        pooled = (size + self.surprise.sum()) / (1.0 + self.count.sum())
        guess = np.full(len(self.items), pooled)
        if not math.isinf(self.noise_pooling):
            weight = 1.0 + self.noise_pooling
            guess = (size + self.noise_pooling * pooled + self.surprise) / (weight + self.count)
        if caution:
            guess += caution / (caution + self.count) * np.maximum(size - guess, 0.0)
        return guess

    def refresh(self) -> None:
        """Derive the posterior of every item anew from all observations."""
        scale, size = self._column_scale(), self._state_size()
        item, shared = self.item_prior * size, self.shared_prior * size
        parts = [slice(start, start + ITEMS_AT_ONCE) for start in range(0, len(self.items), ITEMS_AT_ONCE)]
        precision, pull = self._own_parts(parts, scale, item)
        np.einsum("jj->j", precision)[:] += shared
        covariance = np.asarray(np.linalg.inv(precision), np.float64)
        self._add_shared_part(parts, scale, item, covariance, covariance @ pull)
        # It holds until the next refresh: observations make C_a smaller.
        self.largest = np.concatenate(
            [largest_eigenvalues(unpack(self.covariance[part], self.columns)).astype(np.float32) for part in parts]
        )
        self._round()
        self.pending = 0

    def _own_parts(
        self, parts: list[slice], scale: NDArray[np.float64], prior: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Leave A_a = (prior + S_a)^-1 and A_a b_a in `covariance` and `mean`; return what all say about B.

        The precision (d q, d q) is sum_a (prior - prior^2 A_a) (x) g g', the pull (d q,) sum_a prior A_a b_a (x) g.
        """
        d, q = self.columns, self.items.shape[1]
        precision, pull = np.zeros((d * d, q * q)), np.zeros((d, q))
        for part in parts:
            g = self.items[part]
            own = self._own_covariance(part, scale, prior)
            mean = np.einsum("nij,nj->ni", own, self.sum_rx[part] / scale)
            self.covariance[part], self.mean[part] = pack(own), mean
            spread = prior * np.eye(d) - prior**2 * own
            precision += spread.reshape(-1, d * d).T @ (g[:, :, None] * g[:, None, :]).reshape(-1, q * q)
            pull += prior * mean.T @ g
        blocks = precision.reshape(d, d, q, q).transpose(0, 2, 1, 3).reshape(d * q, d * q)
        return (blocks + blocks.T) / 2.0, pull.reshape(-1)

    def _own_covariance(self, part: slice, scale: NDArray[np.float64], prior: float) -> NDArray[np.float64]:
        """Return (n, d, d) the inverse of prior + S_a; of items without observations it is 1 / prior."""
        seen = self.count[part] > 0.0
        own = np.tile(np.eye(self.columns) / prior, (len(seen), 1, 1))
        full = unpack(self.sum_xx[part][seen], self.columns) / (scale[:, None] * scale)
        np.einsum("njj->nj", full)[:] += prior
        own[seen] = np.linalg.inv(full)
        return own

    def _add_shared_part(
        self,
        parts: list[slice],
        scale: NDArray[np.float64],
        prior: float,
        covariance: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> None:
        """Add the posterior of B, N(weights, covariance), to the items' own parts, and undo the scale of columns."""
        d, q = self.columns, self.items.shape[1]
        blocks = covariance.reshape(d, q, d, q).transpose(1, 3, 0, 2).reshape(q * q, d * d)
        for part in parts:
            g = self.items[part]
            own = unpack(self.covariance[part], d)
            of_prior = ((g[:, :, None] * g[:, None, :]).reshape(-1, q * q) @ blocks).reshape(-1, d, d)
            gain = prior * own
            full = own + gain @ of_prior @ gain
            self.covariance[part] = pack((full + full.transpose(0, 2, 1)) / (2.0 * scale[:, None] * scale))
            self.mean[part] = (self.mean[part] + np.einsum("nij,nj->ni", gain, g @ weights.reshape(d, q).T)) / scale

    def _column_scale(self) -> NDArray[np.float64]:
        """Return (d,) the root mean square of each column of x, at least 1: priors are in these units."""
        diagonal = self._diagonal().sum(axis=0)
        return np.sqrt(np.maximum(diagonal / max(self.count.sum(), 1.0), 1.0))

    def _state_size(self) -> float:
        """Return the mean of |x|^2 in units of the column scale; d before there are observations."""
        total = self.count.sum()
        if total == 0.0:
            return float(self.columns)
        return float((self._diagonal().sum(axis=0) / total / self._column_scale() ** 2).sum())

    def _diagonal(self) -> NDArray[np.float64]:
        return self.sum_xx[:, np.cumsum([0, *range(self.columns, 1, -1)])]

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the state as arrays, to be saved."""
        return {f"{prefix}{name}": getattr(self, name) for name in _STATE} | {
            f"{prefix}pending": np.array(self.pending)
        }

    def restore(self, arrays: dict[str, NDArray[Any]], prefix: str) -> None:
        """Take over what `arrays` returned."""
        for name in _STATE:
            setattr(self, name, arrays[f"{prefix}{name}"].copy())
        self.pending = int(arrays[f"{prefix}pending"])
        self._round()

    def _round(self) -> None:
        """Derive what requests read: C_a in 32 bits, and the sums of its rows' sizes (N, d)."""
        self._single = self.covariance.astype(np.float32)
        self._reach = row_sizes(self._single, self.columns)


_STATE = ("mean", "covariance", "largest", "sum_xx", "sum_rx", "count", "surprise", "rewards")


def _asked(candidates: NDArray[np.int64], n_items: int) -> tuple[Any, NDArray[np.int64]]:
    """Return which items to score, and the column (B, C) of each candidate among them, below 0 where it is -1."""
    if 4 * candidates.shape[1] >= n_items:
        return slice(None), candidates
    wanted = np.zeros(n_items, np.bool_)
    wanted[candidates.ravel()] = True
    return np.flatnonzero(wanted), np.where(candidates < 0, -1, (np.cumsum(wanted) - 1)[candidates])


@compiled
def _looked_up(mean, deviation, noise, places):  # type: ignore[no-untyped-def]
    """Return (B, C) the mean and the deviation at each place, a row of (n, B); 0 where the place is below 0."""
    users, columns = places.shape  # pragma: no cover - compiled
    out_mean, out_deviation = np.zeros(places.shape), np.zeros(places.shape)
    for start in range(0, columns, ROWS_AT_ONCE):
        for b in range(users):
            for c in range(start, min(start + ROWS_AT_ONCE, columns)):
                a = places[b, c]
                if a >= 0:
                    out_mean[b, c] = mean[a, b]
                    out_deviation[b, c] = noise[a] * deviation[a, b]
    return out_mean, out_deviation


@compiled
def _absorb(  # type: ignore[no-untyped-def]
    items, states, rewards, mean, covariance, largest, single, reach, sum_xx, sum_rx, count, surprise, forgetting
):
    """Take in one observation after the other, in place."""  # pragma: no cover - compiled
    towards, squares = np.empty(states.shape[1]), 0.0
    for n in range(len(items)):
        a, x, r = items[n], states[n], rewards[n]
        if forgetting < 1.0:
            covariance[a] /= forgetting
            largest[a] /= forgetting
            sum_xx[a] *= forgetting
            sum_rx[a] *= forgetting
            count[a] *= forgetting
            surprise[a] *= forgetting
        times(covariance[a], x, towards)
        spread = 1.0
        error = r
        for j in range(len(x)):
            spread += x[j] * towards[j]
            error -= x[j] * mean[a, j]
        for j in range(len(x)):
            mean[a, j] += towards[j] * error / spread
            sum_rx[a, j] += r * x[j]
        add_product(covariance[a], towards, -1.0 / spread)
        add_product(sum_xx[a], x, 1.0)
        count[a] += 1.0
        surprise[a] += error * error / spread
        squares += error * error
    for n in range(len(items)):
        a = items[n]
        for k in range(single.shape[1]):
            single[a, k] = covariance[a, k]
        write_sizes(single[a], reach[a])
    return squares
