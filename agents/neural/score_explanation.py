"""Which parts of the state and of the item moved a score: integrated gradients (`sundararajan2017axiomatic`).

    contribution_j = x_j * integral over t in [0, 1] of d score(t x) / d x_j

on the way from the baseline, an average state and an average item (standardised inputs of 0), to what there is. A
history of items comes first, as one step at the baseline: the score with it less the score without. Contributions add
up to score minus baseline, but for the error of the integral, a sum over midpoints.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.neural.scorers.scorer import Scorer, Situation

MIDPOINTS = 128


class ScoreExplanation(NamedTuple):
    """Contributions to the predicted rewards of a decision; NaN where a position is empty."""

    score: NDArray[np.float64]
    """(B, K) predicted reward."""
    baseline: NDArray[np.float64]
    """(B, K) predicted reward of an average item for an average user without a history."""
    state: NDArray[np.float64]
    """(B, K, S) of each column of the flat observation, and of the user code after it."""
    item: NDArray[np.float64]
    """(B, K, Q) of each visible feature of the item."""
    own: NDArray[np.float64]
    """(B, K) of the item itself, beside its features."""
    history: NDArray[np.float64]
    """(B, K) of the items shown before; 0 for a scorer that does not read them."""

    def in_units(self, mean: float, spread: float) -> ScoreExplanation:
        """Return the explanation of `mean + spread * score`."""
        scaled = ScoreExplanation(*(spread * part for part in self))
        return scaled._replace(score=scaled.score + mean, baseline=scaled.baseline + mean)


def explained_scores(scorer: Scorer, last: torch.Tensor, situation: Situation, items: torch.Tensor) -> ScoreExplanation:
    """Return the explanation of the scores of items (B, K), -1 where a position is empty; `last` (F,) is what decides.

    Those are the weights of the last layer that the agent scores by, which need not be the scorer's own.
    """
    shape, shown = items.shape, items >= 0
    user = torch.arange(len(items), device=items.device)[:, None].expand(shape)[shown]
    pairs = Situation(*(part[user] for part in situation))
    with torch.enable_grad():
        found = _integrated(scorer, last.detach(), pairs, scorer.inputs(items[shown]).detach())
    blank = (np.full((*shape, *part.shape[1:]), np.nan) for part in found)
    explained = ScoreExplanation(*blank)
    for part, values in zip(explained, found, strict=True):
        part[shown.cpu().numpy()] = values.cpu().numpy()
    return explained


def _integrated(scorer: Scorer, last: torch.Tensor, pairs: Situation, inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return score, baseline and contributions of n pairs: (n,), (n,), (n, S), (n, Q), (n,), (n,)."""
    by_state, by_item = torch.zeros_like(pairs.state), torch.zeros_like(inputs)
    for t in ((torch.arange(MIDPOINTS, device=inputs.device) + 0.5) / MIDPOINTS).tolist():
        state = (t * pairs.state).requires_grad_()
        item = (t * inputs).requires_grad_()
        one, other = torch.autograd.grad(_score(scorer, last, pairs, state, item).sum(), (state, item))
        by_state += one / MIDPOINTS
        by_item += other / MIDPOINTS
    with torch.no_grad():
        zero = torch.zeros_like(pairs.state), torch.zeros_like(inputs)
        baseline = _score(scorer, last, pairs._replace(shown=torch.full_like(pairs.shown, -1)), *zero)
        history = _score(scorer, last, pairs, *zero) - baseline
        score = _score(scorer, last, pairs, pairs.state, inputs)
    visible = scorer.item_features.shape[1]
    item = by_item * inputs
    return score, baseline, by_state * pairs.state, item[:, :visible], item[:, visible:].sum(dim=1), history


def _score(
    scorer: Scorer, last: torch.Tensor, pairs: Situation, state: torch.Tensor, inputs: torch.Tensor
) -> torch.Tensor:
    """Return (n,) the scores of pairs with other states (n, S) and items' inputs (n, Q + D)."""
    return scorer.join(scorer.states(pairs._replace(state=state)), scorer.items_from(inputs)) @ last
