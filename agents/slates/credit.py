"""Which item of a slate earned the slate's reward.

Only items that the user took can have earned it; what a critic does not explain is shared out among them equally:

    credit_i = took_i * (q_i + (G - sum_j took_j q_j) / sum_j took_j)

The credits of a slate sum to G. Of one taken item the credit is G itself, whatever the critic says.
"""

from __future__ import annotations

import torch


def credit(value: torch.Tensor, gain: torch.Tensor, took: torch.Tensor) -> torch.Tensor:
    """Return (B, K) credits of a slate's gain (B,), given the critic's values (B, K) and who took what (B, K)."""
    share = took.to(value.dtype)
    unexplained = gain - (share * value).sum(dim=1)
    return share * (value + (unexplained / share.sum(dim=1).clamp(min=1.0))[:, None])
