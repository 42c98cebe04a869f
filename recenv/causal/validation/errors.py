"""Errors and log score on ratings, beside those of the mean, of the rating shares and of biases alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.causal.ordinal import level_probabilities
from recenv.causal.validation.bias_only import BiasOnly
from recenv.causal.validation.bootstrap import Estimate, UserBootstrap
from recenv.causal.validation.predicted import Predicted

LEAST = 1e-12
"""Probabilities below this count as this in the log score."""


def error_estimates(
    rows: Predicted, bias_only: BiasOnly, scale: NDArray[np.float64], draws: UserBootstrap
) -> dict[str, Estimate]:
    """Return errors, log scores and the paired gains over biases alone (above 0: the world is better)."""
    baseline = level_probabilities(bias_only.utility(rows.user, rows.item), bias_only.thresholds)
    error, base_error = rows.rating - rows.expected, rows.rating - baseline @ scale
    from_mean = rows.rating - rows.rating.mean()
    score, base_score = log_score(rows.probability, rows.level), log_score(baseline, rows.level)
    share = np.bincount(rows.level - 1, minlength=len(scale)) / len(rows.level)
    one = np.ones(len(error))
    return {
        "rmse": draws.estimate(np.column_stack([error**2, one]), _root),
        "rmse_of_the_mean_rating": draws.estimate(np.column_stack([from_mean**2, one]), _root),
        "rmse_bias_only": draws.estimate(np.column_stack([base_error**2, one]), _root),
        "rmse_gain_over_bias_only": draws.estimate(
            np.column_stack([base_error**2, one, error**2, one]), lambda sums: _root(sums) - _root(sums[..., 2:])
        ),
        "mae": draws.mean(np.abs(error)),
        "mae_of_the_mean_rating": draws.mean(np.abs(from_mean)),
        "log_score": draws.mean(score),
        "log_score_of_the_rating_shares": draws.mean(np.log(np.maximum(share, LEAST))[rows.level - 1]),
        "log_score_bias_only": draws.mean(base_score),
        "log_score_gain_over_bias_only": draws.mean(score - base_score),
    }


def weighted_rmse(rows: Predicted, weight: NDArray[np.float64], draws: UserBootstrap) -> Estimate:
    """Return the error weighted by inverse propensity: an estimate of the error on pairs that nobody selected."""
    error = rows.rating - rows.expected
    return draws.estimate(np.column_stack([weight * error**2, weight]), _root)


def log_score(probability: NDArray[np.float64], level: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return (n,) log P(level), in nats."""
    return np.log(np.maximum(probability[np.arange(len(level)), level - 1], LEAST))


def _root(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(sums[..., 0] / sums[..., 1])
