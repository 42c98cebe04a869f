"""Does correcting for self-selection help to compare policies? Judged where every rating is known.

7,200 users of Jester rated all 100 jokes. Their ratings (cut into 10 levels) are hidden by the mask

    logit P(observed) = a + b z + c_item + d_user,    z the rating in standard deviations,  c, d ~ N(0, 0.5^2)

at three strengths b, with `a` such that 8% of the cells are observed, and 5% are rated at random besides: the shares of
Coat (24 self-selected and 16 random of 300 items a user), chosen before any result was seen. Worlds are fitted to what
is left: naively; with the true (oracle) propensities, of every cell and level in a full-information likelihood, in
which cells that are not rated tell too, or of the observed level as weights; with the random ratings, which identify
how exposure depends on the rating, each row in a likelihood given how it came to be one; and with neither (propensities
from users and items alone: not identified, reported without a target). Every item has a spread of ratings of its own.

Scored on all cells: RMSE of the expected rating; the values of 40 fixed policies, centred over policies (RMSE); the
rank correlation among close policies (neighbours in true value, in groups of five); and the regret of choosing by the
world the best of five policies (mean over 2,000 random fives, and of all 40). The policies are greedy by scorers of
different quality, made from a third of the masked log that no world is fitted to, and mixtures of them with uniform
choice. They show what the user has not rated in that third, so none is judged on a rating it was made from.

Values are given the log: a rated pair has its logged rating, in all fits; an unrated one is expected to be rated as the
known (oracle) or estimated (random ratings) selection leaves it, sum r P(r) (1 - p(r)) / sum P(r) (1 - p(r)), in fits
that know a selection by rating. `of any pair` is the error of values that ignore both, of the expected rating alone.

In brackets: the share of the naive fit's, and its 95% interval (bootstrap of users, the same in both fits and all
seeds; it tells nothing of other masks). All fits have the same options, chosen on other seeds (100 to 103): of factor
penalties 9, 12, 16 and 20 the last has the best validation score of the naive and the oracle fit; of spread penalties
50, 200 and none, 200 has the least errors of the oracle fit, and either helps the naive fit too. At five ratings a user
factors fade, so these are worlds of users' and items' effects.

    python benchmarks/jester.py [--quick] [--data FOLDER] [--jobs N] [--out FILE.json]

`--data` is a folder with `dense_full_users.npz` (the dense matrix, -10 to 10; Goldberg et al. 2001), for research use.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from result_table import Row, markdown, publish

STRENGTHS = (0.5, 1.0, 1.5)
OBSERVED = 0.08
FIRST = 1 / 3
RANDOM = 0.05
LEVELS = 10
FILES = ("dense_full_users.npz",)
ORACLE, RANDOMISED = "oracle propensities", "5% random exposure"
RATED_ALONE, AS_WEIGHTS = f"{ORACLE}, rated cells alone", f"{ORACLE}, as weights"
SETTINGS = ("naive", ORACLE, RATED_ALONE, AS_WEIGHTS, RANDOMISED, "neither: users and items alone")
OPTIONS: dict[str, Any] = {
    "first_share": 1.0,
    "dims": 1,
    "factor_penalty": 20.0,
    "spread_penalty": 200.0,
    "learning_rate": 0.01,
    "validation_share": 0.05,
    "epochs": 400,
}
MOST_PROPENSITY = 0.999
"""Of estimated ones, scaled from two thirds of the log to the whole."""
FIVES, RESAMPLES = 2_000, 200
SHARED = ("centred_value_error", "regret_of_5")
"""Scores whose share of the naive fit's has an interval."""


class Masked(NamedTuple):
    """What a platform would have of the full matrix."""

    observed: NDArray[np.bool_]
    """(U, N)."""
    first: NDArray[np.bool_]
    """(U, N) the third of the observed cells that policies are made from; worlds are fitted to the others."""
    propensity: NDArray[np.float64]
    """(U, N, L) true probability of being observed, were the rating of each level."""
    random: NDArray[np.bool_]
    """(U, N) cells rated at random besides."""


