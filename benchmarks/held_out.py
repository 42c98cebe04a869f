"""Held-out evidence: what a fitted world says of ratings that it has not seen.

A world is fitted to 70% of each user's ratings, with the default options and without weights ("naive"): the default
weights ask for pairs that nobody selected, which costs something on the self-selected ones that are held out.
Everything is measured on the other 30%: the randomised PIT (uniform if the world is right), the log score against
biases alone (paired, by user), and what is left in the residuals of user, item and exposure (effect sizes, 0 if nothing
is). Intervals are 95%, by a bootstrap of users.

    python benchmarks/held_out.py [--quick] [--ml-latest-small FOLDER] [--home FOLDER] [--out FILE.json]

MovieLens-100k and -1M are read from `--home` (else RECENV_DATA, else the user's cache); `--ml-latest-small` is a folder
with ratings.csv or ratings.parquet (and movies.csv or items.parquet). What is not there is left out, and said so.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from result_table import Row, markdown, publish

SEED = 0
MEASURES = (
    ("ratings_measured", "held-out ratings measured", "ratings"),
    ("rmse", "RMSE", "stars"),
    ("rmse_bias_only", "RMSE of biases alone", "stars"),
    ("rmse_gain_over_bias_only", "RMSE gain over biases alone", "stars"),
    ("log_score", "log score a rating", "nats"),
    ("log_score_gain_over_bias_only", "log score gain over biases alone", "nats"),
    ("pit_mean", "PIT mean (0.5)", "probability"),
    ("pit_spread", "PIT variance over 1/12 (1)", "ratio"),
    ("pit_ks_distance", "PIT distance from uniform (0)", "probability"),
    ("classifier_auc", "real or simulated? AUC (0.5)", "AUC"),
)
"""Key on the card, name in the table with the value of a right world, unit."""


def load(name: str, home: Path | None, small: Path | None) -> Any:
    """Return a ratings log, or None where its files are not there."""
    from recenv.data import RatingsLog, load_log

    if name != "ml-latest-small":
        try:
            return load_log(name, home=home)
        except FileNotFoundError:
            return None
    ratings = [small / f"ratings.{kind}" for kind in ("csv", "parquet")] if small else []
    tables = [small / one for one in ("movies.csv", "items.parquet")] if small else []
    found, items = (next((path for path in paths if path.exists()), None) for paths in (ratings, tables))
    return None if found is None else RatingsLog.read(found, items=items)


def measure(name: str, log: Any, options: dict[str, Any]) -> tuple[dict[str, Any], list[Row]]:
    """Return the card of a world fitted to the log, and its rows."""
    from recenv.causal import World
    from recenv.causal.validation import validate

    begun = time.perf_counter()
    world = World.fit(log, seed=SEED, **options)
    fitted = time.perf_counter() - begun
    card = validate(world)
    print(f"{name}: fitted in {fitted:.0f} s, card in {time.perf_counter() - begun - fitted:.0f} s", file=sys.stderr)
    config = {"data": name, "seed": SEED, "first_share": 0.7, **options}
    rows = [_row(name, key, card, unit, config) for key, _, unit in MEASURES if card.get(key) is not None]
    for source, test in card["residuals"].items():
        if test["value"] is not None:
            metric = f"residual {test['measure']}: {source}"
            rows.append(Row(name, metric, test["value"], test["low"], test["high"], test["measure"], config))
    return card, rows


def _row(name: str, key: str, card: dict[str, Any], unit: str, config: dict[str, Any]) -> Row:
    value = float(card[key])
    low, high = card["intervals"].get(key, (value, value))
    return Row(name, key, value, low, high, unit, config)


def main() -> None:
    """Fit, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="MovieLens-100k only; writes no table")
    parser.add_argument("--home", type=Path, help="folder of data sets")
    parser.add_argument("--ml-latest-small", type=Path, help="folder of MovieLens latest-small", dest="small")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    given = parser.parse_args()
    names = ["ml-100k"] if given.quick else ["ml-100k", "ml-1m", "ml-latest-small"]
    logs = {name: load(name, given.home, given.small) for name in names}
    rows: list[Row] = []
    for name, log in logs.items():
        if log is not None:
            rows += measure(name, log, {})[1]
            rows += measure(f"{name}, naive", log, {"weighting": "naive"})[1]
    absent = [name for name, log in logs.items() if log is None]
    if not rows:
        sys.exit("none of the data sets is there: fetch one with `recenv data fetch ml-100k`")
    question = (__doc__ or "").split("\n\n    python")[0]
    if absent:
        question += f"\n\nNot there, so left out: {', '.join(absent)}."
    publish(
        "held_out",
        question,
        table(rows),
        rows,
        packages=("recenv", "numpy", "torch", "scikit-learn"),
        out=given.out,
        write=not given.quick,
    )


def table(rows: list[Row]) -> str:
    """Return one line a measure and one column a data set."""
    names = list(dict.fromkeys(row.name for row in rows))
    titles = {key: title for key, title, _ in MEASURES}
    metrics = list(dict.fromkeys(row.metric for row in rows))
    cells = {(row.name, row.metric): _cell(row) for row in rows}
    lines = [[titles.get(metric, metric), *(cells.get((name, metric), "") for name in names)] for metric in metrics]
    return markdown(["measure", *names], lines)


def _cell(row: Row) -> str:
    if row.unit == "ratings":
        return f"{row.value:,.0f}"
    return f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"


if __name__ == "__main__":
    main()
