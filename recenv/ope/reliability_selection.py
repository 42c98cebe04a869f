"""Which estimator to trust: the one whose worst world is the least bad, and whether that is more than luck."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.reliability_scores import Metric, loss, resampled

Vector = NDArray[np.float64]


class Selection(NamedTuple):
    """The estimator whose worst case is best."""

    estimator: str
    metric: str
    world: str
    """Its worst world."""
    value: float
    """The metric there."""
    runner_up: str | None
    """The next best; None where no other can be compared."""
    margin: float
    """How much better its worst case is than the runner-up's; NaN without one."""
    margin_std_error: float
    """Over resampled replications."""
    win_share: float
    """Share of resamples in which its worst case is the best (ties count against it); NaN without a runner-up."""
    clear: bool
    """Whether that share is at least the confidence asked for."""
    passed_over: tuple[str, ...]
    """Estimators that gave no number in some replication, or have no such metric."""

    def __str__(self) -> str:
        """Return one sentence."""
        text = f"{self.estimator}: {self.metric} {self.value:.3g} in its worst world ({self.world})"
        if self.runner_up is None:
            return f"{text}; no other estimator can be compared"
        sure = "clear" if self.clear else "not clear"
        return (
            f"{text}, better than {self.runner_up} by {self.margin:.3g} (std. error {self.margin_std_error:.2g}); "
            f"best in {self.win_share:.0%} of the resamples: {sure}"
        )


def select(
    scores: Vector,
    unanswered: Vector,
    *,
    name: str,
    metric: Metric,
    worlds: Sequence[str],
    estimators: Sequence[str],
    confidence: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> Selection:
    """Return the estimator whose worst case over the worlds is best.

    The doubt is that of finitely many replications: they are resampled, the same for all estimators and worlds, and the
    worst world is looked up anew in each resample.

    Parameters
    ----------
    scores : (W, E, R, 2) array
        Sums and counts of the metric.
    unanswered : (W, E) array
        Share of cases without a number; an estimator with any is passed over, since its errors there are unknown.

    Raises
    ------
    ValueError
        If no estimator can be compared.
    """
    replications = scores.shape[2]
    bad = loss(_values(scores, metric, np.ones((1, replications))), metric, name)[:, :, 0]
    usable = ~np.isnan(bad).all(axis=0) & (unanswered == 0).all(axis=0)
    if not usable.any():
        raise ValueError(
            f"no estimator has a {name} to choose by: each lacks it, or gave no number in some replication"
        )
    places = np.flatnonzero(usable)
    worst = np.nanmax(bad[:, places], axis=0)
    order = places[np.argsort(worst, kind="stable")]
    best, world = int(order[0]), int(np.nanargmax(bad[:, order[0]]))
    value = float(_values(scores[[world]][:, [best]], metric, np.ones((1, replications)))[0, 0, 0])
    passed_over = tuple(one for one, fine in zip(estimators, usable, strict=True) if not fine)
    if len(order) == 1:
        return Selection(estimators[best], name, worlds[world], value, None, np.nan, np.nan, np.nan, False, passed_over)
    times = np.random.default_rng(seed).multinomial(
        replications, np.full(replications, 1 / replications), size=resamples
    )
    drawn = _worst(loss(_values(scores[:, order], metric, times.astype(np.float64)), metric, name))
    gap = drawn[1:] - drawn[0]
    share = float((gap > 0).all(axis=0).mean())
    return Selection(
        estimators[best],
        name,
        worlds[world],
        value,
        estimators[order[1]],
        float(np.sort(worst)[1] - np.sort(worst)[0]),
        float(np.nanstd(gap[0], ddof=1)),
        share,
        share >= confidence,
        passed_over,
    )


def _values(scores: Vector, metric: Metric, times: Vector) -> Vector:
    """Return the metric (W, E, B) of every world and estimator in every resample."""
    return np.array([[resampled(one, metric, times) for one in world] for world in scores])


def _worst(bad: Vector) -> Vector:
    """Return (E, B) the largest loss over worlds (W, E, B), where there is one."""
    largest = np.where(np.isnan(bad), -np.inf, bad).max(axis=0)
    return np.where(np.isinf(largest), np.nan, largest)
