"""Which parts of the state and of the item moved the score of a scorer; see `recenv.agents.explained_scores`.

A history of items comes first, as one step at the baseline: the score with it less the score without.
"""

from __future__ import annotations

import torch

from recenv.agents.explained_scores import ScoreExplanation, integrated_gradients, spread_out
from recenv.agents.neural.scorers.scorer import Scorer, Situation


def explained_scores(scorer: Scorer, last: torch.Tensor, situation: Situation, items: torch.Tensor) -> ScoreExplanation:
    """Return the explanation of the scores of items (B, K), -1 where a position is empty; `last` (F,) is what decides.

    Those are the weights of the last layer that the agent scores by, which need not be the scorer's own.
    """
    shown = items >= 0
    user = torch.arange(len(items), device=items.device)[:, None].expand(items.shape)[shown]
    pairs = Situation(*(part[user] for part in situation))
    return spread_out(shown.cpu().numpy(), *_integrated(scorer, last.detach(), pairs, scorer.inputs(items[shown])))


def _integrated(scorer: Scorer, last: torch.Tensor, pairs: Situation, inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return score, baseline and contributions of n pairs: (n,), (n,), (n, S), (n, Q), (n,), (n,)."""

    def score(state: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        return scorer.join(scorer.states(pairs._replace(state=state)), scorer.items_from(item)) @ last

    whole, met, (state, item) = integrated_gradients(score, pairs.state, inputs)
    bare = Situation(torch.zeros_like(pairs.state), torch.full_like(pairs.shown, -1), pairs.feedback)
    with torch.no_grad():
        baseline = scorer.join(scorer.states(bare), scorer.items_from(torch.zeros_like(inputs))) @ last
    visible = scorer.item_features.shape[1]
    return whole, baseline, state, item[:, :visible], item[:, visible:].sum(dim=1), met - baseline
