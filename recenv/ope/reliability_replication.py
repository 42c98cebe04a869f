"""One replication: make a log, evaluate, and keep what the scores are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.comparison import Comparison
from recenv.ope.evaluate import evaluate
from recenv.ope.verdict import LEVELS
from recenv.protocol import Policy

if TYPE_CHECKING:
    import pandas as pd

Replicate = Callable[[np.random.Generator], tuple[Any, ...]]
"""(rng) -> (feedback, policies, truths) or (feedback, truths)."""


class Plan(NamedTuple):
    """What is the same in every replication."""

    options: Mapping[str, Any]
    """Of `evaluate`."""
    policies: Mapping[str, Policy] | None
    """None where `replicate` returns them."""
    seed: int


class Found(NamedTuple):
    """One replication: arrays (E, K) by estimator and policy, see `Outcomes`."""

    policies: tuple[str, ...]
    estimators: tuple[str, ...]
    estimands: tuple[str, ...]
    value: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    level: NDArray[np.int64]
    truth: NDArray[np.float64]
    truth_std_error: NDArray[np.float64]
    logged: NDArray[np.float64]
    """(E,)."""
    false_winner: NDArray[np.float64]
    """(E, 3)."""


def run_replication(world: str, replicate: Replicate, number: int, plan: Plan) -> Found:
    """Make a log, evaluate, and return what matters; all randomness comes from the plan's seed and the number."""
    making, evaluating = np.random.SeedSequence(plan.seed, spawn_key=(number,)).spawn(2)
    try:
        feedback, policies, truths = _taken(replicate(np.random.default_rng(making)), plan.policies)
        truth = {name: {key: _pair(value) for key, value in dict(entry).items()} for name, entry in truths.items()}
        comparison = evaluate(
            feedback,
            policies,
            truth=truth,
            seed=int(evaluating.generate_state(1)[0]),
            progress=False,
            **plan.options,
        )
        return _read(comparison)
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"world {world!r}, replication {number}: {error}") from error


def _taken(made: Any, policies: Mapping[str, Policy] | None) -> tuple[Any, Mapping[str, Policy], Mapping[str, Any]]:
    """Return log, policies and truths, from what a `replicate` returned."""
    wanted = "(feedback, policies, truths)" if policies is None else "(feedback, truths), since policies= is given"
    if not isinstance(made, tuple) or len(made) != (3 if policies is None else 2):
        raise TypeError(f"replicate must return {wanted}, not {type(made).__name__}")
    feedback, *own, truths = made
    return feedback, policies if policies is not None else own[0], truths


def _pair(truth: Any) -> tuple[float, float]:
    value, std_error = truth if np.ndim(truth) else (truth, 0.0)
    return float(value), float(std_error)


def _read(comparison: Comparison) -> Found:
    """Return what matters of a comparison, as arrays."""
    table = comparison.table
    estimators, policies = tuple(dict.fromkeys(table["estimator"])), comparison.policies

    def cells(column: str) -> NDArray[Any]:
        wide = table.pivot(index="estimator", columns="policy", values=column)
        return wide.loc[list(estimators), list(policies)].to_numpy()

    truth, estimand = cells("truth").astype(np.float64), cells("estimand")[:, 0]
    if np.isnan(truth).any():
        e, p = np.argwhere(np.isnan(truth))[0]
        raise ValueError(
            f"truths lack {estimand[e]} of policy {policies[p]!r}, which {estimators[e]} estimates: add it, or leave "
            "that estimator out"
        )
    value = cells("value").astype(np.float64)
    return Found(
        policies,
        estimators,
        tuple(estimand),
        value,
        cells("lower").astype(np.float64),
        cells("upper").astype(np.float64),
        np.vectorize(LEVELS.index)(cells("verdict")),
        truth,
        cells("truth_std_error").astype(np.float64),
        _logged(comparison.against_log, estimators, policies, value),
        _false_winners(comparison, estimators, policies, truth),
    )


def _logged(
    against_log: pd.DataFrame, estimators: Sequence[str], policies: Sequence[str], value: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (E,) what the log itself says of each estimator's estimand; NaN where no policy has a number."""
    gap = against_log.pivot(index="estimator", columns="policy", values="difference")
    logged = value - gap.loc[list(estimators), list(policies)].to_numpy(dtype=np.float64)
    return np.array([next((one for one in row if np.isfinite(one)), np.nan) for row in logged])


def _false_winners(
    comparison: Comparison, estimators: Sequence[str], policies: Sequence[str], truth: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (E, 3), see `Outcomes`: whether some pair is declared to differ in a way that it does not."""
    result = np.full((len(estimators), 3), np.nan)
    place = {name: p for p, name in enumerate(policies)}
    for estimator, rows in comparison.differences.groupby("estimator"):
        e = estimators.index(str(estimator))
        gap = truth[e, rows["policy"].map(place)] - truth[e, rows["versus"].map(place)]
        above = (rows["lower_simultaneous"] > 0).to_numpy()
        below = (rows["upper_simultaneous"] < 0).to_numpy()
        wrong = (above & (gap <= 0)) | (below & (gap >= 0))
        heard = (rows["verdict"] == LEVELS[0]).to_numpy()
        small = (rows["p_adjusted"] <= 1 - comparison.settings["confidence"]).to_numpy()
        wrong_sign = np.sign(rows["difference"].to_numpy()) != np.sign(gap)
        result[e] = wrong.any(), (wrong & heard).any(), (small & wrong_sign).any()
    return result
