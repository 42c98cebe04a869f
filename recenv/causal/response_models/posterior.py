"""One draw from the posterior of an ordinal factorisation: an ensemble of such worlds is what the log leaves open.

    utility = taste . V + b_u + b_i,    P(rating <= l) = sigmoid(tau_l - utility)
    taste_ud ~ N(0, 1 / lambda_d),   V_id ~ N(nu_d, 1),   b_u ~ N(0, 1 / lambda_U),   b_i ~ N(0, 1 / lambda_N)
    nu_d ~ N(0, 1)

Gibbs sampling by blocks (Salakhutdinov & Mnih 2008, `salakhutdinov2008bayesian`): all users given the items, all items
given the users, then the precisions, which the log itself so chooses, and the thresholds at their mode. Each user
(item) is proposed from a normal about one Fisher scoring step away, and accepted by Metropolis' and Hastings' rule
(Gamerman 1997, `gamerman1997sampling`): without it draws have a fifth too little variance, and policies that choose by
taste are worth too little. The last sweep is the draw.

A mode is shrunk, and a bootstrap of modes with it; a draw errs as the log allows, so policies meet users with as much
taste as the log says they have. A draw predicts a pair worse than the mean of several. Assumption: given the weights,
whether a pair is rated does not depend on its rating; weights count as so many ratings; tastes are 0 on average, so
that what all users share is an item's bias.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.factors import Factors
from recenv.causal.fit_checkpoint import FitCheckpoint, Standing
from recenv.causal.link import Scored, binned, most_likely
from recenv.causal.response_models.effects_fit import sigmoid
from recenv.generators import generator_state
from recenv.protocol import Ratings, ResponseData

SWEEPS = 60
"""Utilities of chains of 60 and of 200 sweeps vary alike on made logs: by 2.38 and 2.28, the true ones by 2.18."""
SHAPE, RATE = 1.0, 0.01
"""Of the Gamma prior of the precisions: next to nothing against the users and items. At a rate of 0.1, dimensions that
the log does not need keep a tenth of a unit of variance each."""
THRESHOLDS_EVERY = 5
"""Sweeps from one fit of the thresholds to the next."""
STATE = ("users", "items", "of_users", "of_items", "centre", "thresholds")
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
        self.centre = np.zeros(dims + 1)
        self.thresholds = np.zeros(self.levels - 1)

    def standing(self, done: int) -> Standing:
        """Return where the chain is after so many sweeps."""
        arrays = {name: getattr(self, name) for name in STATE}
        return Standing({"done": done, "generator": generator_state(self.rng)}, arrays)

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
        prior = Prior(self.centre, self.of_items)
        mine = Prior(np.zeros_like(self.centre), self.of_users)
        self.users = drawn(self.by_user, self.users, self.items, mine, self.thresholds, self.rng)
        self.items = drawn(self.by_item, self.items, self.users, prior, self.thresholds, self.rng)
        self.centre = prior.recentred(self.items, self.rng)
        self.users, shift = split(self.users, self.of_users[-1], prior._replace(centre=self.centre), self.rng)
        self.items, self.centre = self.items + shift, self.centre + shift
        self.of_users = precisions(self.users, self.rng)
        self.of_items[-1] = precisions(self.items[:, -1:], self.rng)[0]

    def factors(self) -> Factors:
        """Return where the chain is."""
        return Factors(self.users[:, :-1], self.items[:, :-1], self.users[:, -1], self.items[:, -1])


class Prior(NamedTuple):
    """What is taken of a row of `users` or `items`: N(centre, 1 / precision), the centre itself N(0, 1 / precision)."""

    centre: NDArray[np.float64]
    """(D + 1,), 0 of the bias."""
    precision: NDArray[np.float64]
    """(D + 1,)."""

    def recentred(self, values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw the centre (D + 1,) given its values (R, D + 1)."""
        count = len(values) + 1
        centre = values.sum(0) / count + rng.normal(size=values.shape[1]) / np.sqrt(count * self.precision)
        centre[-1] = 0.0
        return centre


