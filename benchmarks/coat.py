"""What do side information and a correction for self-selection each add? Judged by ratings of random items.

290 users of Coat rated 24 coats that they chose and 16 that were drawn for them. Worlds are fitted to the 6,960
self-selected ratings and scored by the mean squared error of their expected rating on the 4,640 random ones (full) and
on the 4,274 of these whose pair is not in the training data (clean; the 366 others have the same rating in both).

* factorisation: naive, weighted by the propensities that ship with the data, and by a logistic model on features that
  recenv fits to who rated what.
* features: the hierarchical ordinal model on features of users and items. Without correction: no weights, and nothing
  learned from what was rated. With correction: who rated what is a covariate of the rating, and each rating is weighted
  by 1 / P(rated | rating, features), whose slope on the rating recenv estimates from the same self-selected log.
* `given its log`: the same world where a pair that was rated keeps its logged rating, as in the environment.

Means over seeds of the fit. In brackets: 95% interval, bootstrap by user. Differences are paired, of the same users.
Priors, clipping and covariates were chosen by marginal likelihood and cross-validation on the self-selected ratings.

    python benchmarks/coat.py [--quick] [--data FOLDER] [--seeds N] [--out FILE.json]

`--data` is the folder of `ratings.parquet`, `users.parquet` and `items.parquet`; without it the data home is asked.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from result_table import Row, markdown, publish

RESAMPLES = 10_000
WITHOUT, WITH = "features, without correction", "features, with correction"
COVARIATE = "features, who rated what as covariate, no weights"
GIVEN = "features, with correction, given its log"
PARTS = ("full", "clean")


class Scored(NamedTuple):
    """Squared errors of one fit, by user."""

    loss: dict[str, NDArray[np.float64]]
    """Part -> (U,) sum of squared errors."""
    seconds: float
    """Of the fit."""


def settings(shipped: NDArray[np.float64]) -> dict[str, dict[str, Any]]:
    """Return the options of each fit; shipped (U, N) are the propensities that come with the data."""
    plain: dict[str, Any] = {"response": "factorisation"}
    features: dict[str, Any] = {"response": "features"}
    corrected = features | {"exposure": "self_selection"}
    return {
        "factorisation, naive": plain | {"weighting": "naive"},
        "factorisation, shipped propensities": plain | {"exposure": lambda users, items: shipped[users, items]},
        "factorisation, propensities from features": plain | {"exposure": "features"},
        "factorisation, propensities from rating and features": plain | {"exposure": "self_selection"},
        WITHOUT: features | {"weighting": "naive", "response_options": {"choices": False}},
        COVARIATE: features | {"weighting": "naive"},
        "features, weights, no covariate": corrected | {"response_options": {"choices": False}},
        WITH: corrected,
    }


def shipped_propensities(folder: Path, log: Any) -> NDArray[np.float64]:
    """Return (U, N) propensities of the file; 1 where it has none."""
    import pandas as pd

    frame = pd.read_parquet(folder / "ratings.parquet", columns=["user_id", "item_id", "propensity"])
    user, item = (
        pd.Index(ids).get_indexer(frame[name].astype(str))
        for ids, name in ((log.user_ids, "user_id"), (log.item_ids, "item_id"))
    )
    table = np.ones((log.n_users, log.n_items))
    table[user, item] = frame["propensity"]
    return table


def scored(expected: NDArray[np.float64], tests: dict[str, Any], seconds: float) -> Scored:
    """Return the errors of a table (U, N) of expected ratings."""
    loss = {}
    for name, test in tests.items():
        squared = (expected[test.user, test.item] - test.rating) ** 2
        loss[name] = np.bincount(test.user, squared, test.n_users).astype(np.float64)
    return Scored(loss, seconds)


def measure(folder: Path, seeds: range) -> tuple[dict[str, list[Scored]], dict[str, NDArray[np.float64]]]:
    """Return setting -> scores by seed, and part -> (U,) number of its ratings."""
    from recenv import World
    from recenv.data import load_coat

    log = load_coat(folder)
    tests = {"full": load_coat(folder, "random"), "clean": load_coat(folder, "random_clean")}
    found: dict[str, list[Scored]] = {}
    users, items = np.divmod(np.arange(log.n_users * log.n_items), log.n_items)
    for name, options in settings(shipped_propensities(folder, log)).items():
        for seed in seeds:
            start = time.perf_counter()
            world = World.fit(log, seed=seed, first_share=1.0, **options)
            expected = world.expected_rating(users, items).reshape(log.n_users, log.n_items)
            found.setdefault(name, []).append(scored(expected, tests, time.perf_counter() - start))
            if name == WITH:
                expected[log.user, log.item] = log.rating
                found.setdefault(GIVEN, []).append(scored(expected, tests, found[name][-1].seconds))
            print(f"{name}, seed {seed}: {found[name][-1].seconds:.0f} s", file=sys.stderr, flush=True)
    return found, {name: np.bincount(test.user, minlength=log.n_users).astype(float) for name, test in tests.items()}


def interval(loss: NDArray[np.float64], count: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return sum(loss) / sum(count) over users, and its 95% bootstrap interval by user."""
    n = len(count)
    times = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    low, high = np.quantile((times @ loss) / (times @ count), [0.025, 0.975])
    return float(loss.sum() / count.sum()), float(low), float(high)


def summary(found: dict[str, list[Scored]], count: dict[str, NDArray[np.float64]]) -> list[Row]:
    """Return each setting's errors, its fit time, and the paired differences to the corrected model."""
    rows = []
    loss = {name: {p: np.mean([s.loss[p] for s in runs], axis=0) for p in PARTS} for name, runs in found.items()}
    for name, runs in found.items():
        config = {"seeds": len(runs), "fit_seconds": float(np.mean([run.seconds for run in runs]))}
        for part in PARTS:
            values = interval(loss[name][part], count[part])
            spread = [float(run.loss[part].sum() / count[part].sum()) for run in runs]
            rows.append(
                Row(name, f"mse_random_exposure_{part}", *values, "squared rating", config | {"by_seed": spread})
            )
    for name in (WITHOUT, COVARIATE):
        for part in PARTS:
            values = interval(loss[name][part] - loss[WITH][part], count[part])
            rows.append(Row(f"{name} - with", f"difference_{part}", *values, "squared rating", {"paired": "user"}))
    return rows


def table(rows: list[Row]) -> str:
    """Return one line a setting or difference."""
    lines: dict[str, list[str]] = {}
    for row in rows:
        lines.setdefault(row.name, [row.name]).append(f"{row.value:.4f} [{row.low:.4f}, {row.high:.4f}]")
    seconds = {row.name: f"{row.config['fit_seconds']:.0f}" for row in rows if "fit_seconds" in row.config}
    full = [[*line, seconds.get(name, "")] for name, line in lines.items()]
    return markdown(["fit", "full (4,640)", "clean (4,274)", "seconds"], full)


def main() -> None:
    """Fit, score, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed; writes no table")
    parser.add_argument("--data", type=Path, help="folder of Coat")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    given = parser.parse_args()
    from recenv.data.locating import locate
    from recenv.data.registry import data_set

    folder = locate(data_set("coat"), given.data)
    rows = summary(*measure(folder, range(1 if given.quick else given.seeds)))
    publish(
        "coat",
        (__doc__ or "").split("\n\n    python")[0],
        table(rows),
        rows,
        packages=("recenv", "numpy", "scipy", "torch"),
        out=given.out,
        write=not given.quick,
    )


if __name__ == "__main__":
    main()
