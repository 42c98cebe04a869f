"""REINFORCE with top-K correction (Chen et al. 2019, `chen2019topk`).

A slate of K items is drawn from one softmax policy over items. An item is in it when one of K draws hits it, with
chance alpha = 1 - (1 - p)^K, so the gradient of an item's log-probability is multiplied by

    lambda_K = d alpha / d p = K (1 - p)^(K - 1)

and by the capped importance weight of the policy against the one that acted. The critic is a control variate: what it
predicts of every item enters in closed form, and only what it gets wrong is weighted (Dudik et al. 2011,
`dudik2011doubly`), so that experience of older policies can be replayed.
"""

from __future__ import annotations

import torch

from recenv.agents.slates.policy_gradient import PolicyGradientAgent, Slates, inclusion


class ReinforceAgent(PolicyGradientAgent):
    """REINFORCE over items, for slates of any size; `fit(log)` learns from a log with propensities."""

    name = "reinforce"

    def objective(self, slates: Slates) -> torch.Tensor:
        """Return (n,) sum_a alpha(a) q(a) + sum_k w lambda_K (credit_k - q(a_k)) log p(a_k)."""
        shown, columns = slates.items >= 0, slates.items.clamp(min=0)
        log_chance = torch.log_softmax(slates.logits, dim=1)
        predicted = (inclusion(torch.exp(log_chance), columns.shape[1]) * slates.values).sum(dim=1)
        own = torch.where(shown, log_chance.gather(1, columns), 0.0)
        # In what position an item stands is taken to be chance, as if positions were independent draws.
        mean = slates.weights.sum(dim=1, keepdim=True) / shown.sum(dim=1, keepdim=True).clamp(min=1)
        surprise = (slates.credits - slates.weights * slates.values.gather(1, columns)) / mean
        weight = (slates.ratio[:, None] * top_k_correction(own.detach(), columns.shape[1]) * surprise) * shown
        return predicted + (weight * own).sum(dim=1)


def top_k_correction(log_chance: torch.Tensor, slate_size: int) -> torch.Tensor:
    """Return lambda_K = K (1 - p)^(K - 1) of log p, of any shape; 1 where K is 1."""
    return slate_size * (1.0 - torch.exp(log_chance)) ** (slate_size - 1)
