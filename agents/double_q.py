"""Value of the next state by double Q-learning, over the items that may still be shown (`vanhasselt2016double`)."""

from __future__ import annotations

import math

import torch

from recenv.agents.towers import TowerNetwork


@torch.no_grad()
def double_q_value(
    online: TowerNetwork, target: TowerNetwork, observation: torch.Tensor, shown: torch.Tensor | None
) -> torch.Tensor:
    """Return (n,) Q_target(s, argmax_a Q_online(s, a)), a not in `shown`.

    Parameters
    ----------
    observation
        (n, O) float32.
    shown
        (n, H) int64 ids of items that may not be shown again, -1 pads; None masks nothing.
    """
    score = online.scores(observation)
    if shown is not None:
        hide_shown(score, shown)
    return target.pair_scores(observation, score.argmax(dim=1, keepdim=True))[:, 0]


def hide_shown(scores: torch.Tensor, shown: torch.Tensor) -> None:
    """Set the scores (B, N) of items in `shown` (B, H; -1 pads) to minus infinity, in place."""
    rows = torch.arange(len(shown), device=shown.device)[:, None].expand_as(shown)
    seen = shown >= 0
    scores[rows[seen], shown[seen]] = -math.inf