def split(
    own: NDArray[np.float64], bias_precision: float, other: Prior, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw c (D + 1,) and return (own with biases b - factors . c, c): with c added to the others no utility changes.

    No rating tells c, and clicks and drift, which read taste . V alone, depend on it. Priors alone speak: biases
    N(0, 1 / bias_precision) that do not depend on tastes.
    """
    factors, bias = own[:, :-1], own[:, -1]
    information = bias_precision * factors.T @ factors + np.diag(other.precision[:-1])
    towards = bias_precision * factors.T @ bias - (other.precision * other.centre)[:-1]
    root = np.linalg.cholesky(information)
    c = np.linalg.solve(information, towards) + np.linalg.solve(root.T, rng.normal(size=len(towards)))
    return np.column_stack([factors, bias - factors @ c]), np.append(c, 0.0)


def precisions(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the precision of each column (R, C) given its values."""
    return rng.gamma(SHAPE + len(values) / 2, 1.0 / (RATE + (values**2).sum(0) / 2))


def utility(side: Side, own: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) x of each row."""
    mine, theirs = own[side.own], other[side.other]
    x: NDArray[np.float64] = np.einsum("nd,nd->n", mine[:, :-1], theirs[:, :-1]) + mine[:, -1] + theirs[:, -1]
    return x


class Proposal(NamedTuple):
    """Where a block goes from where it is: N(one Fisher scoring step, 1 / information) of each user (item)."""

    mean: NDArray[np.float64]
    """(R, D + 1)."""
    root: NDArray[np.float64]
    """(R, D + 1, D + 1) lower Cholesky factor of the information."""
    height: NDArray[np.float64]
    """(R,) log posterior of where it is, up to a constant."""

    def draw(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return (R, D + 1)."""
        noise = rng.normal(size=(*self.mean.shape, 1))
        moved: NDArray[np.float64] = self.mean + np.linalg.solve(self.root.transpose(0, 2, 1), noise)[:, :, 0]
        return moved

    def log_density(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (R,) up to a constant."""
        scaled = np.einsum("rij,ri->rj", self.root, values - self.mean)
        density: NDArray[np.float64] = np.log(np.einsum("rii->ri", self.root)).sum(1) - 0.5 * (scaled**2).sum(1)
        return density


def drawn(
    side: Side,
    own: NDArray[np.float64],
    other: NDArray[np.float64],
    prior: Prior,
    thresholds: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw (R, D + 1) every user (item) given all items (users): Metropolis and Hastings' step, each for itself."""
    there = proposal(side, own, other, prior, thresholds)
    new = there.draw(rng)
    back = proposal(side, new, other, prior, thresholds)
    gain = back.height + back.log_density(own) - there.height - there.log_density(new)
    return np.where((np.log(rng.random(len(own))) < gain)[:, None], new, own)


def proposal(
    side: Side,
    own: NDArray[np.float64],
    other: NDArray[np.float64],
    prior: Prior,
    thresholds: NDArray[np.float64],
) -> Proposal:
    """Return where every user (item) goes, given all items (users)."""
    likelihood = slopes(utility(side, own, other), side.level, thresholds)
    away = own - prior.centre
    gradient = -prior.precision * away
    information = np.tile(np.diag(prior.precision), (len(own), 1, 1))
    height = -0.5 * (prior.precision * away**2).sum(1)
    height += np.bincount(side.own, side.weight * likelihood.log_probability, len(own))
    for part, who, starts in _blocks(side.own, own.shape[1] ** 2):
        z = other[side.other[part]]
        z[:, -1] = 1.0  # the own bias; the other's is in the utility
        weight = side.weight[part]
        gradient[who] += np.add.reduceat(z * (weight * likelihood.slope[part])[:, None], starts)
        outer = (z * (weight * likelihood.information[part])[:, None])[:, :, None] * z[:, None, :]
        information[who] += np.add.reduceat(outer, starts)
    mean: NDArray[np.float64] = own + np.linalg.solve(information, gradient[:, :, None])[:, :, 0]
    return Proposal(mean, np.asarray(np.linalg.cholesky(information), np.float64), height)


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


class Likelihood(NamedTuple):
    """Of each rating, (n,) each, by its utility x."""

    log_probability: NDArray[np.float64]
    slope: NDArray[np.float64]
    """d log P(level) / dx."""
    information: NDArray[np.float64]
    """Fisher's: the variance of the slope over levels."""


def slopes(x: NDArray[np.float64], level: NDArray[np.integer], thresholds: NDArray[np.float64]) -> Likelihood:
    """Return the likelihood of ratings (n,) of levels 1..L at utilities x, and its slopes."""
    upto = np.column_stack([np.zeros(len(x)), sigmoid(thresholds[None, :] - x[:, None]), np.ones(len(x))])
    density = upto * (1 - upto)
    probability = np.maximum(np.diff(upto, axis=1), 1e-12)
    slope = -np.diff(density, axis=1) / probability
    rows, column = np.arange(len(x)), level - 1
    return Likelihood(np.log(probability[rows, column]), slope[rows, column], (probability * slope**2).sum(1))
