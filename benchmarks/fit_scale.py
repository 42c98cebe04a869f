"""How long a fit takes and how much memory it needs, from a million ratings to ten million.

Every fit runs in a process of its own. Time is that of `World.fit` alone, with the split, the exposure model, the
abduction of every rating and the validation card, by the clock and of the processor (the first is longer where other
programs take turns, and shorter with several threads); memory is the peak of the whole process, with the log in it.
The large log is made: 70,000 users, 10,000 items, 10 million ratings of a low-rank utility, popular items and active
users more often. `--data` names the folder of data sets for ML-1M, else where `recenv data` puts them.

    python benchmarks/fit_scale.py [--quick] [--out FILE.json] [--data FOLDER]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from result_table import Row, markdown, publish

if TYPE_CHECKING:
    from recenv.data import RatingsLog

LARGE = (70_000, 10_000, 10_000_000)
SMALL = (2_000, 1_000, 50_000)
SEED = 0
COLUMNS = (
    ("seconds", "s", 0),
    ("processor", "s", 0),
    ("gib", "GiB", 2),
    ("epochs", "epochs", 0),
    ("rmse", "stars", 3),
    ("log_score", "nats", 3),
)
"""Measure, unit, places shown."""
OPTIONS: dict[str, dict[str, Any]] = {
    "default": {},
    "weighting=dr": {"weighting": "dr"},
    "likelihood=gaussian": {"likelihood": "gaussian"},
    "exposure=poisson": {"exposure": "poisson"},
    "exposure=features": {"exposure": "features"},
    "deconfounded": {"deconfounded": True},
}


def made_log(users: int, items: int, ratings: int) -> RatingsLog:
    """Return a log of so many distinct pairs, drawn by activity and popularity, with ratings of a low-rank utility."""
    import numpy as np

    from recenv.data import RatingsLog

    rng = np.random.default_rng(SEED)
    active, popular = rng.lognormal(sigma=1.0, size=users), rng.lognormal(sigma=1.3, size=items)
    key = np.empty(0, np.int64)
    while len(key) < ratings:
        user = rng.choice(users, 2 * ratings, p=active / active.sum()).astype(np.int64)
        key = np.unique(np.concatenate([key, user * items + rng.choice(items, len(user), p=popular / popular.sum())]))
    user, item = np.divmod(rng.permutation(key)[:ratings], items)
    taste, embedding = (rng.normal(size=(size, 8)).astype(np.float32) for size in (users, items))
    x = rng.logistic(size=ratings).astype(np.float32) + rng.normal(0, 0.6, items).astype(np.float32)[item]
    for column in range(8):
        x += 0.4 * taste[user, column] * embedding[item, column]
    rating = 1.0 + np.searchsorted(np.array([-3.0, -1.5, 0.5, 2.0]), x).astype(np.float64)
    return RatingsLog(
        name="made",
        user=user,
        item=item,
        rating=rating,
        levels=np.arange(1.0, 6.0),
        user_ids=np.arange(users).astype(str),
        item_ids=np.arange(items).astype(str),
    )


def measure(log: str, option: str, home: str | None) -> dict[str, float]:
    """Fit in this process; return seconds, peak memory, steps of training and the held-out error of the world."""
    import resource
    import warnings

    from recenv import World
    from recenv.data import load_log

    warnings.filterwarnings("ignore", message="column .* is left out")
    sizes = {"made, 10 million": LARGE, "made, 50 thousand": SMALL}
    ratings = made_log(*sizes[log]) if log in sizes else load_log(log, home=home)
    begin, begin_cpu, epochs = time.perf_counter(), time.process_time(), [0]

    def progress(step: int, steps: int, text: str) -> None:
        epochs[0] += 1
        print(f"\r{log}, {option}: epoch {epochs[0]}, {text}", end="", file=sys.stderr, flush=True)

    world = World.fit(ratings, seed=SEED, progress=progress, **OPTIONS[option])
    seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    print(f"; {seconds:.0f} s", file=sys.stderr, flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    error = {name: world.card[name] for name in ("rmse", "log_score")}
    return {"seconds": seconds, "processor": cpu, "gib": peak, "epochs": epochs[0], **error}


def cases(quick: bool) -> list[tuple[str, str]]:
    """Return (log, option) of every fit."""
    if quick:
        return [("made, 50 thousand", option) for option in OPTIONS if option != "exposure=features"]
    return [*(("ml-1m", option) for option in OPTIONS), ("made, 10 million", "default")]


def main() -> None:
    """Measure every case and publish the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small made log; the committed table is left alone")
    parser.add_argument("--out", type=Path, help="JSON rows")
    parser.add_argument("--data", help="folder of data sets")
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        log, option = arguments.case
        print(json.dumps(measure(log, option, arguments.data)))
        return
    rows, lines = [], []
    for log, option in cases(arguments.quick):
        place = [] if arguments.data is None else ["--data", arguments.data]
        command = [sys.executable, __file__, "--case", log, option, *place]
        found = json.loads(subprocess.check_output(command).splitlines()[-1])
        name = f"{log}, {option}"
        lines.append([name, *(f"{found[metric]:.{places}f}" for metric, _, places in COLUMNS)])
        for metric, unit, _ in COLUMNS:
            rows.append(Row(name, metric, *([found[metric]] * 3), unit, {"seed": SEED}))
    publish(
        "fit_scale",
        (__doc__ or "").split("\n\n    python")[0] + "\n\nError of the rating and log score are of the held-out part.",
        markdown(["fit", "s", "processor s", "GiB", "epochs", "rmse", "log score"], lines),
        rows,
        packages=["recenv", "numpy", "torch"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
