"""Response models: which predicts ratings best, on held-out and on random pairs, and at which cost.

Every world is fitted by `World.fit(log, response=NAME, weighting="naive")` with that model's defaults to the same rows:

* ml-100k, ml-latest-small: 70% of each user's ratings, scored on the other 30%, as self-selected as the first.
* coat: the 6,960 ratings that 290 users chose to give, scored on the 4,274 ratings of coats that were drawn for them
  and are not in the log. What a correction for self-selection adds to two of the models is in `coat.md`.

What a deep model (two_tower, autoencoder, transformer) loses when a world takes it over, as factors of low rank, is
included. Their defaults were chosen on validation rows of ml-100k (splits with seeds 100 to 102), so the rows held out
of ml-100k were seen by that choice in other roles; Coat and ml-latest-small were not. `features` and `two_tower` read
features of users and items, where there are some; the priors of `features` were chosen on Coat's self-selected ratings.
`posterior` is one draw, made to show what the log leaves open, and predicts worse than the mean of several.

Errors are means over the seeds of the fit, which also divide the log. In brackets: 95% interval, bootstrap by user; the
gain over the factorisation is paired, of the same ratings (above 0: better). Seconds are of the processor.

    python benchmarks/response_models.py [--quick] [--coat FOLDER] [--ml-latest-small FOLDER] [--home FOLDER]
        [--seeds N] [--out FILE.json]

ml-100k is read from `--home` (else RECENV_DATA, else the user's cache). What is not there is left out, and said so.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from result_table import Row, markdown, publish

if TYPE_CHECKING:
    from recenv import World
    from recenv.data import RatingsLog

BASELINE, FACTORISATION = "biases alone", "factorisation"
MODELS = (FACTORISATION, "posterior", "features", "two_tower", "autoencoder", "transformer")
RESAMPLES = 2_000


class Data(NamedTuple):
    """Ratings to fit to, and those to be judged by."""

    log: RatingsLog
    random: RatingsLog | None
    """Ratings of random pairs; None: the part of the log that the fit does not see."""


class Scored(NamedTuple):
    """Squared errors and log scores of one fit."""

    user: NDArray[np.int64]
    """(n,)."""
    squared: NDArray[np.float64]
    """(n,) in squared ratings."""
    score: NDArray[np.float64]
    """(n,) log P(rating), in nats."""
    seconds: float
    """Processor time of the fit."""


def data_sets(home: Path | None, coat: Path | None, small: Path | None) -> dict[str, Data]:
    """Return the data sets whose files are there."""
    from recenv.data import RatingsLog, load_coat, load_log

    found = {}
    try:
        found["ml-100k"] = Data(load_log("ml-100k", home=home), None)
    except FileNotFoundError:
        print("ml-100k is not there: fetch it with `recenv data fetch ml-100k`", file=sys.stderr)
    if small is not None:
        ratings, items = (
            next(path for path in (small / name for name in names) if path.exists())
            for names in (("ratings.csv", "ratings.parquet"), ("movies.csv", "items.parquet"))
        )
        found["ml-latest-small"] = Data(RatingsLog.read(ratings, items=items), None)
    if coat is not None:
        found["coat"] = Data(load_coat(coat), load_coat(coat, "random_clean"))
    return found


def measure(data: Data, seed: int) -> dict[str, Scored]:
    """Return the errors of every model, and of biases alone."""
    from recenv import World

    found = {}
    for model in MODELS:
        begin = time.process_time()
        share = 0.7 if data.random is None else 1.0
        world = World.fit(data.log, response=model, weighting="naive", seed=seed, first_share=share)
        seconds = time.process_time() - begin
        found[model] = scored(world, data.random, world.base_utility, world.thresholds, seconds)
        print(f"{data.log.name}, seed {seed}, {model}: {seconds:.0f} s", file=sys.stderr, flush=True)
        if model == FACTORISATION:
            found[BASELINE] = of_biases(world, data.random)
    return found


def of_biases(world: World, random: RatingsLog | None) -> Scored:
    """Return the errors of how generous the user and how good the item is, fitted to the same rows as the world."""
    from recenv.causal.pairs import FIRST
    from recenv.causal.validation.bias_only import fit_bias_only

    first, begin = world.pairs.only(FIRST), time.process_time()
    biases = fit_bias_only(first.user, first.item, first.level, (world.n_users, world.n_items, world.n_levels))
    return scored(world, random, biases.utility, biases.thresholds, time.process_time() - begin)


def scored(world, random, utility, thresholds, seconds: float) -> Scored:  # type: ignore[no-untyped-def]
    """Return the errors of utilities by (users, items) and thresholds."""
    from recenv.causal.ordinal import level_probabilities
    from recenv.causal.pairs import SECOND
    from recenv.causal.validation.errors import log_score

    if random is None:
        held = world.pairs.only(SECOND)
        user, item, level = held.user, held.item, held.level
    else:
        user, item, level = random.user, random.item, 1 + np.searchsorted(world.scale, random.rating)
    probability = level_probabilities(utility(user, item), thresholds)
    squared = (probability @ world.scale - world.scale[level - 1]) ** 2
    return Scored(user.astype(np.int64), squared, log_score(probability, level), seconds)


def summary(name: str, runs: list[dict[str, Scored]], users: int) -> list[Row]:
    """Return error, paired gain, log score and seconds of every model on one data set."""
    times = np.random.default_rng(0).multinomial(users, np.full(users, 1 / users), RESAMPLES)
    weight = np.vstack([np.ones(users), times])
    rows = []
    root = {model: np.mean([root_mean(run[model], weight) for run in runs], axis=0) for model in runs[0]}
    for model, error in root.items():
        one = [run[model] for run in runs]
        score = np.mean([mean(run.user, run.score, weight) for run in one], axis=0)
        seconds = [run.seconds for run in one]
        config = {"data": name, "seeds": len(runs)}
        values = {"rmse": (error, "rating"), "log_score": (score, "nats")}
        if model != FACTORISATION:
            values["gain"] = (root[FACTORISATION] - error, "rating")
        for metric, (value, unit) in values.items():
            low, high = np.quantile(value[1:], [0.025, 0.975])
            rows.append(Row(model, metric, float(value[0]), float(low), float(high), unit, config))
        rows.append(Row(model, "fit_time", float(np.mean(seconds)), min(seconds), max(seconds), "processor s", config))
    return rows


def mean(user: NDArray[np.int64], values: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (R,) the mean of values (n,) under each row of weights (R, users)."""
    total, count = (np.bincount(user, column, weight.shape[1]) for column in (values, np.ones(len(user))))
    found: NDArray[np.float64] = (weight @ total) / (weight @ count)
    return found


