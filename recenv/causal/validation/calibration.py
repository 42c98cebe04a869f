"""Calibration: whether what the world calls likely happens as often as it says."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.validation.bootstrap import Estimate, UserBootstrap
from recenv.causal.validation.predicted import Predicted

BINS, PIT_BINS = 10, 20


def calibration(rows: Predicted, scale: NDArray[np.float64], draws: UserBootstrap) -> dict[str, Any]:
    """Return reliability by level, by decile of predicted rating, and the PIT's histogram.

    Returns
    -------
    dict
        `by_level` and `by_decile`: lists over levels and deciles of `predicted`, `observed`, `low`, `high` (interval
        of what was observed); `error_by_level`: mean distance of observed from predicted share over ten equal parts of
        the rows by predicted probability (`naeini2015obtaining`); `pit_histogram`: shares of 20 equal bins.
    """
    seen = rows.level[:, None] == np.arange(1, len(scale) + 1)
    observed = [draws.mean(column.astype(np.float64)) for column in seen.T]
    return {
        "by_level": {"level": scale.tolist(), "predicted": rows.probability.mean(axis=0).tolist(), **_lists(observed)},
        "error_by_level": [expected_error(p, s) for p, s in zip(rows.probability.T, seen.T, strict=True)],
        "by_decile": _by_decile(rows, draws),
        "pit_histogram": (np.histogram(rows.pit, PIT_BINS, (0.0, 1.0))[0] / len(rows.pit)).tolist(),
    }


def expected_error(predicted: NDArray[np.float64], seen: NDArray[np.bool_]) -> float:
    """Return the mean distance between observed and predicted share over ten equal parts by predicted probability."""
    parts = np.array_split(np.argsort(predicted, kind="stable"), min(BINS, len(predicted)))
    return float(sum(len(part) * abs(seen[part].mean() - predicted[part].mean()) for part in parts) / len(predicted))


def pit_estimates(rows: Predicted, draws: UserBootstrap) -> dict[str, Estimate]:
    """Return the PIT's mean (0.5 if calibrated) and variance over 1/12 (1; above: too sure, below: too unsure)."""
    centred = (rows.pit - 0.5) ** 2
    return {"pit_mean": draws.mean(rows.pit), "pit_spread": draws.mean(12.0 * centred)}


def pit_distance(rows: Predicted, draws: UserBootstrap) -> Estimate:
    """Return the largest distance of the PIT's distribution from uniform (Kolmogorov-Smirnov) on a grid of 1/200.

    The interval's lower end leans upward, as of any distance that cannot be below 0.
    """
    grid = np.arange(1, 200) / 200
    place = np.minimum((rows.pit * 200).astype(np.int64), 199)
    counts = np.zeros((draws.weight.shape[1], 200))
    np.add.at(counts, (draws.index, place), 1.0)

    def distance(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        upto = np.cumsum(sums, axis=-1)
        gap: NDArray[np.float64] = np.abs(upto[..., :-1] / upto[..., -1:] - grid).max(axis=-1)
        return gap

    return draws.estimate_totals(counts, distance)


def _by_decile(rows: Predicted, draws: UserBootstrap) -> dict[str, list[Any]]:
    rank = np.empty(len(rows.expected), np.int64)
    rank[np.argsort(rows.expected, kind="stable")] = np.arange(len(rank))
    decile = rank * BINS // len(rank)
    members = [(decile == k).astype(np.float64) for k in np.unique(decile)]
    found = [draws.mean(rows.rating, member) for member in members]
    return {"predicted": [float(rows.expected @ member / member.sum()) for member in members], **_lists(found)}


def _lists(estimates: list[Estimate]) -> dict[str, list[Any]]:
    plain = [estimate.plain() for estimate in estimates]
    return {
        name: [one[key] for one in plain] for name, key in (("observed", "value"), ("low", "low"), ("high", "high"))
    }
