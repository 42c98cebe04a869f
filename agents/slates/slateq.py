"""SlateQ: plans with slates (Ie et al. 2019, `ie2019slateq`).

A user takes at most one item of a slate, with the chances of a conditional logit that is learned, choosing nothing
among them; the long-term value of a slate is then that of its items, weighted by these chances:

    P(i | s, A) = exp(v(s, i)) / sum_(j in A or nothing) exp(v(s, j))
    Q(s, A) = sum_i P(i | s, A) q(s, i)
    q(s, i) <- r + gamma * (1 - terminated) * Q_target(s', A')           of the item i that was taken

A' is the best slate for the online networks (Q-learning) or one drawn as when exploring (SARSA). Where all items were
taken, or nobody tells which, each of them learns in equal part.

Where users were seen to take several items of a slate and leave others, items do not compete: each of them is taken, or
nothing, as if it were a slate by itself, and brings what `credit` makes out of the reward:

    Q(s, A) = q(s, nothing) + sum_i P(i | s, {i}) (q(s, i) - q(s, nothing))

The choice then has the effect of the position beside it (see `PositionEffect`), left out when items are compared.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.allowed_items import allowed_ids
from recenv.agents.candidates import known_candidates
from recenv.agents.explained_scores import ScoreExplanation, explained_towers
from recenv.agents.exploration import EpsilonGreedy, Exploration
from recenv.agents.observations import flat_observation
from recenv.agents.options import options_record
from recenv.agents.schedules import LinearSchedule
from recenv.agents.slates.credit import credit
from recenv.agents.slates.shrunk_towers import NOTHING, ShrunkTowers
from recenv.agents.slates.slate_learner import POPULARITY_PRIOR, SlateLearner
from recenv.agents.slates.slate_value import added_values, best_slate_value, slate_values
from recenv.agents.slates.slateq_config import SlateQConfig
from recenv.agents.towers import Pairs, TowerNetwork
from recenv.protocol import Catalogue, Decision, Request


class Scored(NamedTuple):
    """What the networks say of n slates, and what was taken of them."""

    value: torch.Tensor
    """(n, K + 1) standardised value of each item, and of nothing."""
    logit: torch.Tensor
    """(n, K + 1) of being chosen."""
    consumed: torch.Tensor
    """(n, K) bool."""
    shown: torch.Tensor
    """(n, K) bool, false where a position is empty."""


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
        self.towers = functools.partial(ShrunkTowers, interaction=config.interaction, own=config.own)
        super().__init__(
            catalogue, config, options=options, networks=names, null_item=True, positions=True, seed=seed, device=device
        )
        for network in names:
            self.start_from_popularity(network, POPULARITY_PRIOR)
        self.schedule = LinearSchedule(config.epsilon_start, config.epsilon, config.epsilon_steps)

    def found_several(self) -> None:
        """Let every position tell of nothing: no feature does, and half of all experience is about it."""
        super().found_several()
        for networks in (self.networks, self.learner.averaged):
            for name in ("choice", "value"):
                cast(ShrunkTowers, networks[name]).bias_speed[-1] = NOTHING

    @property
    def exploration(self) -> Exploration:
        """Exploration at this point of training."""
        return EpsilonGreedy(self.schedule.value(self.steps))

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) w_i (q_i - lambda), by which the best slate is the K largest; lambda is its value.

        With optimiser "top_k" lambda is 0. Where items do not compete, it is what each adds, P_i (q_i - q_nothing).
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
        if self.takes_several:
            return added_values(weight, value, null_weight, null_value)
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

    def explain(self, request: Request, decision: Decision) -> ScoreExplanation:
        """Return which parts of the state and of the items moved the value of each item, as if shown alone.

            P q(s, i) + (1 - P) q(s, nothing),      P = sigmoid(v(s, i) - v(s, nothing))

        It is in units of the discounted reward, which the scores of a slate, relative to its best, are not.

        Raises
        ------
        ValueError
            If it has not learned yet, or an item is not in the catalogue.
        """
        seen, n_items, gamma = self.explicable(request), self.catalogue.n_items, self.config.gamma
        choice, value = (cast(TowerNetwork, self.learner.averaged[name]) for name in ("choice", "value"))

        def alone(pairs: Pairs) -> torch.Tensor:
            ids = torch.full_like(pairs.ids, n_items)
            nothing = Pairs(pairs.state, value.item_features[ids], torch.ones_like(pairs.own), ids, pairs.row)
            chance = torch.sigmoid(choice.score_of(pairs) - choice.score_of(nothing))
            return chance * value.score_of(pairs) + (1.0 - chance) * value.score_of(nothing)

        explained = explained_towers(alone, value, seen, known_candidates(np.asarray(decision.items), n_items))
        return explained.in_units(self.offset(gamma), self.spread(gamma))

    def gradient_step(self, rows: dict[str, NDArray[Any]]) -> float:
        """Lower the squared error of the taken items' values, and the surprise at what was taken."""
        items, consumed = rows["items"], self.tensor(rows["consumed"])
        nothing = np.full((len(items), 1), self.catalogue.n_items)
        ids = self.tensor(np.concatenate([np.maximum(items, 0), nothing], axis=1)).long()
        observation, shown = self.tensor(rows["observation"]), self.tensor(items >= 0)
        value = self.networks["value"].pair_scores(observation, ids)
        logit = self.networks["choice"].pair_scores(observation, ids)
        loss = self._separate_loss if self.takes_several else self._choice_loss
        return self.descend(loss(rows, Scored(value, logit, consumed, shown)).mean())

    def _choice_loss(self, rows: dict[str, NDArray[Any]], scored: Scored) -> torch.Tensor:
        """Return (n,) the loss where one item or nothing (the last column) was taken of each slate."""
        value, logit, consumed, shown = scored
        taken = torch.cat([consumed, ~consumed.any(dim=1, keepdim=True)], dim=1)
        goal = self._standardised(rows["reward"] + self._future(rows))[:, None]
        there = torch.nn.functional.pad(shown, (0, 1), value=True)
        surprise = -torch.where(taken, torch.log_softmax(logit.masked_fill(~there, -torch.inf), dim=1), 0.0)
        return (taken * ((value - goal) ** 2 + surprise)).sum(dim=1)

    def _separate_loss(self, rows: dict[str, NDArray[Any]], scored: Scored) -> torch.Tensor:
        """Return (n,) the loss where each position is a slate by itself: its item was taken, or nothing."""
        value, logit, consumed, shown = scored
        future = self._future(rows)
        added = (value[:, :-1] - value[:, -1:]).detach()
        reward = self.tensor((rows["reward"] / self.spread(self.config.gamma)).astype(np.float32))
        goal = credit(added, reward, consumed) + self._standardised(future)[:, None]
        own = torch.where(consumed, value[:, :-1], value[:, -1:])
        against = logit[:, :-1] - logit[:, -1:] + self.networks["positions"](shown.shape[1])
        surprise = torch.nn.functional.softplus(torch.where(consumed, -against, against))
        return (shown * ((own - goal) ** 2 + surprise)).sum(dim=1)

    def _standardised(self, value: NDArray[np.float64]) -> torch.Tensor:
        """Return values (n,) less the offset, in units of the spread."""
        gamma = self.config.gamma
        return self.tensor(((value - self.offset(gamma)) / self.spread(gamma)).astype(np.float32))

    def _future(self, rows: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Return (n,) the discounted value of what comes next; 0 where nothing does."""
        gamma = self.config.gamma
        if gamma == 0.0:
            return np.zeros(len(rows["reward"]))
        return gamma * np.where(rows["terminated"], 0.0, self._ahead(rows))

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
        weight = np.where(slate >= 0, weight, 0.0)
        if not self.takes_several:
            return slate_values(weight, value, null_weight, null_value)
        with torch.no_grad():
            effect = torch.exp(self.learner.averaged["positions"](size)).cpu().numpy()
        return null_value + added_values(weight * effect, value, null_weight, null_value).sum(axis=1)

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
