"""Marginalised inverse propensity scoring against the number of items, as in Saito and Joachims (2022).

The paper's synthetic world (`saito2022mips`): contexts N(0, I) in ten dimensions; an item draws one of ten categories
in each of three dimensions from a softmax of N(0, 1); the reward is a weighted sum over the dimensions of a bilinear
function of context and category, plus noise of deviation 2.5; the logging policy is softmax(-q), the target 95% the
best item and else any. A world is drawn anew in each of 30 runs, where the published runs draw logs of one world, so
errors are of the same kind and not the same numbers; a few worlds have rewards so large that they make the mean, hence
the median beside it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from published_part import Part
from result_table import Row

from recenv.ope import BanditTerms, EmbeddingTerms, estimate

PUBLISHED = {10: (0.68, 0.41), 100: (34.8, 0.29), 1_000: (52.5, 6.0)}
"""Items -> mean squared error of ips and mips at 10,000 rounds."""
RUNS, QUICK, ROWS, SEED = 30, 5, 10_000, 3
CONTEXT, CATEGORIES, DIMS, LATENT, NOISE, EXPLORE = 10, 10, 3, 5, 2.5, 0.05
TRUTH_ROWS, BLOCK = 20_000, 2_000
Matrix = NDArray[np.float64]


class World(NamedTuple):
    """One draw of the paper's world."""

    category: Matrix
    """(DIMS, N, CATEGORIES) probability of an item's category."""
    effect: Matrix
    """(DIMS, 1 + CONTEXT, CATEGORIES) reward of a category by context, weighted by its dimension."""


def compare(*, quick: bool) -> Part:
    """Return the published errors beside ours by number of items."""
    lines, rows = [], []
    for items, published in PUBLISHED.items():
        squared = np.array([one_run(items, run) for run in range(QUICK if quick else RUNS)])
        mean, middle = squared.mean(axis=0), np.median(squared, axis=0)
        lower = float((squared[:, 1] < squared[:, 0]).mean())
        lines.append(
            [
                f"{items:,}",
                *(f"{one:g}" for one in published),
                *(f"{one:.3g}" for one in (*mean, *middle)),
                *(f"{ips / mips:.1f}" for ips, mips in (published, middle)),
                f"{lower:.0%}",
            ]
        )
        for name, own in zip(("ips", "mips"), squared.T, strict=True):
            error = float(1.96 * own.std(ddof=1) / np.sqrt(len(own)))
            value = float(own.mean())
            rows.append(Row(name, "mse", value, value - error, value + error, "reward^2", {"items": items}))
    headings = ["items", "published IPS", "published MIPS", "ips, mean", "mips, mean", "ips, median", "mips, median"]
    headings += ["published ratio", "ratio of medians", "mips closer"]
    text = f"Mean squared error over {QUICK if quick else RUNS} worlds, one log of {ROWS:,} rounds each."
    return Part("MIPS against the number of items", text, headings, lines, rows)


def make_world(items: int, rng: np.random.Generator) -> World:
    """Return a world of so many items."""
    category = np.exp(rng.normal(size=(DIMS, items, CATEGORIES)))
    category /= category.sum(axis=2, keepdims=True)
    share = rng.dirichlet(rng.random(DIMS))
    effect = np.empty((DIMS, 1 + CONTEXT, CATEGORIES))
    for dim in range(DIMS):
        latent = np.hstack([np.ones((CATEGORIES, 1)), rng.normal(size=(CATEGORIES, LATENT))])
        coupling = rng.uniform(-1, 1, size=(1 + CONTEXT, 1 + LATENT))
        own, other = rng.uniform(-1, 1, size=1 + CONTEXT), rng.uniform(-1, 1, size=1 + LATENT)
        effect[dim] = coupling @ latent.T + own[:, None]
        effect[dim, 0] += latent @ other
        effect[dim] *= share[dim]
    return World(category, effect)


def policies(world: World, design: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Return (n, N) expected rewards, and probabilities of the logging policy and of the target."""
    q = sum(design @ effect @ category.T for effect, category in zip(world.effect, world.category, strict=True))
    q = np.asarray(q)
    logging = np.exp(-q - (-q).max(axis=1, keepdims=True))
    logging /= logging.sum(axis=1, keepdims=True)
    target = np.full_like(q, EXPLORE / q.shape[1])
    target[np.arange(len(q)), q.argmax(axis=1)] += 1 - EXPLORE
    return q, logging, target


def one_run(items: int, run: int) -> tuple[float, float]:
    """Return the squared errors of ips and mips in one world."""
    rng = np.random.default_rng([SEED, items, run])
    world = make_world(items, rng)
    parts = [_log(world, rng) for _ in range(ROWS // BLOCK)]
    reward, propensity, target, ratio = map(np.concatenate, zip(*parts, strict=True))
    found = [_value(world, rng) for _ in range(TRUTH_ROWS // BLOCK)]
    truth = float(np.mean(found))
    ips = estimate("ips", BanditTerms(reward, propensity, target)).value
    mips = estimate("mips", EmbeddingTerms(reward, ratio)).value
    return (ips - truth) ** 2, (mips - truth) ** 2


def _design(rng: np.random.Generator) -> Matrix:
    return np.hstack([np.ones((BLOCK, 1)), rng.normal(size=(BLOCK, CONTEXT))])


def _value(world: World, rng: np.random.Generator) -> float:
    q, _, target = policies(world, _design(rng))
    return float(np.einsum("na,na->n", q, target).mean())


def _log(world: World, rng: np.random.Generator) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Return reward, propensity, target and marginal ratio (n,) of a block of rounds."""
    design, rows = _design(rng), np.arange(BLOCK)
    _, logging, target = policies(world, design)
    item = _draw(logging, rng)
    mean, likelihood = np.zeros(BLOCK), np.ones_like(logging)
    for category, effect in zip(world.category, world.effect, strict=True):
        seen = _draw(category[item], rng)
        mean += (design @ effect)[rows, seen]
        likelihood *= category.T[seen]
    ratio = np.einsum("na,na->n", target, likelihood) / np.einsum("na,na->n", logging, likelihood)
    return mean + NOISE * rng.normal(size=BLOCK), logging[rows, item], target[rows, item], ratio


def _draw(probability: Matrix, rng: np.random.Generator) -> NDArray[np.int64]:
    below = rng.random((len(probability), 1)) * probability.sum(axis=1, keepdims=True)
    return np.asarray((probability.cumsum(axis=1) <= below).sum(axis=1))