def root_mean(run: Scored, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (R,) the root mean squared error under each row of weights."""
    return np.sqrt(mean(run.user, run.squared, weight))


def table(rows: list[Row]) -> str:
    """Return one line a data set and model."""
    cells = {(row.config["data"], row.name, row.metric): row for row in rows}
    lines = []
    for data, model in dict.fromkeys((row.config["data"], row.name) for row in rows):
        line = [f"{data}, {model}"]
        for metric in ("rmse", "gain", "log_score"):
            row = cells.get((data, model, metric))
            line.append("" if row is None else f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]")
        lines.append([*line, f"{cells[data, model, 'fit_time'].value:.1f}"])
    return markdown(["response", "RMSE", "gain over the factorisation", "log score", "fit, s"], lines)


def main() -> None:
    """Measure every model on every data set and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="one data set, one seed; the committed table is left alone"
    )
    parser.add_argument("--coat", type=Path, help="folder of Coat")
    parser.add_argument("--ml-latest-small", type=Path, help="folder of MovieLens latest-small", dest="small")
    parser.add_argument("--home", type=Path, help="folder of data sets")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, help="JSON rows")
    given = parser.parse_args()
    found = data_sets(given.home, given.coat, given.small)
    if not found:
        sys.exit("none of the data sets is there")
    names = list(found)[-1:] if given.quick else list(found)
    rows: list[Row] = []
    for name in names:
        runs = [measure(found[name], seed) for seed in range(1 if given.quick else given.seeds)]
        rows += summary(name, runs, found[name].log.n_users)
    publish(
        "response_models",
        (__doc__ or "").split("\n\n    python")[0],
        table(rows),
        rows,
        packages=["recenv", "numpy", "torch"],
        out=given.out,
        write=not given.quick,
    )


if __name__ == "__main__":
    main()
