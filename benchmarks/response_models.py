"""Response models: the held-out error of every model that a world can be fitted with, on MovieLens 100K.

Each world is fitted by `World.fit(log, response=NAME)` to the first part (70% of each user's ratings) with that model's
defaults and scored on the second part. The deep models' defaults were chosen on validation rows of the splits with
seeds 100 to 102 of the same data, so the rows held out here were seen by that choice in other roles. Ratings are
weighted alike, since the second part is as self-selected as the first. What a deep model loses when a world takes it
over (its utilities are made into factors of low rank) is included.

    python benchmarks/response_models.py [--quick] [--out FILE.json]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from result_table import Row, markdown, publish

MODELS = ("factorisation", "two_tower", "autoencoder", "transformer")
SEEDS = (0, 1, 2)
UNITS = {"rmse": "rating", "log_score": "nats", "fit_time": "s"}


def measure(model: str, seed: int) -> dict[str, float]:
    """Return RMSE (in ratings), log score (mean log P of the rating) and seconds of the fit."""
    from recenv import World
    from recenv.causal.ordinal import level_probabilities
    from recenv.causal.pairs import SECOND
    from recenv.data import RatingsLog

    log = RatingsLog.load("ml-100k")
    begin = time.perf_counter()
    world = World.fit(log, response=model, weighting="naive", seed=seed)
    seconds = time.perf_counter() - begin
    held = world.pairs.only(SECOND)
    probability = level_probabilities(world.base_utility(held.user, held.item), world.thresholds)
    error = probability @ world.scale - world.scale[held.level - 1]
    score = np.log(probability[np.arange(len(held)), held.level - 1]).mean()
    return {"rmse": float(np.sqrt(np.mean(error**2))), "log_score": float(score), "fit_time": seconds}


def main() -> None:
    """Measure every model with every seed and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed; the committed table is left alone")
    parser.add_argument("--out", type=Path, help="JSON rows")
    arguments = parser.parse_args()
    rows, lines = [], []
    for model in MODELS:
        runs = [measure(model, seed) for seed in (SEEDS[:1] if arguments.quick else SEEDS)]
        cells = []
        for metric, unit in UNITS.items():
            values = [run[metric] for run in runs]
            rows.append(Row(model, metric, float(np.mean(values)), min(values), max(values), unit))
            places = 1 if metric == "fit_time" else 4
            cells.append(f"{np.mean(values):.{places}f} ({min(values):.{places}f} to {max(values):.{places}f})")
        lines.append([model, *cells])
    publish(
        "response_models",
        "Held-out 30% of each user's ratings on MovieLens 100K: mean (least to largest) of the seeds.",
        markdown(["response", "RMSE", "log score", "fit, s"], lines),
        rows,
        packages=["recenv", "numpy", "torch"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
