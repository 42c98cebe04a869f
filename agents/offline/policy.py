"""Learners from a log: a policy that maximises its own off-policy value, less a share of its standard error.

Two towers score the candidates and the policy is their softmax. `ips_learner` maximises the inverse-propensity
estimate, `dr_learner` the doubly robust one, starting from its reward model; `dm_learner` believes the reward model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.candidates import known_candidates
from recenv.agents.devices import torch_device
from recenv.agents.explained_scores import ScoreExplanation, explained_towers
from recenv.agents.exploration import EpsilonGreedy, Softmax
from recenv.agents.observations import flat_observation
from recenv.agents.offline.config import OfflineConfig
from recenv.agents.offline.reward import BestSoFar, fit_reward, fresh_network, measure_every
from recenv.agents.offline.rows import Batch, Log, OfflineRows, Parts, split_users
from recenv.agents.offline.value import Running, Value, held_out_value, row_terms
from recenv.agents.options import options_record
from recenv.agents.saving import catalogue_arrays, read_agent, saved_catalogue, write_agent
from recenv.agents.scoring import ScoreAgent
from recenv.agents.torch_arrays import module_arrays, restore_module
from recenv.agents.towers import TowerNetwork
from recenv.protocol import Catalogue, Decision, Request

SHARPNESS = (1.0, 0.25, 0.5, 1.5, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Factors that the logits may take; of equal ones the first."""
MAX_HELD_OUT = 50_000
"""Rows that decide when to stop."""


