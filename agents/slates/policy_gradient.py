"""Policy gradient with a critic: what the Plackett-Luce and the REINFORCE agent share.

The critic q(s, a) is what a shown item adds to a slate's gain

    G = r + gamma * (1 - terminated) * V(s'),      V(s) = sum_a inclusion(a | s) q(s, a)

and the policy's logits are q(s, a) / temperature + c(s, a): the best response to the critic under an entropy bonus
(Haarnoja et al. 2018, `haarnoja2018soft`), and a correction that starts at 0 and climbs the policy gradient. Experience
is replayed, weighted by the importance of the new policy against the one that acted, and capped.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.allowed_items import unpack_allowed
from recenv.agents.candidates import known_candidates
from recenv.agents.explained_scores import ScoreExplanation, explained_towers
from recenv.agents.exploration import Softmax
from recenv.agents.observations import flat_observation
from recenv.agents.options import options_record
from recenv.agents.slates.credit import credit
from recenv.agents.slates.ordered_slates import gumbel_top_k, position_log_likelihood
from recenv.agents.slates.policy_gradient_config import PolicyGradientConfig
from recenv.agents.slates.shrunk_towers import ShrunkTowers
from recenv.agents.slates.slate_learner import POPULARITY_PRIOR, SlateLearner
from recenv.agents.towers import Pairs, TowerNetwork
from recenv.protocol import Catalogue, Decision, Request

CORRECTION = 0.1
"""Speed of the correction: the gradient it climbs is that of whole rewards, the noisiest there is."""


class Slates(NamedTuple):
    """A batch of experience as the objectives read it."""

    logits: torch.Tensor
    """(n, N) of the policy; -inf where the item was not allowed."""
    items: torch.Tensor
    """(n, K) item ids; -1 is an empty position."""
    values: torch.Tensor
    """(n, N) q(s, a) of the critic, in deviations of the reward, without gradient."""
    credits: torch.Tensor
    """(n, K) what each position earned, likewise; they sum to G."""
    weights: torch.Tensor
    """(n, K) of the positions, 1 at the first; 0 is an empty position. An item is expected to earn weight * q(s, a)."""
    ratio: torch.Tensor
    """(n,) importance weight of an item, capped: the K-th root of the slate's, without gradient."""


