"""One draw from the posterior of an ordinal factorisation: an ensemble of such worlds is what the log leaves open.

    utility = taste . V + b_u + b_i,    P(rating <= l) = sigmoid(tau_l - utility)
    taste_ud ~ N(0, 1 / lambda_d),   V_id ~ N(0, 1),   b_u ~ N(0, 1 / lambda_U),   b_i ~ N(0, 1 / lambda_N)

Gibbs sampling by blocks (Salakhutdinov & Mnih 2008, `salakhutdinov2008bayesian`): all users given the items, all items
given the users, then the precisions, which the log itself so chooses, and the thresholds at their mode. A block's
conditional is taken as normal, about one Fisher scoring step from where the chain is. The last sweep is the draw.

A mode is shrunk, and a bootstrap of modes with it; a draw errs as the log allows, so policies meet users with as much
taste as the log says they have. A draw predicts a pair worse than the mean of several. Assumption: given the weights,
whether a pair is rated does not depend on its rating; weights count as so many ratings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.factors import Factors
from recenv.causal.fit_checkpoint import FitCheckpoint, Standing, plain
from recenv.causal.link import Scored, binned, most_likely
from recenv.causal.response_models.effects_fit import sigmoid
from recenv.protocol import Ratings, ResponseData

SWEEPS = 60
"""Utilities of chains of 30 and of 400 sweeps spread alike, and are as near the truth, on made logs."""
SHAPE, RATE = 1.0, 0.1
"""Of the Gamma prior of the precisions: next to nothing against the users and items."""
THRESHOLDS_EVERY = 5
"""Sweeps from one fit of the thresholds to the next."""
STATE = ("users", "items", "of_users", "of_items", "thresholds")
"""What a sweep changes, and the generator."""
BLOCK = 4_000_000
"""Numbers of the outer products that are held at once."""


class Posterior:
    """A draw from the posterior of the factorisation.

    Parameters
    ----------
    dims
        D at most: precisions that grow switch a dimension off.
    sweeps
        Gibbs sweeps before the draw.

    Raises
    ------
    ValueError
        If either is below 1.
    """

    reads_features = False

    def __init__(self, *, dims: int = 16, sweeps: int = SWEEPS) -> None:
        for name, value in (("dims", dims), ("sweeps", sweeps)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        self.dims, self.sweeps = dims, sweeps
        self.config = f"dims={dims}, sweeps={sweeps}"
        """In words, for a checkpoint to compare."""
        self.thresholds: NDArray[np.float64] = np.zeros(0)
        """(L - 1,) tau, in units of the logistic noise; a world takes them as they are."""
        self._factors: Factors | None = None

    def fit(
        self,
        data: ResponseData,
        *,
        rng: np.random.Generator,
        device: str = "cpu",
        progress: Callable[[int, int, str], None] | None = None,
        checkpoint: FitCheckpoint | None = None,
    ) -> None:
        """Sample, from validation rows too: nothing is stopped early. It runs on the CPU whatever the device."""
        rows = Ratings(*(np.concatenate(column) for column in zip(data.train, data.validation, strict=True)))
        chain = Chain(rows, (data.n_users, data.n_items, len(data.scale)), self.dims, rng)
        begin = 0 if checkpoint is None or checkpoint.standing is None else chain.restore(checkpoint.standing)
        for sweep in range(begin, self.sweeps):
            chain.sweep(thresholds=sweep % THRESHOLDS_EVERY == 0)
            if progress is not None:
                progress(sweep + 1, self.sweeps, "sampling")
            if checkpoint is not None and (checkpoint.due() or sweep + 1 == self.sweeps):
                checkpoint.keep(chain.standing(sweep + 1))
        self._factors, self.thresholds = chain.factors(), chain.thresholds

    def factors(self) -> Factors:
        """Return taste, embedding and biases; see `ResponseModel`."""
        if self._factors is None:
            raise RuntimeError("nothing has been sampled yet: call fit first")
        return self._factors

    def utility(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) taste . V + b_u + b_i, in units of the logistic noise."""
        return self.factors().utility(users, items)


class Side(NamedTuple):
    """The rows of the ratings, sorted by user or by item."""

    own: NDArray[np.integer]
    """(n,) ascending user (item) of each row."""
    other: NDArray[np.integer]
    """(n,) its item (user)."""
    level: NDArray[np.integer]
    """(n,) 1..L."""
    weight: NDArray[np.float64]
    """(n,)."""

    @classmethod
    def of(cls, own: NDArray[np.integer], other: NDArray[np.integer], rows: Ratings) -> Side:
        """Sort the rows."""
        order = np.argsort(own, kind="stable")
        return cls(*(np.asarray(column)[order] for column in (own, other, rows.level, rows.weight)))


