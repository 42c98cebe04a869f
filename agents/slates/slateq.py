"""SlateQ: plans with slates (Ie et al. 2019, `ie2019slateq`).

A user takes at most one item of a slate, with the chances of a conditional logit that is learned, choosing nothing
among them; the long-term value of a slate is then that of its items, weighted by these chances:

    P(i | s, A) = exp(v(s, i)) / sum_(j in A or nothing) exp(v(s, j))
    Q(s, A) = sum_i P(i | s, A) q(s, i)
    q(s, i) <- r + gamma * (1 - terminated) * Q_target(s', A')           of the item i that was taken

A' is the best slate for the online networks (Q-learning) or one drawn as when exploring (SARSA). Where several items
were taken, or nobody tells which, each of them learns in equal part.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.allowed_items import allowed_ids
from recenv.agents.candidates import known_candidates
from recenv.agents.exploration import EpsilonGreedy, Exploration
from recenv.agents.observations import flat_observation
from recenv.agents.options import options_record
from recenv.agents.schedules import LinearSchedule
from recenv.agents.slates.slate_learner import POPULARITY_PRIOR, SlateLearner
from recenv.agents.slates.slate_value import best_slate_value, slate_values
from recenv.agents.slates.slateq_config import SlateQConfig
from recenv.protocol import Catalogue, Request


class SlateQAgent(SlateLearner):
    """Epsilon-greedy, position by position, on the best slate for learned item values and choices.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed
        Of the initial parameters and of the rows that gradient steps draw.
    device
        Where the networks live: "cpu", "cuda", ...
    options
        Fields of `SlateQConfig`; another name is refused.
    """

    name = "slateq"

    def __init__(self, catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", **options: Any) -> None:
        self.config = config = options_record(SlateQConfig, options, self.name)
        names = ("choice", "value")
        super().__init__(catalogue, config, options=options, networks=names, null_item=True, seed=seed, device=device)
        for network in names:
            self.start_from_popularity(network, POPULARITY_PRIOR)
        self.schedule = LinearSchedule(config.epsilon_start, config.epsilon, config.epsilon_steps)

    @property
    def exploration(self) -> Exploration:
        """Exploration at this point of training."""
        return EpsilonGreedy(self.schedule.value(self.steps))

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) w_i (q_i - lambda), by which the best slate is the K largest; lambda is its value.

        With optimiser "top_k" lambda is 0.
        """
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        if not self.has_learned:
            return np.log1p(self.catalogue.popularity)[candidates]
        seen = self.tensor(flat_observation(request.observation, self.catalogue.observation_size))
        tables = self._weights(self.all_scores("choice", seen)), self._values(self.all_scores("value", seen))
        return self._ranking(*tables, candidates, request.slate_size)

    def _ranking(
        self, weights: NDArray[np.float64], values: NDArray[np.float64], items: NDArray[np.int64], size: int
    ) -> NDArray[np.float64]:
        """Return (B, C) what the best slate has the largest of, given tables (B, N + 1) of all items."""
        weight, null_weight = chosen(weights, items)
        value, null_value = chosen(values, items)
        weight = np.where(items >= 0, weight, 0.0)
        level = np.zeros(len(weight))
        if self.config.optimiser == "exact":
            level = best_slate_value(weight, value, null_weight, null_value, size)
        return weight * (value - level[:, None])

    def _weights(self, logit: torch.Tensor) -> NDArray[np.float64]:
        """Return (B, N + 1) exp(v), scaled so that each row's largest is 1."""
        table = logit.cpu().numpy().astype(np.float64)
        # The floor keeps an unlikely item apart from one that may not be shown, whose weight is 0.
        return np.exp(np.maximum(table - table.max(axis=1, keepdims=True), -60.0))

    def _values(self, score: torch.Tensor) -> NDArray[np.float64]:
        """Return (B, N + 1) item values in units of the discounted reward."""
        gamma = self.config.gamma
        return self.offset(gamma) + self.spread(gamma) * score.cpu().numpy().astype(np.float64)

    def gradient_step(self, rows: dict[str, NDArray[Any]]) -> float:
        """Lower the squared error of the taken items' values, and the surprise at what was taken."""
        observation, taken = self.tensor(rows["observation"]), self.tensor(choice_shares(rows["consumed"]))
        nothing = np.full((len(rows["items"]), 1), self.catalogue.n_items)
        items = np.concatenate([rows["items"], nothing], axis=1)
        ids = self.tensor(np.maximum(items, 0)).long()
        goal = self.tensor(self._goal(rows).astype(np.float32))[:, None]
        error = (self.networks["value"].pair_scores(observation, ids) - goal) ** 2
        logit = self.networks["choice"].pair_scores(observation, ids)
        log_chance = torch.log_softmax(logit.masked_fill(self.tensor(items < 0), -torch.inf), dim=1)
        surprise = -torch.where(taken > 0, log_chance, 0.0)
        return self.descend((taken * (error + surprise)).sum(dim=1).mean())

    def _goal(self, rows: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Return (n,) standardised targets: values less the offset."""
        value, gamma = rows["reward"].copy(), self.config.gamma
        if gamma > 0.0:
            value += gamma * np.where(rows["terminated"], 0.0, self._ahead(rows))
        return (value - self.offset(gamma)) / self.spread(gamma)

    def _ahead(self, rows: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Return (n,) the averaged network's value of the next slate, in units of the discounted reward."""
        candidates, size = allowed_ids(rows["next_allowed"], self.catalogue.n_items), rows["items"].shape[1]
        seen = self.tensor(rows["next_observation"])
        weights, values = self._weights(self.all_scores("choice", seen)), self._values(self.all_scores("value", seen))
        if self.config.target == "sarsa":
            ranking = self._ranking(weights, values, candidates, size)
        else:
            # One network chooses, the other values: the maximum of noisy values would be too high.
            with torch.no_grad():
                online = self._values(self.networks["value"].scores(seen))
            ranking = self._ranking(weights, online, candidates, size)
        slate = self._slate(ranking, candidates, size, explore=self.config.target == "sarsa")
        weight, null_weight = chosen(weights, slate)
        value, null_value = chosen(values, slate)
        return slate_values(np.where(slate >= 0, weight, 0.0), value, null_weight, null_value)

    def _slate(
        self, ranking: NDArray[np.float64], items: NDArray[np.int64], size: int, *, explore: bool
    ) -> NDArray[np.int64]:
        """Return (n, K) slates of candidates (n, C), greedy or as when exploring."""
        left, slate, users = items.copy(), np.full((len(items), size), -1, np.int64), np.arange(len(items))
        for position in range(size):
            columns, _ = self._next(ranking, left, self.rng, explore)
            slate[:, position] = left[users, columns]
            left[users, columns] = -1
        return slate


def chosen(table: NDArray[np.float64], items: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return entries (B, C) of a table (B, N + 1) and those of choosing nothing (B,)."""
    return np.take_along_axis(table, np.maximum(items, 0), axis=1), table[:, -1]


def choice_shares(consumed: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return (n, K + 1) the share of each position in what was taken, and that of nothing at the end; rows sum to 1."""
    count = consumed.sum(axis=1, keepdims=True)
    shares = np.concatenate([consumed / np.maximum(count, 1), count == 0], axis=1)
    return shares.astype(np.float32)