class Policies(NamedTuple):
    """Fixed policies: each shows a user's greedy item with probability 1 - uniform, else any item."""

    item: NDArray[np.int64]
    """(P, U) greedy item."""
    uniform: NDArray[np.float64]
    """(P,) share of uniform choice."""

    def by_user(self, rating: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (P, U) each user's mean rating, of a full matrix (U, N) of ratings."""
        greedy = np.take_along_axis(rating, self.item.T, 1).T
        return (1 - self.uniform)[:, None] * greedy + self.uniform[:, None] * rating.mean(axis=1)


class Scored(NamedTuple):
    """The scores of a world."""

    score: dict[str, float]
    resampled: dict[str, NDArray[np.float64]]
    """(RESAMPLES,) of the scores in `SHARED`, each of other users."""


Found = dict[tuple[str, float, int], Scored]


def dense(folder: Path) -> NDArray[np.float64]:
    """Return (U, N) levels 1..10 of the fully observed matrix."""
    with np.load(folder / FILES[0]) as file:
        ratings = next(file[name] for name in file if file[name].ndim == 2)
    return np.minimum(1 + np.floor(LEVELS * (ratings.astype(np.float64) + 10) / 20), LEVELS)


def mask(rating: NDArray[np.float64], strength: float, rng: np.random.Generator) -> Masked:
    """Hide ratings: see the head of this file."""
    from scipy.optimize import brentq
    from scipy.special import expit

    users, items = rating.shape
    z = (np.arange(1.0, LEVELS + 1) - rating.mean()) / rating.std()
    others, level = rng.normal(0, 0.5, items) + rng.normal(0, 0.5, (users, 1)), rating.astype(np.int64) - 1
    a = brentq(lambda a: expit(a + others + strength * z[level]).mean() - OBSERVED, -30, 30)
    propensity = expit(a + others[..., None] + strength * z)
    observed = rng.random(rating.shape) < np.take_along_axis(propensity, level[..., None], 2)[..., 0]
    first = observed & (rng.random(rating.shape) < FIRST)
    return Masked(observed, first, propensity, rng.random(rating.shape) < RANDOM)


def policies(rating: NDArray[np.float64], masked: Masked, rng: np.random.Generator) -> Policies:
    """Return 40 policies: ten scorers of different quality, each greedy and mixed with 10, 20 and 40% uniform.

    The scorers are a platform's own: made from the first part of its log, without any correction.
    """
    first = masked.first
    scorers = [first.sum(axis=0) * np.ones(rating.shape), item_means(rating, first) * np.ones(rating.shape)]
    for rank in (1, 5):
        completed = low_rank(rating, first, rank)
        scorers += [completed + rng.normal(0, noise * completed.std(), rating.shape) for noise in (0.0, 0.5, 1.0, 3.0)]
    greedy = [np.where(first, -np.inf, scores).argmax(axis=1) for scores in scorers]
    uniform = (0.0, 0.1, 0.2, 0.4)
    return Policies(np.repeat(greedy, len(uniform), axis=0), np.tile(uniform, len(greedy)))


def item_means(rating: NDArray[np.float64], shown: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return (N,) mean rating of each item's shown cells."""
    means: NDArray[np.float64] = (rating * shown).sum(axis=0) / np.maximum(shown.sum(axis=0), 1)
    return means


def low_rank(rating: NDArray[np.float64], shown: NDArray[np.bool_], rank: int) -> NDArray[np.float64]:
    """Return the matrix completed from the shown cells by iterated singular value decompositions of a low rank."""
    base = (
        item_means(rating, shown)
        + (((rating - item_means(rating, shown)) * shown).sum(1) / (shown.sum(1) + 5))[:, None]
    )
    completed = np.zeros_like(rating)
    for _ in range(20):
        left, spread, right = np.linalg.svd(np.where(shown, rating - base, completed), full_matrices=False)
        completed = (left[:, :rank] * spread[:rank]) @ right[:rank]
    return base + completed


def fitted(setting: str, rating: NDArray[np.float64], masked: Masked, seed: int) -> Any:
    """Return the world of one setting."""
    from recenv.causal import World

    selected = log_of(rating, masked.observed & ~masked.first)
    options = OPTIONS | {"seed": seed}
    if setting == "naive":
        return World.fit(selected, weighting="naive", **options)
    if setting == "neither: users and items alone":
        return World.fit(selected, weighting="snips", **options)
    if setting == RANDOMISED:
        return World.fit(selected, weighting="likelihood", randomised=log_of(rating, masked.random), **options)

    def oracle(users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        return (1 - FIRST) * masked.propensity[users, items]

    weighting = {ORACLE: "full_likelihood", RATED_ALONE: "likelihood", AS_WEIGHTS: "snips"}[setting]
    clip = 0.0 if setting == AS_WEIGHTS else None
    return World.fit(selected, weighting=weighting, exposure=oracle, clip_quantile=clip, **options)


def selection(setting: str, rating: NDArray[np.float64], masked: Masked) -> NDArray[np.float64] | None:
    """Return (U, N, L) P(observed | level) as the setting knows or estimates it; None where it does not."""
    from recenv.causal.exposure_models.randomised import RatedPairs, fit_randomised

    if setting in (ORACLE, RATED_ALONE, AS_WEIGHTS):
        return masked.propensity
    if setting != RANDOMISED:
        return None
    selected, random = (log_of(rating, shown) for shown in (masked.observed & ~masked.first, masked.random))
    logged, asked = (RatedPairs(log.user, log.item, log.rating.astype(np.int64)) for log in (selected, random))
    model = fit_randomised(logged, asked, selected.levels, *rating.shape, seen=1.0)
    p = model.given_level(*np.divmod(np.arange(rating.size), rating.shape[1])) / (1 - FIRST)  # of the whole log
    return np.minimum(p, MOST_PROPENSITY).reshape(*rating.shape, LEVELS)


def given_log(
    setting: str, world: Any, rating: NDArray[np.float64], masked: Masked
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (U, N) the expected rating of any pair, and the one given the log that the setting has."""
    from recenv.causal.unrated_ratings import unrated_rating

    pairs = np.divmod(np.arange(rating.size), rating.shape[1])
    expected = world.expected_rating(*pairs).reshape(rating.shape)
    p = selection(setting, rating, masked)
    unrated = expected if p is None else unrated_rating(world, *pairs, p.reshape(-1, LEVELS)).reshape(rating.shape)
    logged = masked.observed & ~masked.first | (masked.random & (setting == RANDOMISED))
    return expected, np.where(logged, rating, unrated)


def log_of(rating: NDArray[np.float64], shown: NDArray[np.bool_]) -> Any:
    """Return the ratings log of the cells that are shown; ids are the matrix's, whether rated or not."""
    from recenv.data import RatingsLog

    user, item = np.nonzero(shown)
    return RatingsLog(
        user=user,
        item=item,
        rating=rating[user, item],
        user_ids=np.arange(rating.shape[0]).astype(str),
        item_ids=np.arange(rating.shape[1]).astype(str),
        levels=np.arange(1.0, LEVELS + 1),
        name="jester",
    )


def scores(
    rating: NDArray[np.float64],
    expected: NDArray[np.float64],
    given: NDArray[np.float64],
    chosen: Policies,
    rng: np.random.Generator,
) -> Scored:
    """Return every score of a world that expects these ratings (U, N), of any pair and given its log."""
    from scipy.stats import spearmanr

    by_user = chosen.by_user(rating), chosen.by_user(given)
    true, believed = (values.mean(axis=1) for values in by_user)
    close = [spearmanr(true[five], believed[five]).statistic for five in np.argsort(true).reshape(-1, 5)]
    fives = np.array([rng.choice(len(true), 5, replace=False) for _ in range(FIVES)])
    n = len(rating)
    weight = rng.multinomial(n, np.full(n, 1 / n), RESAMPLES) / n
    resampled = zip(weight @ by_user[0].T, weight @ by_user[1].T, strict=True)
    again = [_of_values(values, expected_values, fives) for values, expected_values in resampled]
    found = {
        "rmse": float(np.sqrt(np.mean((expected - rating) ** 2))),
        **_of_values(true, believed, fives),
        "centred_value_error_of_any_pair": float(np.std(chosen.by_user(expected).mean(axis=1) - true)),
        "rank_correlation_close": float(np.mean(close)),
        "regret_of_40": float(true.max() - true[believed.argmax()]),
    }
    return Scored(found, {name: np.array([one[name] for one in again]) for name in SHARED})


def _of_values(true: NDArray[np.float64], believed: NDArray[np.float64], fives: NDArray[np.int64]) -> dict[str, float]:
    """Return the centred error of the believed values (P,), and the mean regret over the fives."""
    best = np.take_along_axis(fives, believed[fives].argmax(axis=1)[:, None], 1)[:, 0]
    regret = float((true[fives].max(axis=1) - true[best]).mean())
    return {"centred_value_error": float(np.std(believed - true)), "regret_of_5": regret}


def measure(rating: NDArray[np.float64], seeds: range, jobs: int) -> Found:
    """Return (setting, strength, seed) -> scores."""
    from joblib import Parallel, delayed

    logs = [(seed, strength) for seed in seeds for strength in STRENGTHS]
    found = Parallel(n_jobs=jobs)(delayed(measure_log)(rating, *log) for log in logs)
    return {key: score for part in found for key, score in part.items()}


def measure_log(rating: NDArray[np.float64], seed: int, strength: float) -> Found:
    """Return the scores of every setting on one masked log."""
    _one_thread()
    rng = np.random.default_rng([seed, int(10 * strength)])
    masked = mask(rating, strength, rng)
    chosen = policies(rating, masked, rng)
    found: Found = {}
    for setting in SETTINGS:
        expected, given = given_log(setting, fitted(setting, rating, masked, seed), rating, masked)
        one = scores(rating, expected, given, chosen, np.random.default_rng(seed))
        print(f"{setting}, b = {strength}, seed {seed}: {one.score}", file=sys.stderr, flush=True)
        found[setting, strength, seed] = one
    return found


def main() -> None:
    """Mask, fit, score, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,000 users, one seed; writes no table")
    parser.add_argument("--data", type=Path, default=os.environ.get("RECENV_JESTER"), help="folder of the dense matrix")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    given = parser.parse_args()
    if given.data is None or not (given.data / FILES[0]).is_file():
        sys.exit(f"--data must be a folder with {FILES[0]} (7,200 users x 100 jokes), got {given.data}")
    rating = dense(given.data)[: 1_000 if given.quick else None]
    found = measure(rating, range(1 if given.quick else given.seeds), given.jobs)
    rows = [row for setting in SETTINGS for strength in STRENGTHS for row in summary(found, setting, strength)]
    publish(
        "jester",
        (__doc__ or "").split("\n\n    python")[0],
        table(rows),
        rows,
        packages=("recenv", "numpy", "torch"),
        out=given.out,
        write=not given.quick,
    )


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def summary(found: Found, setting: str, strength: float) -> list[Row]:
    """Return the mean and the range over seeds of each score, and shares of the naive fit's with their intervals."""
    mine, naive = ([of for key, of in found.items() if key[:2] == (name, strength)] for name in (setting, "naive"))
    config = {"strength": strength, "observed": OBSERVED, "seeds": len(mine)}
    rows = []
    for metric in mine[0].score:
        values = [one.score[metric] for one in mine]
        unit = "correlation" if "correlation" in metric else "levels of 10"
        rows.append(Row(setting, metric, float(np.mean(values)), min(values), max(values), unit, config))
    for metric in SHARED:
        share = sum(one.score[metric] for one in mine) / max(sum(one.score[metric] for one in naive), 1e-12)
        total, of_naive = (np.sum([one.resampled[metric] for one in fits], axis=0) for fits in (mine, naive))
        low, high = np.quantile(total / np.maximum(of_naive, 1e-12), [0.025, 0.975])
        rows.append(Row(setting, f"{metric}_share", share, float(low), float(high), "share of naive", config))
    return rows


def table(rows: list[Row]) -> str:
    """Return one line a strength and setting."""
    metrics = [name for name in dict.fromkeys(row.metric for row in rows) if not name.endswith("_share")]
    cells = {(row.name, row.config["strength"], row.metric): row for row in rows}
    lines = []
    for strength in STRENGTHS:
        for setting in SETTINGS:
            line = [f"b = {strength:g}, {setting}"]
            for metric in metrics:
                cell = f"{cells[setting, strength, metric].value:.{3 if metric == 'rmse' else 4}f}"
                share = cells.get((setting, strength, f"{metric}_share"))
                bounds = share and setting != "naive" and f" ({share.value:.2f} [{share.low:.2f}, {share.high:.2f}])"
                line.append(cell + (bounds or ""))
            lines.append(line)
    return markdown(["strength, fit", *(metric.replace("_", " ") for metric in metrics)], lines)


if __name__ == "__main__":
    main()
