"""Items whose ratings are more, or less, spread than others': thresholds further apart, or nearer.

    P(rating <= l) = sigmoid(c + (tau_l - c) exp(s_i) - x),    c = the middle threshold,  sum_i s_i = 0

(a scale of the thresholds, as in location-scale models of ordinal data: McCullagh 1980, `mccullagh1980regression`,
section 6; here per item). Where liked pairs are rated more often, ratings of an item with more spread are further above
its mean: selection by exp(k r) lifts an item's mean by about k Var_i(r). A likelihood that knows the selection takes
that off again, and takes off too little for items of more spread unless it knows of the spread.

A world has one set of thresholds. So an item's bias is moved to where the mean of its expected rating over users is as
with thresholds of its own; the spread itself is not kept.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recenv.causal.factors import Factors

USERS = 1_000
"""Over whom an item's mean is taken, at most; drawn at random."""
STEPS = 30
BLOCK = 256
"""Items at once."""


class ItemSpread(nn.Module):
    """log spread s_i of each item."""

    def __init__(self, n_items: int) -> None:
        super().__init__()
        self.log_spread = nn.Parameter(torch.zeros(n_items))

    def forward(self, item: torch.Tensor) -> torch.Tensor:
        """Return (n,) exp(s_i)."""
        return torch.exp(self.log_spread - self.log_spread.mean())[item]

    def prior(self, penalty: float) -> torch.Tensor:
        """Return half the penalised squares."""
        return 0.5 * penalty * (self.log_spread**2).sum()

    def into_biases(
        self,
        factors: Factors,
        thresholds: NDArray[np.float64],
        scale: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Factors:
        """Return factors of common thresholds that give items the means they have with their own."""
        with torch.no_grad():
            spread = self(torch.arange(len(self.log_spread), device=self.log_spread.device)).cpu().numpy()
        return one_set_of_thresholds(factors, spread.astype(np.float64), thresholds, scale, rng)


def one_set_of_thresholds(
    factors: Factors,
    spread: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    scale: NDArray[np.float64],
    rng: np.random.Generator,
) -> Factors:
    """Return the factors with item biases such that items' mean expected ratings are as with their own thresholds.

    Parameters
    ----------
    factors
        Utilities in units of the logistic noise.
    spread
        (N,) exp(s_i).
    thresholds
        (L - 1,) tau.
    scale
        (L,) rating values.
    rng
        Draws the users.
    """
    n_users, n_items = len(factors.user_bias), len(factors.item_bias)
    users = rng.permutation(n_users)[:USERS]
    moved = np.array(factors.item_bias)
    for items in np.array_split(np.arange(n_items), -(-n_items // BLOCK)):
        x = factors.taste[users] @ factors.embedding[items].T + factors.user_bias[users][:, None] + moved[items]
        own = stretched(thresholds, spread[items])
        moved[items] += _shift(x, _mean_rating(x, own, scale)[0], thresholds, scale)
    return factors._replace(item_bias=moved)


def stretched(thresholds: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, L - 1) c + (tau - c) spread_i."""
    centre = thresholds[len(thresholds) // 2]
    return centre + (thresholds - centre) * spread[:, None]


def _shift(
    x: NDArray[np.float64], wanted: NDArray[np.float64], thresholds: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n,) what is to be added to the utilities (U, n) so that items' mean ratings are (n,) the wanted ones."""
    shift, common = np.zeros(x.shape[1]), np.broadcast_to(thresholds, (x.shape[1], len(thresholds)))
    for _ in range(STEPS):
        mean, slope = _mean_rating(x + shift, common, scale)
        step = np.clip((wanted - mean) / np.maximum(slope, 1e-9), -1.0, 1.0)
        shift += step
        if np.abs(step).max() < 1e-9:
            break
    return shift


def _mean_rating(
    x: NDArray[np.float64], thresholds: NDArray[np.float64], scale: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (n,) mean expected ratings over users, and their slopes in x, of utilities (U, n) and tau (n, L - 1)."""
    mean, slope = np.full(x.shape[1], scale[-1]), np.zeros(x.shape[1])
    for tau, gap in zip(thresholds.T, np.diff(scale), strict=True):
        below = 1.0 / (1.0 + np.exp(np.clip(x - tau, -700.0, 700.0)))
        mean -= gap * below.mean(axis=0)
        slope += gap * (below * (1.0 - below)).mean(axis=0)
    return mean, slope
