"""Bootstrapped bandit: several heads on one network, each trained on its own half of the rows (`osband2016deep`).

    score_m(s, a) = w_m . z(s, a)           z: what the network's last layer sees, shared;  m = 1..M

A decision follows one head, drawn uniformly for each user and for a whole slate. Its exact probability is the share of
heads that would show the same, and that of an item at the first position the share of heads that put it there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recenv.agents.candidates import known_candidates
from recenv.agents.exploration import greedy_columns
from recenv.agents.linear.posterior_scores import Greedy
from recenv.agents.neural.agent import NeuralAgent
from recenv.agents.neural.config import NeuralConfig
from recenv.agents.neural.scorers.scorer import Scorer, Situation
from recenv.agents.options import options_record
from recenv.agents.towers import fill_parameters
from recenv.protocol import Catalogue, Decision, Request

SHARE = 0.5
"""Of the rows that a head learns from."""
PAIRS_AT_ONCE = 16_384
"""Pairs of a request whose features are in memory at the same time."""


class BootstrappedAgent(NeuralAgent):
    """Explores by the disagreement of its heads.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed
        Of the initial parameters, of the rows that heads learn from and that gradient steps draw.
    device
        Where the network lives: "cpu", "cuda", ...
    heads
        M, 1 or more.
    options
        Fields of `NeuralConfig`; another name is refused.
    """

    name = "bootstrapped"

    def __init__(
        self, catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", heads: int = 10, **options: Any
    ) -> None:
        if heads < 1:
            raise ValueError(f"heads must be 1 or more, got {heads!r}")
        self.heads = heads
        config = options_record(NeuralConfig, options, self.name, beside=("heads",))
        super().__init__(catalogue, config=config, options={"heads": heads, **options}, seed=seed, device=device)

    def _network(self) -> Scorer:
        """Return the scorer, with the heads beside its own last layer."""
        scorer = super()._network()
        scorer.heads = nn.utils.skip_init(nn.Linear, scorer.feature_size, self.heads, bias=False)
        fill_parameters(scorer.heads, self.rng)
        return scorer

    def member_scores(self, request: Request) -> NDArray[np.float64]:
        """Return (M, B, C) the score of each head, in units of the reward."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        if not self.learning:
            return np.log1p(self.catalogue.popularity)[candidates][None]
        scorer = self.learner.averaged
        with torch.no_grad():
            state = scorer.states(self._situation(*self._seen(request)))
            items, place = self._items(candidates)
            rows = max(1, PAIRS_AT_ONCE // max(candidates.shape[1], 1))
            blocks = zip(state.split(rows), place.split(rows), strict=True)
            score = torch.cat([scorer.heads(scorer.features(one, items, at)) for one, at in blocks])
        units = self.rewards.mean[0] + self.rewards.spread()[0] * score.cpu().numpy().astype(np.float64)
        return np.moveaxis(units, -1, 0)

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) the mean of the heads: what it shows when it doesn't explore."""
        return self.member_scores(request).mean(axis=0)

    def _deciding(self) -> tuple[Scorer, torch.Tensor]:
        """Return the network and the mean of its heads."""
        return self.learner.averaged, self.learner.averaged.heads.weight.mean(dim=0)

    def probabilities(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) the share of heads that put each candidate first."""
        members = self.member_scores(request)
        share = np.zeros(request.candidates.shape)
        users = np.flatnonzero((request.candidates >= 0).any(axis=1))
        for scores in members:
            share[users, greedy_columns(scores, request.candidates)[users]] += 1.0
        return share / len(members)

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Choose a slate for each of B users by a head drawn for each; by the mean of the heads if not exploring."""
        members = self.member_scores(request)
        if not explore:
            return Greedy(members.mean(axis=0)).act(request, rng=rng, explore=False)
        slates = np.stack([Greedy(scores).act(request, rng=rng, explore=False).items for scores in members])
        chosen = rng.integers(len(members), size=len(request.candidates))
        items = slates[chosen, np.arange(len(chosen))]
        return Decision(items, (slates == items).all(axis=2).mean(axis=0))

    def _extra_columns(self, rows: int) -> dict[str, NDArray[Any]]:
        """Return (n, M) which heads learn from each row."""
        return {"heads": self.rng.random((rows, self.heads)) < SHARE}

    def _loss(
        self,
        situation: Situation,
        items: torch.Tensor,
        target: torch.Tensor,
        rows: dict[str, NDArray[Any]],
        part: slice,
    ) -> float:
        """Leave the gradient of the squared error of each head on its own rows."""
        scorer = self.network
        ids, place = torch.unique(items.clamp(min=0), return_inverse=True)
        each = scorer.features(scorer.states(situation), scorer.items(ids), place)
        score = scorer.heads((each * (items >= 0)[..., None]).sum(dim=1))
        learns = self._tensor(rows["heads"][part])
        loss = (learns * (score - target[:, None]) ** 2).mean() / SHARE
        loss.backward()
        return float(loss.detach())


bootstrapped_agent = BootstrappedAgent