class PolicyGradientAgent(SlateLearner):
    """Base of the agents; a subclass has `name` and `objective(slates)`, whose gradient is climbed.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed
        Of the initial parameters and of the rows that gradient steps draw.
    device
        Where the networks live: "cpu", "cuda", ...
    options
        Fields of `PolicyGradientConfig`; another name is refused.
    """

    exploration = Softmax(1.0)

    def __init__(self, catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", **options: Any) -> None:
        self.config = options_record(PolicyGradientConfig, options, self.name)
        names = ("critic", "correction")
        self.towers = functools.partial(ShrunkTowers, interaction=self.config.interaction, own=self.config.own)
        super().__init__(
            catalogue, self.config, options=options, networks=names, positions=True, seed=seed, device=device
        )
        self.start_from_popularity("critic", POPULARITY_PRIOR)
        self.start_from_popularity("correction", 0.0)

    def objective(self, slates: Slates) -> torch.Tensor:
        """Return (n,) what is to be raised."""
        raise NotImplementedError(f"{type(self).__name__} needs objective(slates) -> (n,)")

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) logits of the policy."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        if not self.has_learned:
            return np.log1p(self.catalogue.popularity)[candidates]
        seen = self.tensor(flat_observation(request.observation, self.catalogue.observation_size))
        logits = self.all_scores("critic", seen) / self.config.temperature + CORRECTION * self.all_scores(
            "correction", seen
        )
        return np.take_along_axis(logits.cpu().numpy(), np.maximum(candidates, 0), axis=1).astype(np.float64)

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Draw an ordered slate for each of B users; the likeliest, with probability 1, where `explore` is False.

        `extra` has "propensity_prefix" (B, K), the probability of the slate up to each position.
        """
        if not explore:
            return super().act(request, rng=rng, explore=False)
        logits = np.where(request.candidates >= 0, self._checked_scores(request), -np.inf)
        columns = gumbel_top_k(logits, request.slate_size, rng)
        items = np.take_along_axis(request.candidates, np.maximum(columns, 0), axis=1)
        factors = position_log_likelihood(torch.as_tensor(logits), torch.as_tensor(columns)).numpy()
        prefix = np.exp(np.cumsum(factors, axis=1))
        return Decision(np.where(columns >= 0, items, -1), prefix[:, -1], {"propensity_prefix": prefix})

    def explain(self, request: Request, decision: Decision) -> ScoreExplanation:
        """Return which parts of the state and of the items moved the logits of a decision.

        Raises
        ------
        ValueError
            If it has not learned yet.
        """
        critic, correction = (cast(TowerNetwork, self.learner.averaged[name]) for name in ("critic", "correction"))

        def logit(pairs: Pairs) -> torch.Tensor:
            return critic.score_of(pairs) / self.config.temperature + CORRECTION * correction.score_of(pairs)

        return explained_towers(logit, critic, self.explicable(request), decision.items)

    def gradient_step(self, rows: dict[str, NDArray[Any]]) -> float:
        """Climb the objective and the entropy, and let the critic learn the credits."""
        items, observation = self.tensor(rows["items"]).long(), self.tensor(rows["observation"])
        shown, values = items >= 0, self.networks["critic"].scores(observation)
        logits = self._logits(observation, values.detach(), rows["allowed"])
        weights = self.positions(shown)
        level = self.offset(self.config.gamma) / self.spread(self.config.gamma) * shares(weights)
        shown_values = values.gather(1, items.clamp(min=0)) * shown
        expected = weights * shown_values + level
        earned = self._earned(shown_values.detach(), level.detach(), rows)
        ratio = self._ratio(logits, items, self.tensor(rows["probability"]))
        slates = Slates(logits, items, values.detach(), (earned - level).detach() * shown, weights.detach(), ratio)
        error = (((earned - expected) * shown) ** 2).sum(dim=1)
        return self.descend((error - self.objective(slates) - self.config.temperature * entropy(logits)).mean())

    def _earned(self, values: torch.Tensor, level: torch.Tensor, rows: dict[str, NDArray[Any]]) -> torch.Tensor:
        """Return (n, K) the gain with its offset `level` (n, K), shared out over what was taken.

        An item that nobody took earned nothing, which is less than the mean. Once taken, it earns the same wherever it
        stood.
        """
        return credit(values, self._gain(rows) + level.sum(dim=1), self._took(rows))

    def _took(self, rows: dict[str, NDArray[Any]]) -> torch.Tensor:
        """Return (n, K) which items share the gain: the consumed ones, or where none was, all that were shown."""
        consumed = rows["consumed"]
        return self.tensor(np.where(consumed.any(axis=1, keepdims=True), consumed, rows["items"] >= 0))

    def _logits(self, observation: torch.Tensor, values: torch.Tensor, allowed: NDArray[np.uint8]) -> torch.Tensor:
        mask = self.tensor(unpack_allowed(allowed, self.catalogue.n_items))
        logits = values / self.config.temperature + CORRECTION * self.networks["correction"].scores(observation)
        return logits.masked_fill(~mask, -torch.inf)

    def _ratio(self, logits: torch.Tensor, items: torch.Tensor, probability: torch.Tensor) -> torch.Tensor:
        """Return (n,) capped importance weights of an item; where the probability that acted is unknown, 1."""
        with torch.no_grad():
            away = position_log_likelihood(logits.double(), items).sum(dim=1) - torch.log(probability)
            ratio = torch.exp(away / (items >= 0).sum(dim=1).clamp(min=1)).nan_to_num(1.0)
        return ratio.clamp(max=self.config.weight_cap).to(logits.dtype)

    def _gain(self, rows: dict[str, NDArray[Any]]) -> torch.Tensor:
        """Return (n,) gains, less the offset, in deviations of the reward."""
        gain, gamma = rows["reward"].copy(), self.config.gamma
        if gamma > 0.0:
            gain += gamma * np.where(rows["terminated"], 0.0, self._ahead(rows))
        return self.tensor(((gain - self.offset(gamma)) / self.spread(gamma)).astype(np.float32))

    def _ahead(self, rows: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Return (n,) the critic's value of what the policy shows next, in units of the discounted reward."""
        following = self.tensor(rows["next_observation"])
        with torch.no_grad():
            values, positions = self.learner.averaged["critic"].scores(following), self.learner.averaged["positions"]
            chance = torch.softmax(self._logits(following, values, rows["next_allowed"]), dim=1).nan_to_num(0.0)
            shown = inclusion(chance, rows["items"].shape[1]) * torch.exp(positions(rows["items"].shape[1])).mean()
            ahead = (shown * values).sum(dim=1).cpu().numpy()
        return self.offset(self.config.gamma) + self.spread(self.config.gamma) * ahead.astype(np.float64)


def entropy(logits: torch.Tensor) -> torch.Tensor:
    """Return (n,) the entropy of softmax(logits) (n, N), in nats; -inf adds nothing."""
    log_chance = torch.log_softmax(logits, dim=1)
    present = torch.isfinite(log_chance)
    safe = torch.where(present, log_chance, 0.0)
    return -(torch.where(present, torch.exp(safe), 0.0) * safe).sum(dim=1)


def shares(weights: torch.Tensor) -> torch.Tensor:
    """Return (n, K) weights that sum to 1 over each row; 0 where all are 0."""
    return weights / weights.sum(dim=1, keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny)


def inclusion(chance: torch.Tensor, slate_size: int) -> torch.Tensor:
    """Return (n, N) 1 - (1 - p)^K: the chance that K independent draws from p (n, N) hold the item."""
    return 1.0 - (1.0 - chance) ** slate_size
