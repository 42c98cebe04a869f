"""Ten million rounds of a thousand items, streamed from disk, with a policy that is asked only when its rows are read.

The log is written once, block by block, as a plain Parquet table: a user, eight features, the item that a softmax of
them showed, its propensity, a click. The target is a sharper softmax, scored when `evaluate` asks for it: no array of
rounds by items exists at any time. Reported are the seconds of `evaluate` and the process's largest resident set,
interpreter and libraries included.

    python benchmarks/ope_speed.py --large [--folder FOLDER]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from result_table import Row
from timed_runs import Answer, installed, peak_mib, timed

ROWS, QUICK_ROWS, ITEMS, USERS, FEATURES, SEED = 10_000_000, 100_000, 1_000, 200_000, 8, 4
BLOCK = 20_000
ESTIMATORS = ("ips", "snips", "dm", "dr")
LIMIT_MIB = 2_048


class Softmax:
    """Probabilities in proportion to exp(sharpness * context @ taste)."""

    def __init__(self, sharpness: float) -> None:
        taste = np.random.default_rng(SEED).normal(size=(FEATURES, ITEMS)) / np.sqrt(FEATURES)
        self.taste = np.asarray(sharpness * taste, dtype=np.float32)

    def probabilities(self, request: Any) -> NDArray[Any]:
        """Return (B, N) for a request whose observation is the features."""
        return self.of(np.asarray(request.observation, dtype=np.float32))

    def of(self, context: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (B, N)."""
        score = context @ self.taste
        score -= score.max(axis=1, keepdims=True)
        np.exp(score, out=score)
        score /= score.sum(axis=1, keepdims=True)
        return np.asarray(score)


def write_log(path: Path, rows: int) -> None:
    """Write the log of a user's rows one after another."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng, logging = np.random.default_rng(SEED), Softmax(0.5)
    writer = None
    for start in range(0, rows, BLOCK):
        size = min(BLOCK, rows - start)
        columns = _block(rng, logging, size)
        columns["user"] = (start + np.arange(size)) * USERS // rows
        features = columns.pop("features")
        arrays = {name: pa.array(values) for name, values in columns.items()}
        arrays["observation.features"] = pa.FixedSizeListArray.from_arrays(pa.array(features.ravel()), FEATURES)
        table = pa.table(arrays)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _block(rng: np.random.Generator, logging: Softmax, size: int) -> dict[str, NDArray[Any]]:
    context = rng.normal(size=(size, FEATURES)).astype(np.float32)
    probability = logging.of(context).astype(np.float64)
    below = rng.random(size) * probability.sum(axis=1)
    item = np.minimum((probability.cumsum(axis=1) <= below[:, None]).sum(axis=1), ITEMS - 1)
    chance = 1 / (1 + np.exp(2 - context[:, 0] * np.cos(item)))
    return {
        "features": context,
        "item": item,
        "propensity": probability[np.arange(size), item],
        "reward": (rng.random(size) < chance).astype(np.float64),
    }


def work(path: Path) -> Answer:
    """Evaluate one policy on the log at `path`; runs in its own process."""
    from recenv.ope import evaluate

    def run() -> Answer:
        found = evaluate(path, {"sharper": Softmax(0.8)}, estimators=ESTIMATORS, progress=False)
        return {"values": found.table["value"].tolist(), "rows": found.settings["rows"]}

    return {**timed(run, 1), "peak_mib": peak_mib(), "version": installed("recenv", "pyarrow")}


def lines(found: Answer) -> list[list[str]]:
    """Return the table's only line."""
    seconds = found["wall"][0]
    shown = [f"{found['rows']:,} x {ITEMS:,}", f"{seconds:.0f}", f"{found['rows'] / seconds:,.0f}"]
    return [[*shown, f"{found['peak_mib']:,.0f}", f"{LIMIT_MIB:,}"]]


HEADINGS = ("rounds x items", "seconds", "rounds a second", "largest resident MiB", "asked, at most")


def rows_of(found: Answer) -> list[Row]:
    """Return the machine-readable rows."""
    config = {"rows": found["rows"], "items": ITEMS, "estimators": list(ESTIMATORS)}
    return [
        Row("recenv", "large_wall", *([found["wall"][0]] * 3), "s", config),
        Row("recenv", "large_peak_memory", *([found["peak_mib"]] * 3), "MiB", config),
    ]
