"""The value of a policy on logged rows, as a learner maximises it and as held-out users judge it.

Every learner has the same form, with a prediction q of the standardised reward z of each candidate:

    u_i = sum_a pi(a|x_i) q(x_i, a) + w_i (z_i - q(x_i, a_i)) / c,   w_i = min(pi(a_i|x_i) / p_i, clip)

    doubly robust     q a reward model that has not seen the user, c = 1    (`dudik2011doubly`)
    inverse propensity   q = 0, c = 1                                       (`swaminathan2015counterfactual`)
    self-normalised   q the ratio mean(w z) / mean(w) itself, c = mean(w)   (`swaminathan2015self`)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

DECAY = 0.98
"""Of the running means of weights and terms, a gradient step."""
WITHOUT_OVERLAP = 1e6
"""Taken off where there is too little overlap: more than any value in standardised rewards."""


class Value(NamedTuple):
    """A value on held-out users, in standardised rewards."""

    value: float
    std_error: float
    """By user."""
    effective_rows: float
    """(sum w)^2 / sum w^2: how many rows of the policy's own the held-out rows are worth."""

    def cautious(self, caution: float, enough: float) -> float:
        """Return value - caution * std_error, or less than any value where `enough` effective rows are missing.

        Below some hundred effective rows a few weights make value and standard error alike, and the largest of many
        measurements would be the luckiest one; there, more overlap is better.
        """
        if self.effective_rows < enough:
            return self.effective_rows - enough - WITHOUT_OVERLAP
        return self.value - caution * self.std_error


def row_terms(
    log_probability: torch.Tensor, column: torch.Tensor, propensity: torch.Tensor, q: torch.Tensor, clip: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return weight w (B,), expectation sum_a pi q (B,) and q of the logged item (B,).

    Parameters
    ----------
    log_probability
        (B, C) of each candidate, -inf where there is none.
    column, propensity
        (B,) of the logged item.
    q
        (B, C) predictions; what stands where there is no candidate must be finite.
    """
    probability = log_probability.exp()
    logged = probability.gather(1, column[:, None])[:, 0]
    weight = (logged / propensity).clamp(max=clip)
    return weight, (probability * q).sum(dim=1), q.gather(1, column[:, None])[:, 0]


@dataclass
class Running:
    """Running means that a gradient step takes as constants."""

    normalised: bool
    """Whether the ratio is the prediction (`self-normalised` above)."""
    weight: float = 1.0
    weighted: float = 0.0
    term: float = 0.0
    square: float = 1.0
    seen: float = 0.0

    def ratio(self) -> tuple[float, float]:
        """Return (q, c) of self-normalisation, (0, 1) without."""
        return (self.weighted / self.weight, self.weight) if self.normalised and self.weight > 0 else (0.0, 1.0)

    def loss(self, terms: torch.Tensor, caution: float) -> torch.Tensor:
        """Return what to minimise for mean(u) - caution * std(u), given terms u (B,) with gradient.

        The gradient of std(u) is mean((u - m) grad u) / s; m and s are running means, so that it is that of the whole
        log and not of one batch (Swaminathan and Joachims 2015).
        """
        self._follow("term", float(terms.detach().mean()))
        self._follow("square", float((terms.detach() ** 2).mean()))
        self.seen = 1.0
        spread = max(self.square - self.term**2, 1e-6) ** 0.5
        return (caution / (2 * spread) * (terms - self.term) ** 2 - terms).mean()

    def follow_weights(self, weight: torch.Tensor, reward: torch.Tensor) -> None:
        """Take in weights (B,) and rewards (B,)."""
        self._follow("weight", float(weight.detach().mean()))
        self._follow("weighted", float((weight.detach() * reward).mean()))

    def _follow(self, name: str, fresh: float) -> None:
        old = getattr(self, name)
        setattr(self, name, DECAY * old + (1 - DECAY) * fresh if self.seen else fresh)


def held_out_value(
    weight: NDArray[np.float64],
    expectation: NDArray[np.float64],
    residual: NDArray[np.float64],
    user: NDArray[np.int64],
    *,
    normalised: bool,
) -> Value:
    """Return the value and its standard error by user (n,) of rows with these terms (n,).

    `residual` is z - q(logged); self-normalised, it is z, and the value is mean(w z) / mean(w).
    """
    total = weight.mean()
    if total <= 0:
        return Value(0.0, np.inf, 0.0)
    value = (weight * residual).mean() / total if normalised else (expectation + weight * residual).mean()
    influence = weight * (residual - value) / total if normalised else expectation + weight * residual - value
    sums = np.bincount(np.unique(user, return_inverse=True)[1], influence)
    groups = len(sums)
    error = float(np.sqrt(groups / max(groups - 1, 1) * (sums @ sums)) / len(influence))
    return Value(float(value), error, float(weight.sum() ** 2 / (weight @ weight)))
