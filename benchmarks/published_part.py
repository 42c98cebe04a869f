"""One part of `ope_published`: a table, what to make of it, and its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from result_table import Row, markdown

from recenv.ope import BanditTerms, estimate
from recenv.ope.tuning import tuned_estimate

Vector = NDArray[np.float64]
TUNED = ("switch_dr", "dr_os")
GRID = (10.0, 50.0, 100.0, 500.0, 1_000.0, 5_000.0, 10_000.0, 1e12)
"""Thresholds and shrinkages that Open Bandit Pipeline tries; its last is infinity."""


class Part(NamedTuple):
    """What one published experiment gave, published numbers beside ours."""

    title: str
    text: str
    headings: Sequence[str]
    lines: Sequence[Sequence[str]]
    rows: Sequence[Row]

    def __str__(self) -> str:
        return f"## {self.title}\n\n{self.text}\n\n{markdown(self.headings, self.lines)}"


def value_of(name: str, terms: BanditTerms) -> float:
    """Return an estimate, tuned by SLOPE over `GRID` where it has a hyper-parameter."""
    return tuned_estimate(name, terms, grid=GRID).estimate.value if name in TUNED else estimate(name, terms).value


class LeftOutError(Exception):
    """Raised by a part that lacks its data; the message says what to do."""


def beside_published(
    title: str, text: str, published: Mapping[str, tuple[float, float]], runs: int, errors: Mapping[str, Vector]
) -> Part:
    """Return the part of relative errors beside the published mean and spread over `runs` runs."""
    headings = ["estimator", "published", "ours", "difference in standard errors"]
    lines, rows = [], []
    for name, found in errors.items():
        (mean, spread), own = published[name], (float(found.mean()), float(found.std(ddof=1)))
        error = own[1] / np.sqrt(len(found))
        gap = (own[0] - mean) / np.hypot(error, spread / np.sqrt(runs))
        lines.append([name, f"{mean:.3f} ({spread:.3f})", f"{own[0]:.3f} ({own[1]:.3f})", f"{gap:+.1f}"])
        low, high = own[0] - 1.96 * error, own[0] + 1.96 * error
        rows.append(Row(name, "relative_error", own[0], low, high, "share", {"part": title, "published": mean}))
    return Part(title, text, headings, lines, rows)