class OfflinePolicyAgent(ScoreAgent):
    """Softmax (or, for `dm_learner`, greedy) policy learned by `fit(log)`; it learns nothing from `update`.

    Until it is fitted it draws in proportion to popularity. Each `fit` starts anew, from the seed.

    Parameters
    ----------
    catalogue
        Of the environment or the log.
    name
        "ips_learner", "dr_learner" or "dm_learner".
    options
        The factory's keyword arguments, to make it again.
    config
        How it learns.
    self_normalised
        Whether inverse-propensity values are divided by the mean weight.
    seed
        Of the split of users, the initial parameters and the rows that gradient steps draw.
    device
        Where the towers live: "cpu", "cuda", ...
    """

    training_steps = 0

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        name: str,
        options: dict[str, Any],
        config: OfflineConfig,
        self_normalised: bool = False,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.name, self.options, self.config, self.self_normalised = name, options, config, self_normalised
        self.catalogue, self.seed = catalogue, seed
        self.device = torch_device(device)
        self.network: TowerNetwork | None = None
        self.sharpness = 1.0
        self.exploration = EpsilonGreedy(0.0) if name == "dm_learner" else Softmax(1.0)
        self._kept: tuple[torch.Tensor, torch.Tensor] | None = None

    @property
    def trained_on(self) -> tuple[int, ...]:
        """Fingerprint of the user-item pairs that the catalogue was made from."""
        return self.catalogue.fingerprint

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) logits of the candidates; of `dm_learner` the standardised predictions."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        if self.network is None:
            return np.log1p(self.catalogue.popularity)[candidates]
        flat = flat_observation(request.observation, self.catalogue.observation_size)
        with torch.no_grad():
            if self._kept is None:
                self._kept = self.network.items()
            score = self.network.scores(torch.tensor(flat, device=self.device), self._kept).cpu().numpy()
        return self.sharpness * np.take_along_axis(score, np.maximum(candidates, 0), axis=1).astype(np.float64)

    def explain(self, request: Request, decision: Decision) -> ScoreExplanation:
        """Return which parts of the state and of the items moved the scores of a decision; see `scores`.

        Raises
        ------
        ValueError
            If it has not learned from a log yet.
        """
        if self.network is None:
            raise ValueError(f"{self.name} has not learned yet, so nothing explains its scores; fit it to a log")
        flat = flat_observation(request.observation, self.catalogue.observation_size)
        seen = torch.tensor(flat, device=self.device)
        return explained_towers(self.network.score_of, self.network, seen, decision.items).in_units(0.0, self.sharpness)

    def fit(self, log: Log) -> dict[str, float]:
        """Learn from a log with propensities, one item a step; return the value on its held-out users.

        The keys are `value` and `std_error`, in units of the reward, as estimated on the users that decided when to
        stop; so the value is optimistic, and `recenv.ope.gate` is what tests a policy. `dm_learner` returns the
        `squared_error` of its model on them instead.

        Raises
        ------
        ValueError
            If the log has slates, no propensities, other items than the catalogue, or too few users.
        """
        rng = np.random.default_rng([self.seed, 0x0F])
        rows = OfflineRows(log, self.catalogue, self.device)
        parts = split_users(rows.user, self.config.held_out, self.config.folds, MAX_HELD_OUT, rng)
        self._kept, self.sharpness = None, 1.0
        self.network = fresh_network(self.catalogue, rows, parts.train, self.config, rng)
        if self.name == "ips_learner":
            return self._in_rewards(self._improve(rows, parts, [], rng), rows)
        error = fit_reward(self.network, rows, parts.train, parts.held_out, self.config, rng)
        if self.name == "dm_learner":
            return {"squared_error": error * rows.unit**2}
        models = [self._fold_model(rows, parts, fold, rng) for fold in range(self.config.folds)]
        self._sharpen(rows, parts, models)
        return self._in_rewards(self._improve(rows, parts, models, rng), rows)

    def _fold_model(self, rows: OfflineRows, parts: Parts, fold: int, rng: np.random.Generator) -> TowerNetwork:
        train = parts.without(fold)
        model = fresh_network(self.catalogue, rows, train, self.config, rng)
        fit_reward(model, rows, train, parts.held_out, self.config, rng)
        return model

    def _sharpen(self, rows: OfflineRows, parts: Parts, models: Sequence[TowerNetwork]) -> None:
        """Take the factor of the logits that held-out users judge best."""
        start, found = self.sharpness, {}
        for factor in SHARPNESS:
            self.sharpness = factor * start
            found[self.sharpness] = self._cautious(self._judge(rows, parts.held_out, models))
        self.sharpness = max(found, key=found.__getitem__)

    def _improve(
        self, rows: OfflineRows, parts: Parts, models: Sequence[TowerNetwork], rng: np.random.Generator
    ) -> Value:
        """Ascend the value of the training rows; keep the parameters that held-out users judge best."""
        assert self.network is not None
        config, train = self.config, parts.train
        # Sharp logits move more than the parameters do.
        rate = config.learning_rate / max(self.sharpness, 1.0)
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=rate, weight_decay=0.0)
        best, running = BestSoFar(self.network, config.patience), Running(self.self_normalised and not models)
        start = self._judge(rows, parts.held_out, models)
        best.measured(self._cautious(start))
        share = np.array([len(fold) for fold in parts.folds]) / len(train)
        every = measure_every(len(train), config)
        for step in range(config.steps):
            # The rows of a batch are of one fold, so that one reward model serves them.
            fold = int(rng.choice(len(share), p=share))
            chosen = parts.folds[fold][rng.integers(len(parts.folds[fold]), size=config.batch_size)]
            terms = self._terms(rows.batch(chosen), models[fold : fold + 1], running)
            loss = running.loss(terms, config.caution / len(train) ** 0.5)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            if (step + 1) % every == 0 and best.measured(self._cautious(self._judge(rows, parts.held_out, models))):
                break
        best.restore()
        self._sharpen(rows, parts, models)
        return self._judge(rows, parts.held_out, models)

    def _terms(self, batch: Batch, models: Sequence[TowerNetwork], running: Running) -> torch.Tensor:
        """Return the terms u (B,) of a batch, see `offline_value`."""
        weight, expectation, logged = self._weights(batch, models)
        if models:
            return expectation + weight * (batch.reward - logged)
        running.follow_weights(weight, batch.reward)
        level, scale = running.ratio()
        return level + weight * (batch.reward - level) / scale

    def _weights(self, batch: Batch, models: Sequence[TowerNetwork]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        assert self.network is not None
        logits = self.sharpness * _candidate_scores(self.network, batch)
        log_probability = logits.masked_fill(batch.candidates < 0, -torch.inf).log_softmax(dim=1)
        with torch.no_grad():
            q = [_candidate_scores(model, batch) for model in models]
            mean = torch.stack(q).mean(dim=0) if q else torch.zeros_like(logits)
        return row_terms(log_probability, batch.column, batch.propensity, mean, self.config.clip)

    def _judge(self, rows: OfflineRows, held_out: NDArray[np.int64], models: Sequence[TowerNetwork]) -> Value:
        weight, expectation, logged = (np.empty(len(held_out)) for _ in range(3))
        with torch.no_grad():
            for place, batch in rows.blocks(held_out):
                found = self._weights(batch, models)
                weight[place], expectation[place], logged[place] = (one.cpu().numpy() for one in found)
        return held_out_value(
            weight,
            expectation,
            rows.reward[held_out] - logged,
            rows.user[held_out],
            normalised=self.self_normalised and not models,
        )

    def _cautious(self, value: Value) -> float:
        return value.cautious(self.config.caution, self.config.effective_rows)

    def _in_rewards(self, value: Value, rows: OfflineRows) -> dict[str, float]:
        return {"value": rows.level + rows.unit * value.value, "std_error": rows.unit * value.std_error}

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder: catalogue, parameters and seed."""
        state = {
            "observation_size": self.catalogue.observation_size,
            "seed": self.seed,
            "sharpness": self.sharpness,
            "fitted": self.network is not None,
        }
        parameters = {} if self.network is None else module_arrays(self.network, "network.")
        arrays = {**catalogue_arrays(self.catalogue), **parameters}
        write_agent(path, self.name, options=self.options, trained_on=self.trained_on, state=state, arrays=arrays)

    @classmethod
    def load(cls, path: str | Path, *, device: str = "cpu") -> OfflinePolicyAgent:
        """Read a saved agent; it decides as it did, and learns from a log as it would have."""
        saved = read_agent(path, tuple(_FACTORIES))
        catalogue = saved_catalogue(saved)
        agent = _FACTORIES[saved.name](catalogue, seed=saved.state["seed"], device=device, **saved.options)
        if saved.state["fitted"]:
            network = TowerNetwork(
                catalogue.features,
                catalogue.observation_size,
                width=agent.config.width,
                dims=agent.config.dims,
                rng=np.random.default_rng(0),
            )
            restore_module(network, saved.arrays, "network.")
            agent.network, agent.sharpness = network.to(agent.device), saved.state["sharpness"]
        return agent


def ips_learner(
    catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", self_normalised: bool = True, **options: Any
) -> OfflinePolicyAgent:
    """Return the learner that maximises the (self-normalised) inverse-propensity value of a log.

    Counterfactual risk minimisation: mean(u) - caution * std(u) / sqrt(n), weights clipped, stopped on held-out users
    (Swaminathan and Joachims 2015, `swaminathan2015counterfactual`, `swaminathan2015self`). Assumes that propensities
    are right and that every good item could have been logged.

    Parameters
    ----------
    self_normalised
        Divide by the mean weight, so that a constant added to all rewards changes nothing.
    options
        Fields of `OfflineConfig`; another name is refused.
    """
    return OfflinePolicyAgent(
        catalogue,
        name="ips_learner",
        options={"self_normalised": self_normalised, **options},
        config=options_record(OfflineConfig, options, "ips_learner", beside=("self_normalised",)),
        self_normalised=self_normalised,
        seed=seed,
        device=device,
    )


def dr_learner(catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", **options: Any) -> OfflinePolicyAgent:
    """Return the learner that maximises the doubly robust value of a log, starting from its reward model.

    The reward models that correct a row have not seen its user (Dudik et al. 2011, `dudik2011doubly`; Swaminathan and
    Joachims 2015, `swaminathan2015counterfactual`). Right if the propensities or the model are.

    Parameters
    ----------
    options
        Fields of `OfflineConfig`; another name is refused.
    """
    config = options_record(OfflineConfig, options, "dr_learner")
    return OfflinePolicyAgent(catalogue, name="dr_learner", options=options, config=config, seed=seed, device=device)


def dm_learner(catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", **options: Any) -> OfflinePolicyAgent:
    """Return the direct method: greedy on a reward model, whatever the log can tell of the items it likes.

    Parameters
    ----------
    options
        Fields of `OfflineConfig`; another name is refused.
    """
    config = options_record(OfflineConfig, options, "dm_learner")
    return OfflinePolicyAgent(catalogue, name="dm_learner", options=options, config=config, seed=seed, device=device)


_FACTORIES = {"ips_learner": ips_learner, "dr_learner": dr_learner, "dm_learner": dm_learner}


def _candidate_scores(network: TowerNetwork, batch: Batch) -> torch.Tensor:
    """Return (B, C) scores of the candidates; what stands at -1 is that of item 0."""
    return network.scores(batch.observation).gather(1, batch.candidates.clamp(min=0))