class Chain:
    """The state of a Gibbs sampler; a row of `users` and `items` is (factors, bias), D + 1 numbers."""

    def __init__(self, rows: Ratings, shape: tuple[int, int, int], dims: int, rng: np.random.Generator) -> None:
        n_users, n_items, self.levels = shape
        self.rng = rng
        self.by_user, self.by_item = Side.of(rows.user, rows.item, rows), Side.of(rows.item, rows.user, rows)
        self.users, self.items = np.zeros((n_users, dims + 1)), np.zeros((n_items, dims + 1))
        self.items[:, :dims] = rng.normal(size=(n_items, dims))
        self.of_users, self.of_items = np.full(dims + 1, 10.0), np.ones(dims + 1)
        self.thresholds = np.zeros(self.levels - 1)

    def standing(self, done: int) -> Standing:
        """Return where the chain is after so many sweeps."""
        arrays = {name: getattr(self, name) for name in STATE}
        return Standing({"done": done, "generator": plain(self.rng.bit_generator.state)}, arrays)

    def restore(self, standing: Standing) -> int:
        """Go where another chain was; return the number of its sweeps."""
        for name in STATE:
            setattr(self, name, standing.arrays[name].copy())
        self.rng.bit_generator.state = standing.meta["generator"]
        return int(standing.meta["done"])

    def sweep(self, *, thresholds: bool) -> None:
        """Draw everything once given the rest; thresholds only now and then: many ratings fix them."""
        if thresholds:
            scored = Scored(utility(self.by_user, self.users, self.items), self.by_user.level, self.by_user.weight)
            self.thresholds = most_likely(binned(scored), self.levels, slope=1.0).thresholds
        self.users = drawn(self.by_user, self.users, self.items, self.of_users, self.thresholds, self.rng)
        self.items = drawn(self.by_item, self.items, self.users, self.of_items, self.thresholds, self.rng)
        self.of_users = precisions(self.users, self.rng)
        self.of_items[-1] = precisions(self.items[:, -1:], self.rng)[0]

    def factors(self) -> Factors:
        """Return where the chain is."""
        return Factors(self.users[:, :-1], self.items[:, :-1], self.users[:, -1], self.items[:, -1])


def precisions(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the precision of each column (R, C) given its values."""
    return rng.gamma(SHAPE + len(values) / 2, 1.0 / (RATE + (values**2).sum(0) / 2))


def utility(side: Side, own: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) x of each row."""
    mine, theirs = own[side.own], other[side.other]
    x: NDArray[np.float64] = np.einsum("nd,nd->n", mine[:, :-1], theirs[:, :-1]) + mine[:, -1] + theirs[:, -1]
    return x


def drawn(
    side: Side,
    own: NDArray[np.float64],
    other: NDArray[np.float64],
    precision: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw (R, D + 1) every user (item) given all items (users): N(one scoring step, 1 / information)."""
    slope, curvature = slopes(utility(side, own, other), side.level, thresholds)
    gradient = -precision * own
    information = np.tile(np.diag(precision), (len(own), 1, 1))
    for part, who, starts in _blocks(side.own, own.shape[1] ** 2):
        z = other[side.other[part]]
        z[:, -1] = 1.0  # the own bias; the other's is in the utility
        weight = side.weight[part]
        gradient[who] += np.add.reduceat(z * (weight * slope[part])[:, None], starts)
        outer = (z * (weight * curvature[part])[:, None])[:, :, None] * z[:, None, :]
        information[who] += np.add.reduceat(outer, starts)
    root = np.linalg.cholesky(information)
    towards = np.linalg.solve(root, gradient[:, :, None]) + rng.normal(size=(*own.shape, 1))
    found: NDArray[np.float64] = own + np.linalg.solve(root.transpose(0, 2, 1), towards)[:, :, 0]
    return found


def _blocks(own: NDArray[np.integer], width: int) -> list[tuple[slice, NDArray[np.integer], NDArray[np.intp]]]:
    """Return (rows, the users in them, where each begins), so that a user is in one block."""
    who, starts = np.unique(own, return_index=True)
    ends = np.append(starts[1:], len(own))
    blocks, begin = [], 0
    while begin < len(who):
        end = max(begin + 1, int(np.searchsorted(ends, starts[begin] + BLOCK // width, "right")))
        part = slice(int(starts[begin]), int(ends[end - 1]))
        blocks.append((part, who[begin:end], starts[begin:end] - starts[begin]))
        begin = end
    return blocks


def slopes(
    x: NDArray[np.float64], level: NDArray[np.integer], thresholds: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (n,) d log P(level) / dx and its variance, the Fisher information of one rating of utility x."""
    upto = np.column_stack([np.zeros(len(x)), sigmoid(thresholds[None, :] - x[:, None]), np.ones(len(x))])
    density = upto * (1 - upto)
    probability = np.maximum(np.diff(upto, axis=1), 1e-12)
    slope = -np.diff(density, axis=1) / probability
    return slope[np.arange(len(x)), level - 1], (probability * slope**2).sum(1)
