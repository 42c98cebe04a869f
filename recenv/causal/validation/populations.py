"""Whether simulated users and items differ among themselves as much as the logged ones do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.validation.bootstrap import UserBootstrap
from recenv.causal.validation.predicted import Predicted
from recenv.causal.world import World

CURVE_POINTS = 20
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def rating_histogram(rows: Predicted, scale: NDArray[np.float64], draws: UserBootstrap) -> dict[str, list[Any]]:
    """Return the share of each level, logged with its interval, and as the world expects it for the same pairs."""
    found = [draws.mean((rows.level == one).astype(float)).plain() for one in range(1, len(scale) + 1)]
    return {
        "level": scale.tolist(),
        "logged": [one["value"] for one in found],
        "low": [one["low"] for one in found],
        "high": [one["high"] for one in found],
        "simulated": rows.probability.mean(axis=0).tolist(),
    }


def user_means(rows: Predicted, scale: NDArray[np.float64]) -> dict[str, Any]:
    """Return how users' mean ratings are distributed, logged and simulated for the same pairs.

    Returns
    -------
    dict
        `quantile`, `logged`, `simulated`: quantiles over users; `deviation`: of each; `distance`: mean distance of
        the two distributions (Wasserstein), in the unit of the ratings.
    """
    _, index = np.unique(rows.user, return_inverse=True)
    count = np.bincount(index)
    logged, simulated = (np.bincount(index, weights=scale[level - 1]) / count for level in (rows.level, rows.simulated))
    return {
        "quantile": list(QUANTILES),
        "logged": np.quantile(logged, QUANTILES).tolist(),
        "simulated": np.quantile(simulated, QUANTILES).tolist(),
        "deviation": {"logged": float(logged.std()), "simulated": float(simulated.std())},
        "distance": float(np.mean(np.abs(np.sort(logged) - np.sort(simulated)))),
    }


def popularity_curves(
    world: World, rows: Predicted, exposed: NDArray[np.float64] | None, scale: NDArray[np.float64]
) -> dict[str, dict[str, Any]]:
    """Return curves over the items' ranks in the log: their mean rating, and how often they are rated.

    Parameters
    ----------
    exposed
        (N,) ratings of each item that the exposure model expects; None where there is no such model.

    Returns
    -------
    dict
        `popularity_curve` (`rank`, `logged_mean`, `simulated_mean`) and `exposure_curve` (`rank`, `logged`,
        `simulated`: share of all ratings that a mean item of the band has). Bands of ranks get wider; `rank` is the
        last of each. None where a band has no rating among the rows.
    """
    counts = np.bincount(world.pairs.item, minlength=world.n_items).astype(np.float64)
    edges = np.unique(np.round(np.geomspace(1, world.n_items, CURVE_POINTS)).astype(int))
    band = np.empty(world.n_items, np.int64)
    band[np.argsort(-counts, kind="stable")] = np.searchsorted(edges, np.arange(1, world.n_items + 1))
    size = np.bincount(band)
    curve: dict[str, Any] = {"rank": edges.tolist()}
    for name, level in (("logged_mean", rows.level), ("simulated_mean", rows.simulated)):
        n = np.bincount(band[rows.item], minlength=len(size))
        total = np.bincount(band[rows.item], weights=scale[level - 1], minlength=len(size))
        curve[name] = [float(t / k) if k else None for t, k in zip(total, n, strict=True)]
    if exposed is None:
        return {"popularity_curve": curve}
    shares = {"logged": _shares(counts, band, size), "simulated": _shares(exposed, band, size)}
    return {"popularity_curve": curve, "exposure_curve": {"rank": edges.tolist(), **shares}}


def _shares(counts: NDArray[np.float64], band: NDArray[np.integer], size: NDArray[np.integer]) -> list[float]:
    return (np.bincount(band, weights=counts, minlength=len(size)) / size / counts.sum()).tolist()
