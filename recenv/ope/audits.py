"""Tests of what an evaluation rests on: propensities that fit, values that stay, a reward model without bias."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.clusters import cluster_codes, clustered_error
from recenv.ope.estimate import Estimate, estimate
from recenv.ope.item_counts import ItemCounts
from recenv.ope.terms import BanditTerms

Vector = NDArray[np.float64]
ALARM = 0.001
"""Below this p value a test casts doubt on an estimate: one false alarm in a thousand."""
MIN_ROWS = 30
"""Items with fewer logged rows have no normal test."""


class Audit(NamedTuple):
    """One test; a small p value speaks against what it tests."""

    policy: str
    """"" where it is of the log itself."""
    audit: str
    """episode_gaps, propensity_calibration, drift, model_bias or model_spread."""
    value: float
    std_error: float
    """NaN where there is none."""
    p_value: float
    """NaN where it is no test."""
    finding: str
    """In words."""

    @property
    def alarming(self) -> bool:
        """Whether the test failed."""
        return self.p_value < ALARM


def propensity_calibration(counts: ItemCounts) -> Audit:
    """Return the test that no item was shown more often than the propensities say.

        z_a = (sum_i 1{A_i = a} / p_i - offered_a) / sqrt(sum_i (1{A_i = a} / p_i - 1{a offered})^2)

    has mean 0 if p is right: given what came before, each term has, so users need no clustering. The largest z over the
    items is judged with Bonferroni's correction; `value` is that item's ratio of shown to expected. Items with fewer
    than 30 rows are left out. The test is one-sided: an item seems to be shown too seldom as soon as its rarest
    showings, the largest 1 / p, are not among the rows, and then its deviation is too small as well. Since
    probabilities add up to one, an item whose p is too high leaves another whose p is too low.
    """
    variance = counts.inverse_square - 2 * counts.inverse + counts.offered
    usable = (variance > 1e-9 * counts.offered) & (counts.rows >= MIN_ROWS)
    if not usable.any():
        return Audit("", "propensity_calibration", np.nan, np.nan, np.nan, "too few rows an item to test propensities")
    z = np.where(usable, (counts.inverse - counts.offered) / np.sqrt(np.where(usable, variance, 1.0)), 0.0)
    worst = int(z.argmax())
    ratio = float(counts.inverse[worst] / counts.offered[worst])
    error = float(np.sqrt(variance[worst]) / counts.offered[worst])
    p = min(1.0, float(usable.sum()) * _two_sided(float(z[worst])) / 2) if z[worst] > 0 else 1.0
    finding = f"item {worst} was shown {ratio:.3g} times as often as the propensities say"
    return Audit("", "propensity_calibration", ratio, error, p, finding)


def drift(policy: str, result: Estimate, half: NDArray[np.bool_]) -> Audit:
    """Return the test that the policy's value is the same in both halves of the log, by the estimate's influence.

    Parameters
    ----------
    half : (n,) bool
        Rows of the later half, by the order of the sessions.
    """
    share = half.mean()
    if not np.isfinite(result.std_error) or share in (0.0, 1.0):
        return Audit(policy, "drift", np.nan, np.nan, np.nan, "the log has no two halves to compare")
    signed = result.influence * np.where(half, 1 / share, -1 / (1 - share))
    change = float(signed.mean())
    error = clustered_error(signed - change, result.cluster, result.clusters)
    p = _two_sided(change / error) if error > 0 else np.nan
    return Audit(policy, "drift", change, error, p, f"later half minus earlier half by {result.name}: {change:+.3g}")


def model_bias(policy: str, terms: BanditTerms) -> Audit:
    """Return the doubly robust test of the reward model: the mean weighted residual is the direct method's bias."""
    assert terms.q_logged is not None
    residual = terms.weight * (terms.reward - terms.q_logged)
    bias = -float(residual.mean())
    error = clustered_error(residual + bias, *cluster_codes(terms.cluster, terms.rows))
    p = _two_sided(bias / error) if 0 < error < np.inf else np.nan
    finding = f"by weighted residuals the model's value is off by {bias:+.3g} (standard error {error:.2g})"
    return Audit(policy, "model_bias", bias, error, p, finding)


def model_spread(policy: str, terms: BanditTerms) -> Audit:
    """Return the standard deviation over folds of the value that each fold's model gives: what refitting changes."""
    assert terms.q_target is not None
    assert terms.fold is not None
    fold, folds = cluster_codes(terms.fold, terms.rows)
    means = np.bincount(fold, terms.q_target, minlength=folds) / np.bincount(fold, minlength=folds)
    spread = float(means.std(ddof=1)) if len(means) > 1 else np.nan
    finding = f"the value by each fold's model alone runs from {means.min():.3g} to {means.max():.3g}"
    return Audit(policy, "model_spread", spread, np.nan, np.nan, finding)


def audits_of(policy: str, terms: BanditTerms, half: NDArray[np.bool_]) -> Iterator[Audit]:
    """Yield the audits of one policy's decisions."""
    modelled = terms.q_logged is not None and terms.fold is not None
    yield drift(policy, estimate("dr" if modelled else "snips", terms), half)
    if modelled:
        yield model_bias(policy, terms)
        yield model_spread(policy, terms)


def _two_sided(z: float) -> float:
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(z)))
