"""Plackett-Luce policy: ordered slates whose probability, and its gradient, are exact.

The slate's reward needs no model of how its items work together: the critic adds up what its items bring, and the
policy gradient corrects what that gets wrong of the slate as a whole (Williams 1992, `williams1992simple`),

    E_w[(G - sum_k q(a_k)) d log P(a_1..a_K)]

w: capped importance weight of the whole slate. What the critic predicts enters in closed form, at the first position.
"""

from __future__ import annotations

import torch

from recenv.agents.slates.ordered_slates import position_log_likelihood
from recenv.agents.slates.policy_gradient import PolicyGradientAgent, Slates


class PlackettLuceAgent(PolicyGradientAgent):
    """Draws ordered slates by the Plackett-Luce law; `fit(log)` learns from a log with propensities."""

    name = "plackett_luce"

    def objective(self, slates: Slates) -> torch.Tensor:
        """Return (n,) sum_a p(a) q(a) + w (G - sum_k q(a_k)) log P(a_1..a_K)."""
        shown, columns = slates.items >= 0, slates.items.clamp(min=0)
        predicted = (torch.softmax(slates.logits, dim=1) * slates.values).sum(dim=1)
        surprise = slates.credits.sum(dim=1) - (slates.weights * slates.values.gather(1, columns)).sum(dim=1)
        weight = (slates.ratio ** shown.sum(dim=1)).clamp(max=self.config.weight_cap)
        likelihood = position_log_likelihood(slates.logits, slates.items).sum(dim=1)
        return predicted + weight * surprise * likelihood
