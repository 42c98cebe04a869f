"""DQN: plans ahead, one item a step (Mnih et al. 2015, `mnih2015human`), with a Q-head of two towers.

    Q(s, a) = f(s) . g(a) + v(s) + b(a)
    target  = r + gamma * (1 - terminated) * Q'(s', argmax_a Q(s', a))        a among the next candidates

Q' is the average of the last networks: it changes slowly, so that targets stay put, and it decides. The maximum is
chosen by one network and valued by the other (double DQN, van Hasselt et al. 2016, `vanhasselt2016double`): a plain
maximum over a catalogue picks up the noise of all its items. With `dueling`, f(s) . g(a) + b(a) has mean 0 over the
catalogue, so that v(s) is the state's value (Wang et al. 2016, `wang2016dueling`).
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.allowed_items import unpack_allowed
from recenv.agents.candidates import known_candidates
from recenv.agents.explained_scores import ScoreExplanation, explained_towers
from recenv.agents.exploration import EpsilonGreedy, Exploration
from recenv.agents.observations import flat_observation
from recenv.agents.options import options_record
from recenv.agents.schedules import LinearSchedule
from recenv.agents.slates.slate_learner import SlateLearner
from recenv.agents.towers import DuelingTowers, TowerNetwork
from recenv.protocol import Catalogue, Decision, Feedback, Request


@dataclass(frozen=True)
class DQNConfig:
    """How DQN is built and trained."""

    gamma: float = 0.2
    """Discount of the next step's value, in [0, 1); 0 is the myopic agent, a contextual bandit. Where a shown item
    matters for long, as with trust and leaving, raise it (to 0.9, say) and `weight_decay` with it (to 1): high
    discounts learn more slowly, and values that look far ahead pick up more of the items' noise."""
    double: bool = True
    """Whether one network chooses the next item and the other values it; else the slow one does both."""
    dueling: bool = False
    """Whether the values of items are centred over the catalogue."""
    epsilon: float = 0.01
    """Share of decisions drawn uniformly when exploring, once `epsilon_steps` are done."""
    epsilon_start: float = 0.1
    """Share of decisions drawn uniformly at the start."""
    epsilon_steps: int = 1_000
    """User steps over which the share falls on a line."""
    width: int = 64
    """Hidden units of each tower."""
    dims: int = 32
    """D, size of the product of the towers."""
    learning_rate: float = 3e-3
    """Of Adam."""
    weight_decay: float = 0.1
    """Decoupled, of AdamW."""
    averaging: float = 0.97
    """Decisions and targets use the average of the parameters over about 1 / (1 - averaging) gradient steps."""
    batch_size: int = 256
    """Rows of a gradient step."""
    replay_ratio: float = 16.0
    """How often a row of experience is used, on average."""
    replay_size: int = 100_000
    """Rows of experience kept."""
    learning_starts: int = 200
    """Rows before the first gradient step; scores are the item's log popularity until then."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        EpsilonGreedy(self.epsilon), EpsilonGreedy(self.epsilon_start)
        for name in ("gamma", "averaging"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"{name} must be in [0, 1), got {getattr(self, name)!r}")
        zero = ("gamma", "averaging", "epsilon", "epsilon_start", "epsilon_steps", "weight_decay", "learning_starts")
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if item.name in ("double", "dueling"):
                if not isinstance(value, bool):
                    raise ValueError(f"{item.name} must be True or False, got {value!r}")
            elif not (math.isfinite(value) and (value > 0 or (value == 0 and item.name in zero))):
                raise ValueError(
                    f"{item.name} must be {'0 or more' if item.name in zero else 'above 0'}, got {value!r}"
                )


class DQNAgent(SlateLearner):
    """Epsilon-greedy on learned action values; learns in `update`, in any training loop.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed
        Of the initial parameters and of the rows that gradient steps draw.
    device
        Where the networks live: "cpu", "cuda", ...
    options
        Fields of `DQNConfig`; another name is refused.
    """

    name = "dqn"

    def __init__(self, catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", **options: Any) -> None:
        self.config = config = options_record(DQNConfig, options, self.name)
        self.schedule = LinearSchedule(config.epsilon_start, config.epsilon, config.epsilon_steps)
        self.towers = DuelingTowers if config.dueling else TowerNetwork
        super().__init__(catalogue, config, options=options, networks=("value",), seed=seed, device=device)

    @property
    def exploration(self) -> Exploration:
        """Exploration at this point of training."""
        return EpsilonGreedy(self.schedule.value(self.steps))

    @property
    def online(self) -> TowerNetwork:
        """The network that is trained."""
        return cast(TowerNetwork, self.networks["value"])

    @property
    def target(self) -> TowerNetwork:
        """The average of the last networks: it decides, and values what comes next."""
        return cast(TowerNetwork, self.learner.averaged["value"])

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) action values, in units of the discounted reward."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        if not self.has_learned:
            return np.log1p(self.catalogue.popularity)[candidates]
        seen = self.tensor(flat_observation(request.observation, self.catalogue.observation_size))
        asked = np.maximum(candidates, 0)
        if asked.size >= self.catalogue.n_items:
            table = self.all_scores("value", seen)
        else:
            ids, places = np.unique(asked, return_inverse=True)
            asked = places.reshape(asked.shape)
            with torch.no_grad():
                table = self.target.scores(seen, self.target.items(self.tensor(ids)))
        return self._in_units(np.take_along_axis(table.cpu().numpy(), asked, axis=1))

    def _in_units(self, score: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what networks predict in units of the discounted reward."""
        gamma = self.config.gamma
        return self.offset(gamma) + self.spread(gamma) * score.astype(np.float64)

    def explain(self, request: Request, decision: Decision) -> ScoreExplanation:
        """Return which parts of the state and of the items moved the action values of a decision.

        Raises
        ------
        ValueError
            If it has not learned yet.
        """
        explained = explained_towers(self.target.score_of, self.target, self.explicable(request), decision.items)
        return explained.in_units(self.offset(self.config.gamma), self.spread(self.config.gamma))

    def gradient_step(self, rows: dict[str, NDArray[Any]]) -> float:
        """Lower the squared error of Q at the shown items."""
        shown = self.tensor(rows["items"]).long()
        value = self.online.pair_scores(self.tensor(rows["observation"]), shown.clamp(min=0))
        goal = self.tensor(self._goal(rows).astype(np.float32))
        return self.descend(((value[:, 0] - goal) ** 2 * (shown[:, 0] >= 0)).mean())

    def _goal(self, rows: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Return (n,) standardised targets: values less the offset; a session without a next item ends there."""
        value, gamma = rows["reward"].copy(), self.config.gamma
        allowed = unpack_allowed(rows["next_allowed"], self.catalogue.n_items)
        live = np.flatnonzero(~rows["terminated"] & allowed.any(axis=1))
        if gamma > 0.0 and len(live):
            value[live] += gamma * self._ahead(rows["next_observation"][live], allowed[live])
        return (value - self.offset(gamma)) / self.spread(gamma)

    def _ahead(self, observation: NDArray[np.float32], allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return (n,) the value of the best allowed item, in units of the discounted reward.

        One matrix product over the items that any row allows: few where requests have few candidates.
        """
        seen, ids = self.tensor(observation), np.flatnonzero(allowed.any(axis=0))
        choosing = self.online if self.config.double else self.target
        with torch.no_grad():
            score = choosing.scores(seen, choosing.items(self.tensor(ids)))
            best = score.masked_fill(~self.tensor(allowed[:, ids]), -torch.inf).argmax(dim=1, keepdim=True)
            value = self.target.pair_scores(seen, self.tensor(ids)[best])[:, 0]
        return self._in_units(value.cpu().numpy())

    def _rows(self, feedback: Feedback) -> dict[str, NDArray[Any]]:
        """Return the replay's columns; slates are refused."""
        size = feedback.decision.items.shape[1]
        if size != 1:
            raise ValueError(f"dqn learns from one item a step, feedback has slates of {size}: use slateq")
        return super()._rows(feedback)
