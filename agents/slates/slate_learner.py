"""What agents that learn from replayed slates share: experience, scales, number of steps, saving, logs."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray

from recenv.agents.allowed_items import pack_allowed, packed_size
from recenv.agents.averaged_adam import AveragedAdam
from recenv.agents.candidates import known_candidates
from recenv.agents.consumed import consumed_positions
from recenv.agents.devices import torch_device
from recenv.agents.moments import Moments
from recenv.agents.observations import flat_observation
from recenv.agents.replay import Column, Replay
from recenv.agents.saving import (
    catalogue_arrays,
    read_agent,
    saved_catalogue,
    write_agent,
)
from recenv.agents.scoring import ScoreAgent
from recenv.agents.slates.logged_slates import logged_slates
from recenv.agents.slates.position_effect import PositionEffect
from recenv.agents.towers import TowerNetwork
from recenv.generators import generator_state, restored_generator
from recenv.protocol import Catalogue, Feedback, Request

SCALE_ROWS = 2_000
"""Rows that set the scales: the first steps of sessions alone would make features that grow in a session too large."""

POPULARITY_PRIOR = 0.3
"""What a standard deviation of log popularity is worth at first, so that what nobody tried starts below."""

Self = TypeVar("Self", bound="SlateLearner")


class LearnerConfig(Protocol):
    """The options that every such agent has."""

    @property
    def width(self) -> int:
        """Hidden units of each tower."""
        ...

    @property
    def dims(self) -> int:
        """D, size of the product of the towers."""
        ...

    @property
    def learning_rate(self) -> float:
        """Of Adam."""
        ...

    @property
    def weight_decay(self) -> float:
        """Decoupled, of AdamW."""
        ...

    @property
    def averaging(self) -> float:
        """Weight of the past in the running average of the parameters."""
        ...

    @property
    def batch_size(self) -> int:
        """Rows of a gradient step."""
        ...

    @property
    def replay_ratio(self) -> float:
        """How often a row of experience is used, on average."""
        ...

    @property
    def replay_size(self) -> int:
        """Rows of experience kept."""
        ...

    @property
    def learning_starts(self) -> int:
        """Rows before the first gradient step."""
        ...


class SlateLearner(ScoreAgent):
    """Base of the agents; a subclass has `name`, makes `networks` and takes a gradient step on replayed rows.

    Parameters
    ----------
    catalogue
        Of the environment.
    config
        Options, checked.
    options
        The keyword arguments they were made from, to make the agent again.
    networks
        Names of the networks; each is a `TowerNetwork`.
    null_item
        Whether the networks know one item more than the catalogue: choosing nothing, number N.
    positions
        Whether it learns what a position does to an item, see `PositionEffect`.
    seed
        Of the initial parameters and of the rows that gradient steps draw.
    device
        Where the networks live: "cpu", "cuda", ...
    """

    name: str
    training_steps = 200_000
    """User steps that it is trained for by default."""
    towers: Callable[..., TowerNetwork]
    """What the networks are made of; a subclass sets it before it calls the constructor."""

    def __init__(
        self,
        catalogue: Catalogue,
        config: LearnerConfig,
        *,
        options: dict[str, Any],
        networks: tuple[str, ...],
        null_item: bool = False,
        positions: bool = False,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.catalogue, self.options, self._learner = catalogue, options, config
        self.device = torch_device(device)
        self.rng = np.random.default_rng([seed, 0x96])
        towers: dict[str, torch.nn.Module] = {name: self._network(null_item) for name in networks}
        effect = {"positions": PositionEffect()} if positions else {}
        self.networks = torch.nn.ModuleDict({**towers, **effect}).to(self.device)
        self.learner = AveragedAdam(
            self.networks,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            averaging=config.averaging,
        )
        self.rewards, self.observations = Moments(2), Moments(catalogue.observation_size)
        self.replay: Replay | None = None
        self.steps, self.gradient_steps, self.debt = 0, 0, 0.0
        self.takes_several = False
        self._kept: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}

    def _network(self, null_item: bool) -> TowerNetwork:
        config, size = self._learner, self.catalogue.observation_size
        # Popularity as a feature: an item that was never shown is scored as popular ones have done.
        features = np.column_stack([self.catalogue.features, np.log1p(self.catalogue.popularity)]).astype(np.float32)
        if null_item:
            features = np.concatenate([features, features.mean(axis=0, keepdims=True)])
        return self.towers(features, size, width=config.width, dims=config.dims, rng=self.rng)

    def start_from_popularity(self, name: str, weight: float) -> None:
        """Let a network score `weight` a standard deviation of log popularity; random scores take long to unlearn."""
        for networks in (self.networks, self.learner.averaged):
            network = cast(TowerNetwork, networks[name])
            silence(network)
            with torch.no_grad():
                network.item_tower.skip.weight[-1, -1] = weight

    @property
    def trained_on(self) -> tuple[int, ...]:
        """Fingerprint of the user-item pairs that the catalogue was made from."""
        return self.catalogue.fingerprint

    @property
    def has_learned(self) -> bool:
        """Whether enough rows have come in for a gradient step."""
        return self.steps >= self._learner.learning_starts

    def explicable(self, request: Request) -> torch.Tensor:
        """Return (B, O) the observations of a request, if networks decide already.

        Raises
        ------
        ValueError
            If they do not.
        """
        if not self.has_learned:
            raise ValueError(
                f"{self.name} has seen {self.steps} rows: nothing explains before learning_starts; train it"
            )
        return self.tensor(flat_observation(request.observation, self.catalogue.observation_size))

    def gradient_step(self, rows: dict[str, NDArray[Any]]) -> float:
        """Learn from replayed rows and return the loss; columns are those of `_rows`."""
        raise NotImplementedError(f"{type(self).__name__} needs gradient_step(rows) -> loss")

    def found_several(self) -> None:
        """Remember that users may take several items of a slate, not all of them."""
        self.takes_several = True

    def positions(self, shown: torch.Tensor) -> torch.Tensor:
        """Return (n, K) the weights of the positions of slates `shown` (n, K), 0 where they are empty."""
        return torch.exp(self.networks["positions"](shown.shape[1])) * shown

    def all_scores(self, name: str, observation: torch.Tensor) -> torch.Tensor:
        """Return (B, N) scores of an averaged network; the item tower's results are kept until they change."""
        network = cast(TowerNetwork, self.learner.averaged[name])
        with torch.no_grad():
            if name not in self._kept:
                self._kept[name] = network.items()
            return network.scores(observation, self._kept[name])

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Keep the feedback, and take as many gradient steps as `replay_ratio` asks for."""
        rows, config = self._rows(feedback), self._learner
        if self.replay is None:
            self.replay = self._empty_replay(rows["items"].shape[1])
        self.replay.add(rows)
        self.steps += len(rows["reward"])
        count = rows["consumed"].sum(axis=1)
        if not self.takes_several and (count > 1).any() and (count < (rows["items"] >= 0).sum(axis=1)).any():
            self.found_several()
        self._scale(rows)
        if not self.has_learned:
            return {}
        self.debt += len(rows["reward"]) * config.replay_ratio / config.batch_size
        whole = int(self.debt)
        self.debt -= whole
        losses = [self._step() for _ in range(whole)]
        return {"loss": float(np.mean(losses))} if losses else {}

    def fit(self, log: Any, *, rows: int = 4096) -> dict[str, float]:
        """Learn from a log (`recenv.feedback.LoggedFeedback`), read in blocks of about `rows` rows.

        Raises
        ------
        ValueError
            If the log has no observations.
        """
        metrics: dict[str, float] = {}
        for block in log.iter_blocks(rows):
            metrics = self.update(logged_slates(block)) or metrics
        return metrics

    def _step(self) -> float:
        loss = self.gradient_step(self.replay.sample(self._learner.batch_size, self.rng))  # type: ignore[union-attr]
        self.gradient_steps += 1
        self._kept = {}
        return loss

    def spread(self, gamma: float) -> float:
        """Return the deviation of a reward and the offset of those who stay: networks predict in its units."""
        reward, left = self.rewards.spread()[0], self.rewards.mean[1]
        return math.hypot(reward, gamma * self.offset(gamma) * math.sqrt(left * (1.0 - left)))

    def offset(self, gamma: float) -> float:
        """Return the value of the mean reward for as long as users stay: networks predict what departs from it."""
        reward, left = self.rewards.mean
        return float(reward / (1.0 - gamma * (1.0 - left)))

    def descend(self, loss: torch.Tensor) -> float:
        """Take one step of the optimiser."""
        loss.backward()
        self.learner.step()
        return float(loss.detach())

    def tensor(self, array: NDArray[Any]) -> torch.Tensor:
        """Return a copy of the array on the agent's device."""
        return torch.tensor(array, device=self.device)

    def _rows(self, feedback: Feedback) -> dict[str, NDArray[Any]]:
        size, n_items = self.catalogue.observation_size, self.catalogue.n_items
        request, following = feedback.request, feedback.next_request
        items = np.asarray(feedback.decision.items)
        return {
            "observation": flat_observation(request.observation, size),
            "allowed": pack_allowed(known_candidates(request.candidates, n_items), n_items),
            "items": items,
            "consumed": consumed_positions(items, feedback.outcome),
            "probability": np.asarray(feedback.decision.probability, np.float64),
            "reward": np.asarray(feedback.reward, np.float64),
            "next_observation": flat_observation(following.observation, size),
            "next_allowed": pack_allowed(known_candidates(following.candidates, n_items), n_items),
            "terminated": np.asarray(feedback.terminated),
        }

    def _empty_replay(self, slate_size: int) -> Replay:
        size, packed = self.catalogue.observation_size, packed_size(self.catalogue.n_items)
        columns = {
            "observation": Column((size,), np.float32),
            "allowed": Column((packed,), np.uint8),
            "items": Column((slate_size,), np.int32),
            "consumed": Column((slate_size,), np.bool_),
            "probability": Column((), np.float64),
            "reward": Column((), np.float64),
            "next_observation": Column((size,), np.float32),
            "next_allowed": Column((packed,), np.uint8),
            "terminated": Column((), np.bool_),
        }
        return Replay(self._learner.replay_size, columns)

    def _scale(self, rows: dict[str, NDArray[Any]]) -> None:
        """Fit the scales to the first rows, then leave them: moving scales would move all scores."""
        if self.steps > max(SCALE_ROWS, len(rows["reward"])):
            return
        self.rewards.add(np.column_stack([rows["reward"], rows["terminated"]]))
        self.observations.add(rows["observation"])
        self._set_scale()

    def _set_scale(self) -> None:
        for network in (*self.networks.values(), *self.learner.averaged.values()):
            if isinstance(network, TowerNetwork):
                network.set_observation_scale(self.observations.mean, self.observations.spread())

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder: networks, optimiser, replay, counters and generator."""
        state = {
            "observation_size": self.catalogue.observation_size,
            "steps": self.steps,
            "gradient_steps": self.gradient_steps,
            "debt": self.debt,
            "takes_several": self.takes_several,
            "rng": generator_state(self.rng),
        }
        arrays: dict[str, NDArray[Any]] = {
            **catalogue_arrays(self.catalogue),
            **self.learner.arrays("learner."),
            **self.rewards.arrays("rewards."),
            **self.observations.arrays("observations."),
            **(self.replay.arrays("replay.") if self.replay else {}),
        }
        write_agent(path, self.name, options=self.options, trained_on=self.trained_on, state=state, arrays=arrays)

    @classmethod
    def load(cls: type[Self], path: str | Path, *, device: str = "cpu") -> Self:
        """Read a saved agent; it goes on bit for bit where it was saved (on the same kind of device)."""
        saved = read_agent(path, (cls.name,))
        agent = cls(saved_catalogue(saved), device=device, **saved.options)
        agent._restore(saved.state, saved.arrays)
        return agent

    def _restore(self, state: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        self.learner.restore(arrays, "learner.")
        self.rewards.restore(arrays, "rewards.")
        self.observations.restore(arrays, "observations.")
        self._set_scale()
        if "replay.items" in arrays:
            self.replay = self._empty_replay(arrays["replay.items"].shape[1])
            self.replay.restore(arrays, "replay.")
        self.steps, self.gradient_steps, self.debt = state["steps"], state["gradient_steps"], state["debt"]
        if state["takes_several"]:
            self.found_several()
        self.rng = restored_generator(state["rng"])


def silence(network: TowerNetwork) -> None:
    """Let a network score 0 everywhere, with gradients that are not 0."""
    with torch.no_grad():
        for layer in (network.state_tower.skip, network.state_tower.out):
            layer.weight.zero_()
        for layer in (network.item_tower.skip, network.item_tower.out):
            layer.weight[-1].zero_()
