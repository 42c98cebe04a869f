"""A policy object of the Open Bandit Pipeline (package `obp`), online or offline, known by its methods alone."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.agents.adapters.proportional import Proportional
from recenv.agents.adapters.shown import shown_items
from recenv.agents.candidates import known_candidates
from recenv.agents.observations import flat_observation
from recenv.agents.scoring import ScoreAgent
from recenv.protocol import Catalogue, Decision, Feedback, Request


class OBPPolicyAgent:
    """An online policy (`select_action`, `update_params`); the probability of its choice is unknown.

    Its generator starts at a number from `rng` in every call. Make it with `len_list` equal to `n_actions`: it then
    ranks all items, and the best ones that are candidates are shown.

    Parameters
    ----------
    catalogue
        Of the environment; an action is an item.
    policy
        A context-free policy, or a contextual one of `dim` equal to the width of the flat observation.
    """

    name = "obp"
    training_steps = 20_000

    def __init__(self, catalogue: Catalogue, *, policy: Any) -> None:
        for method in ("select_action", "update_params"):
            if not callable(getattr(policy, method, None)):
                raise TypeError(f"policy {type(policy).__name__} has no {method}(): give an online policy of obp")
        if policy.n_actions != catalogue.n_items:
            raise ValueError(f"policy has {policy.n_actions} actions, the catalogue {catalogue.n_items} items")
        self.catalogue, self.policy = catalogue, policy
        self.contextual = "context" in inspect.signature(policy.select_action).parameters

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Choose the best-ranked candidates of each user; `explore` changes nothing."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        self.policy.random_ = np.random.RandomState(int(rng.integers(2**31)))
        items = np.full((len(candidates), request.slate_size), -1, np.int64)
        for row, context in enumerate(self._contexts(request)):
            ranking = np.asarray(self.policy.select_action(*context), np.int64)
            allowed = candidates[row][candidates[row] >= 0]
            best = ranking[np.isin(ranking, allowed)][: request.slate_size]
            if len(best) < min(request.slate_size, len(allowed)):
                raise ValueError(
                    f"policy ranked {len(ranking)} of {self.catalogue.n_items} actions, and too few of them are "
                    f"candidates of row {row}: make it with len_list={self.catalogue.n_items}"
                )
            items[row, : len(best)] = best
        return Decision(items, np.full(len(items), np.nan))

    def _contexts(self, request: Request) -> list[tuple[NDArray[np.floating], ...]]:
        """Return what `select_action` is given for each user: nothing, or a (1, O) observation."""
        if not self.contextual:
            return [()] * len(request.candidates)
        flat = flat_observation(request.observation, self.catalogue.observation_size)
        return [(row[None].astype(np.float64),) for row in flat]

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Learn from each shown item in turn."""
        contexts = self._contexts(feedback.request)
        for row, item, reward in zip(*shown_items(feedback), strict=True):
            self.policy.update_params(int(item), float(reward), *contexts[row])
        return {}


class OBPLearnerAgent(ScoreAgent):
    """An offline learner that was fitted (`predict_proba`), with its own exact probabilities; it learns no more.

    Parameters
    ----------
    catalogue
        Of the environment; an action is an item.
    learner
        A learner such as `IPWLearner` or `NNPolicyLearner` of `len_list` 1, fitted on flat observations.
    """

    name = "obp_learner"
    exploration = Proportional()
    training_steps = 0

    def __init__(self, catalogue: Catalogue, *, learner: Any) -> None:
        if not callable(getattr(learner, "predict_proba", None)):
            raise TypeError(f"learner {type(learner).__name__} has no predict_proba(): give a fitted offline learner")
        if learner.n_actions != catalogue.n_items:
            raise ValueError(f"learner has {learner.n_actions} actions, the catalogue {catalogue.n_items} items")
        self.catalogue, self.learner = catalogue, learner

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) the learner's probabilities."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        flat = flat_observation(request.observation, self.catalogue.observation_size)
        if not len(flat):
            return np.zeros(candidates.shape)
        every = np.asarray(self.learner.predict_proba(context=flat.astype(np.float64)))[:, :, 0]
        return np.take_along_axis(every, np.maximum(candidates, 0), axis=1)
