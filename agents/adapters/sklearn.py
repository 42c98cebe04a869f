"""A scikit-learn classifier or regressor as the model of a greedy bandit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.agents.adapters.estimators import described_model, learned_numbers, made_model, restore_numbers
from recenv.agents.adapters.shown import shown_items
from recenv.agents.candidates import known_candidates
from recenv.agents.exploration import EpsilonGreedy, Exploration
from recenv.agents.observations import flat_observation
from recenv.agents.replay import Column, Replay
from recenv.agents.saving import catalogue_arrays, read_agent, saved_catalogue, write_agent
from recenv.agents.scoring import ScoreAgent
from recenv.protocol import Catalogue, Feedback, Request

ROWS_AT_ONCE = 16_384
"""Pairs whose features are in memory at once."""
FIRST_FIT, GROWTH = 200, 1.25
"""Rows before the first fit, and how much more there must be for the next: the cost of all fits stays a multiple of
the last one's."""


class SklearnAgent(ScoreAgent):
    """The candidate with the highest predicted reward, but for a share epsilon; uniform before the first fit.

    A model with `partial_fit` learns from every update; one with only `fit` learns again from what is remembered
    whenever that has grown by a quarter. A classifier predicts the mean of its classes under `predict_proba`; one that
    has none, under the softmax of its `decision_function`, which ranks but is no probability; one that has neither,
    the class itself. What a model sees of a pair is the observation, the item's features and, with `interactions`,
    their products.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed
        The model's `random_state`, where it has one that is not given.
    device
        "cpu": scikit-learn runs nowhere else.
    model
        An unfitted estimator, which is cloned; None is `Ridge()`.
    epsilon
        Share of uniform decisions.
    interactions
        Whether products are among the features: linear models need them, trees do not.
    classes
        The rewards that may come, for a classifier that learns by `partial_fit`.
    memory
        Rows that a model with only `fit` remembers.
    """

    name = "sklearn"
    training_steps = 20_000

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 0,
        device: str = "cpu",
        model: Any = None,
        epsilon: float = 0.05,
        interactions: bool = True,
        classes: tuple[float, ...] = (0.0, 1.0),
        memory: int = 20_000,
    ) -> None:
        from sklearn.base import clone, is_classifier
        from sklearn.linear_model import Ridge

        self.model = clone(Ridge() if model is None else model)
        if self.model.get_params().get("random_state", seed) is None:
            self.model.set_params(random_state=seed)
        self.options = {"model": repr(self.model), "epsilon": epsilon, "interactions": interactions, "memory": memory}
        self.catalogue, self.trained_on = catalogue, catalogue.fingerprint
        self.greedy, self.interactions, self.classes = EpsilonGreedy(epsilon), interactions, tuple(classes)
        self.online, self.classifies = hasattr(self.model, "partial_fit"), bool(is_classifier(self.model))
        self.rows, self.fitted_rows = 0, 0
        self.fitted_to: dict[str, NDArray[Any]] = {}
        self.replay = Replay(1 if self.online else memory, self._columns())
        self.memory = memory

    def _columns(self) -> dict[str, Column]:
        size = (self.catalogue.observation_size,)
        return {"observation": Column(size, np.float32), "item": Column((), np.int32), "reward": Column((), np.float32)}

    @property
    def exploration(self) -> Exploration:
        """Uniform until there is a model to be greedy about."""
        return self.greedy if self.fitted_rows else EpsilonGreedy(1.0)

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) predicted rewards; 0 before the first fit."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        scores = np.zeros(candidates.shape)
        if self.fitted_rows:
            observation = flat_observation(request.observation, self.catalogue.observation_size)
            row, column = np.nonzero(candidates >= 0)
            item = candidates[row, column]
            for start in range(0, len(row), ROWS_AT_ONCE):
                part = slice(start, start + ROWS_AT_ONCE)
                scores[row[part], column[part]] = self._predict(self._pairs(observation[row[part]], item[part]))
        return scores

    def _pairs(self, observation: NDArray[np.float32], item: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return (n, O + Q) or (n, O + Q + O Q) features of pairs."""
        features = self.catalogue.features[item]
        parts = [observation, features]
        if self.interactions:
            parts.append((observation[:, :, None] * features[:, None, :]).reshape(len(item), -1))
        return np.concatenate(parts, axis=1)

    def _predict(self, pairs: NDArray[np.float32]) -> NDArray[np.floating]:
        if not self.classifies:
            predicted: NDArray[np.floating] = self.model.predict(pairs)
            return predicted
        mean: NDArray[np.floating] = class_shares(self.model, pairs) @ self.model.classes_
        return mean

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Learn from the shown items."""
        shown = shown_items(feedback)
        if not len(shown.row):
            return {}
        observation = flat_observation(feedback.request.observation, self.catalogue.observation_size)[shown.row]
        self.rows += len(shown.row)
        if self.online:
            self._partial_fit(self._pairs(observation, shown.item), shown.reward)
            self.fitted_rows = self.rows
        else:
            self.replay.add({"observation": observation, "item": shown.item, "reward": shown.reward})
            if self.rows >= max(FIRST_FIT, GROWTH * self.fitted_rows):
                remembered = self.replay.arrays("")
                self._fit({name: remembered[name].copy() for name in self._columns()})
        return {"rows": float(self.rows)}

    def _partial_fit(self, pairs: NDArray[np.float32], reward: NDArray[np.float64]) -> None:
        if not self.classifies:
            self.model.partial_fit(pairs, reward)
            return
        unknown = np.setdiff1d(reward, self.classes)
        if len(unknown):
            raise ValueError(f"reward {unknown[0]} is not among classes {self.classes}: give all rewards that may come")
        self.model.partial_fit(pairs, reward, classes=np.array(self.classes))

    def _fit(self, rows: dict[str, NDArray[Any]]) -> None:
        """Fit to remembered rows, and keep them, since they are what a saved agent is fitted to again."""
        if self.classifies and len(np.unique(rows["reward"])) < 2:
            return
        self.model.fit(self._pairs(rows["observation"], rows["item"]), rows["reward"])
        self.fitted_rows, self.fitted_to = self.rows, rows

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder: the numbers of a model with `partial_fit`, the rows of one with only `fit`.

        Raises
        ------
        ValueError
            If the model is not scikit-learn's own, or is more than numbers, so that only pickle could keep it.
        """
        options = {
            "epsilon": self.greedy.epsilon,
            "interactions": self.interactions,
            "classes": self.classes,
            "memory": self.memory,
        }
        state = {
            "observation_size": self.catalogue.observation_size,
            "model": described_model(self.model),
            "rows": self.rows,
            "fitted_rows": self.fitted_rows,
        }
        arrays = {**catalogue_arrays(self.catalogue), **self.replay.arrays("replay.")}
        arrays |= {f"fit.{name}": column for name, column in self.fitted_to.items()}
        if self.online:
            arrays |= {f"model.{name}": value for name, value in learned_numbers(self.model).items()}
        write_agent(path, self.name, options=options, trained_on=self.trained_on, state=state, arrays=arrays)

    @classmethod
    def load(cls, path: str | Path) -> SklearnAgent:
        """Read a saved agent; a model with only `fit` is fitted again to the rows it was fitted to."""
        saved = read_agent(path, (cls.name,))
        agent = cls(saved_catalogue(saved), model=made_model(saved.state["model"]), **saved.options)
        agent.replay.restore(saved.arrays, "replay.")
        agent.rows = saved.state["fitted_rows"]
        parts = {part: _named(saved.arrays, part) for part in ("fit.", "model.")}
        if parts["fit."]:
            agent._fit(parts["fit."])
        restore_numbers(agent.model, parts["model."])
        agent.rows, agent.fitted_rows = saved.state["rows"], saved.state["fitted_rows"]
        return agent


def class_shares(model: Any, pairs: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return (n, L) how much a fitted classifier is for each of its classes; rows sum to 1."""
    if hasattr(model, "predict_proba"):
        shares: NDArray[np.floating] = model.predict_proba(pairs)
        return shares
    if not hasattr(model, "decision_function"):
        return (model.predict(pairs)[:, None] == model.classes_).astype(np.float64)
    margin = np.asarray(model.decision_function(pairs), np.float64)
    if margin.ndim == 1:  # of two classes, the margin of the second
        margin = np.column_stack([np.zeros(len(margin)), margin])
    weight = np.exp(margin - margin.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)


def _named(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
