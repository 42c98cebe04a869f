"""Neural contextual bandit: predicts the immediate reward of an item from state and item, and learns from feedback.

Not a planner: what an item does to the user's later steps is not in its target; `dqn` is for that. The network is one
of `recenv.agents.neural.scorers`; rewards are standardised, and a slate's reward is the sum of its items' scores.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.averaged_adam import AveragedAdam
from recenv.agents.candidates import known_candidates
from recenv.agents.devices import torch_device
from recenv.agents.explained_scores import ScoreExplanation
from recenv.agents.moments import Moments
from recenv.agents.neural.config import NeuralConfig
from recenv.agents.neural.histories import History, Memory, no_history, observed_history
from recenv.agents.neural.score_explanation import explained_scores
from recenv.agents.neural.scorers.registry import make_scorer
from recenv.agents.neural.scorers.scorer import Scorer, Situation
from recenv.agents.neural.user_codes import user_codes
from recenv.agents.observations import flat_observation
from recenv.agents.replay import Column, Replay
from recenv.agents.saving import (
    SavedAgent,
    catalogue_arrays,
    read_agent,
    saved_catalogue,
    write_agent,
)
from recenv.agents.scoring import ScoreAgent
from recenv.generators import generator_state, restored_generator
from recenv.protocol import Catalogue, Decision, Feedback, Request

ROWS_OF_SCALE = 1_000
"""Rows that set the scale of observations; then it stays, since a moving scale would move all scores."""
STEPS_AT_ONCE = 16
"""Gradient steps whose rows are drawn together."""


class NeuralAgent(ScoreAgent):
    """Learner of the reward; a subclass says how it explores.

    Parameters
    ----------
    catalogue
        Of the environment.
    config
        See `NeuralConfig`.
    options
        The constructor's keyword arguments, to make it again.
    seed
        Of the initial parameters and of the rows that gradient steps draw.
    device
        Where the network lives: "cpu", "cuda", ...
    """

    name: str
    training_steps = 200_000
    """User steps that it is trained for by default."""

    def __init__(
        self, catalogue: Catalogue, *, config: NeuralConfig, options: dict[str, Any], seed: int, device: str
    ) -> None:
        self.catalogue, self.config, self.options = catalogue, config, options
        self.device = torch_device(device)
        self.rng = np.random.default_rng([seed, 0x70])
        self.state_size = catalogue.observation_size + config.user_code
        self.network = self._network().to(self.device)
        self.learner = AveragedAdam(
            self.network,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            averaging=config.averaging,
        )
        self.rewards, self.observations = Moments(1), Moments(catalogue.observation_size)
        self.memory = Memory(config.memory)
        self.replay: Replay | None = None
        self.steps, self.debt = 0, 0.0
        self._kept: torch.Tensor | None = None

    def _network(self) -> Scorer:
        config = self.config
        return make_scorer(
            config.scorer, self.catalogue.features, self.state_size, width=config.width, dims=config.dims, rng=self.rng
        )

    @property
    def trained_on(self) -> tuple[int, ...]:
        """Fingerprint of the user-item pairs that the catalogue was made from."""
        return self.catalogue.fingerprint

    @property
    def learning(self) -> bool:
        """Whether there are rows enough to predict by the network."""
        return self.steps > 0 and self.steps >= self.config.learning_starts

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) predicted rewards, in units of the reward."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        if not self.learning:
            return np.log1p(self.catalogue.popularity)[candidates]
        scorer = self.learner.averaged
        with torch.no_grad():
            state = scorer.states(self._situation(*self._seen(request)))
            score = scorer.scores(state, *self._items(candidates)).cpu().numpy()
        return self.rewards.mean[0] + self.rewards.spread()[0] * score.astype(np.float64)

    def _items(self, candidates: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return vectors of items (n, W) and the candidates' rows in them (B, C): of all items, or of those asked."""
        scorer, asked = self.learner.averaged, np.maximum(candidates, 0)
        if self._kept is None and asked.size < scorer.n_items:
            ids, place = np.unique(asked, return_inverse=True)
            return scorer.items(self._tensor(ids)), self._tensor(place.reshape(asked.shape))
        if self._kept is None:
            self._kept = scorer.items()
        return self._kept, self._tensor(asked)

    def _seen(self, request: Request) -> tuple[NDArray[np.float32], History]:
        """Return the state (B, S), not yet standardised, and the history that the scorer reads."""
        state = flat_observation(request.observation, self.catalogue.observation_size)
        if self.config.user_code:
            state = np.concatenate([state, user_codes(request.users, len(state), self.config.user_code)], axis=1)
        return state, self._history(request, len(state))

    def _history(self, request: Request, rows: int) -> History:
        scorer = self.network
        if not scorer.reads_history:
            return no_history(rows)
        observed = observed_history(request.observation)
        if observed is not None:
            return observed
        if not scorer.remembers:
            raise ValueError(
                f'scorer={self.config.scorer!r} reads "shown" and "feedback", which this observation lacks: make the '
                'environment with observation="history"'
            )
        kept = self.memory.of(np.full(rows, -1) if request.users is None else request.users)
        return History(kept.shown, ((kept.feedback - self.rewards.mean[0]) / self.rewards.spread()[0]).astype("f4"))

    def _situation(self, state: NDArray[np.float32], history: History) -> Situation:
        """Return the scorer's input, observations standardised; user codes are as they are."""
        size = self.catalogue.observation_size
        scaled = state.copy()
        scaled[:, :size] -= self.observations.mean.astype(np.float32)
        scaled[:, :size] *= (1.0 / self.observations.spread()).astype(np.float32)
        return Situation(self._tensor(scaled), *map(self._tensor, history))

    def _tensor(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.as_tensor(array, device=self.device)

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Keep the feedback, and take as many gradient steps as `replay_ratio` asks for."""
        items, reward = np.asarray(feedback.decision.items), np.asarray(feedback.reward, np.float64)
        if not len(items):
            return {}
        state, history = self._seen(feedback.request)
        self._keep(state, history, items, reward)
        if self.observations.count < max(ROWS_OF_SCALE, self.config.learning_starts):
            self.observations.add(state[:, : self.catalogue.observation_size])
        self.rewards.add(reward[:, None])
        self._remember(feedback.request, items, reward)
        self.steps += len(items)
        return self._learn(len(items)) if self.learning else {}

    def _keep(
        self, state: NDArray[np.float32], history: History, items: NDArray[np.integer], reward: NDArray[np.float64]
    ) -> None:
        """Append rows to the replay; a history is as it was before this feedback came."""
        rows = {"state": state, "shown": history.shown, "feedback": history.feedback, "items": items, "reward": reward}
        rows |= self._extra_columns(len(items))
        if self.replay is None:
            self.replay = Replay(
                self.config.replay_size, {name: Column(row.shape[1:], row.dtype) for name, row in rows.items()}
            )
        self.replay.add(rows)

    def _extra_columns(self, rows: int) -> dict[str, NDArray[Any]]:
        """Return more columns of the replay, for a subclass that learns from some."""
        return {}

    def _remember(self, request: Request, items: NDArray[np.integer], reward: NDArray[np.float64]) -> None:
        """Add each shown item to its user's history, where histories are kept; a slate's reward is shared out."""
        if not self.network.remembers or request.users is None or observed_history(request.observation) is not None:
            return
        shown = items >= 0
        share = np.broadcast_to((reward / np.maximum(shown.sum(axis=1), 1))[:, None], items.shape)
        users = np.broadcast_to(np.asarray(request.users)[:, None], items.shape)
        self.memory.add(users[shown], items[shown], share[shown])

    def _learn(self, rows: int) -> dict[str, float]:
        """Take the gradient steps that so many rows are worth; parts of steps are carried over."""
        self.debt += rows * self.config.replay_ratio / self.config.batch_size
        whole = int(self.debt)
        self.debt -= whole
        losses = [
            loss
            for start in range(0, whole, STEPS_AT_ONCE)
            for loss in self._gradient_steps(min(STEPS_AT_ONCE, whole - start))
        ]
        if not losses:
            return {}
        self._kept = None
        return {"loss": float(np.mean(losses))}

    def _gradient_steps(self, count: int) -> list[float]:
        """Lower the squared error of the standardised reward on `count` batches; return the errors."""
        assert self.replay is not None
        batch = self.config.batch_size
        rows = self.replay.sample(count * batch, self.rng)
        situation, items, target = self._batch(rows)
        losses = []
        for start in range(0, count * batch, batch):
            part = slice(start, start + batch)
            losses.append(
                self._loss(Situation(*(one[part] for one in situation)), items[part], target[part], rows, part)
            )
            self.learner.step()
        return losses

    def _batch(self, rows: dict[str, NDArray[Any]]) -> tuple[Situation, torch.Tensor, torch.Tensor]:
        """Return situations, items (n, K) and standardised rewards (n,) of rows of the replay."""
        target = (rows["reward"] - self.rewards.mean[0]) / self.rewards.spread()[0]
        situation = self._situation(rows["state"], History(rows["shown"], rows["feedback"]))
        return situation, self._tensor(rows["items"].astype(np.int64)), self._tensor(target.astype(np.float32))

    def _loss(
        self,
        situation: Situation,
        items: torch.Tensor,
        target: torch.Tensor,
        rows: dict[str, NDArray[Any]],
        part: slice,
    ) -> float:
        """Leave the gradient of a batch in the network and return its error; `rows[part]` are the batch's rows."""
        return self.network.learn_from(situation, items, target)

    def explain(self, request: Request, decision: Decision) -> ScoreExplanation:
        """Return which parts of the state and of the items moved the scores of a decision (see `ScoreExplanation`)."""
        if not self.learning:
            raise ValueError(
                f"{self.name} has learned from {self.steps} rows: nothing explains before learning_starts; train it"
            )
        known_candidates(decision.items, self.catalogue.n_items)
        situation = self._situation(*self._seen(request))
        items = self._tensor(np.asarray(decision.items))
        explained = explained_scores(*self._deciding(), situation, items)
        return explained.in_units(self.rewards.mean[0], self.rewards.spread()[0])

    def _deciding(self) -> tuple[Scorer, torch.Tensor]:
        """Return the network that predicts rewards when it doesn't explore, and the weights (F,) of its last layer."""
        return self.learner.averaged, self.learner.averaged.last()

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder: parameters, optimiser, replay, counters and generator."""
        write_agent(
            path,
            self.name,
            options=self.options,
            trained_on=self.trained_on,
            state=self._saved_state(),
            arrays=self._saved_arrays(),
        )

    def _saved_state(self) -> dict[str, Any]:
        return {
            "observation_size": self.catalogue.observation_size,
            "steps": self.steps,
            "debt": self.debt,
            "rng": generator_state(self.rng),
        }

    def _saved_arrays(self) -> dict[str, NDArray[Any]]:
        return {
            **catalogue_arrays(self.catalogue),
            **self.learner.arrays("learner."),
            **self.rewards.arrays("rewards."),
            **self.observations.arrays("observations."),
            **self.memory.arrays("memory."),
            **(self.replay.arrays("replay.") if self.replay else {}),
        }

    @classmethod
    def load(cls, path: str | Path, *, device: str = "cpu") -> Self:
        """Read a saved agent; it goes on bit for bit where it was saved (on the same kind of device)."""
        kinds = {kind.name: kind for kind in _kinds(cls)}
        saved = read_agent(path, tuple(kinds))
        agent = kinds[saved.name](saved_catalogue(saved), device=device, **saved.options)
        agent._restore(saved)
        return agent

    def _restore(self, saved: SavedAgent) -> None:
        arrays, state = saved.arrays, saved.state
        self.learner.restore(arrays, "learner.")
        self.rewards.restore(arrays, "rewards.")
        self.observations.restore(arrays, "observations.")
        self.memory.restore(arrays, "memory.")
        columns = {name.removeprefix("replay."): array for name, array in arrays.items() if name.startswith("replay.")}
        columns.pop("position", None)
        if columns:
            self.replay = Replay(
                self.config.replay_size, {name: Column(one.shape[1:], one.dtype) for name, one in columns.items()}
            )
            self.replay.restore(arrays, "replay.")
        self.steps, self.debt = state["steps"], state["debt"]
        self.rng = restored_generator(state["rng"])


def _kinds(kind: type[Any]) -> list[type[Any]]:
    """Return a class and those that derive from it, as far as they have names to be saved under."""
    named = [kind] if hasattr(kind, "name") else []
    return [*named, *(one for other in kind.__subclasses__() for one in _kinds(other))]
