"""Vowpal Wabbit's contextual bandits with action-dependent features (package `vowpalwabbit`)."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.agents.adapters.proportional import Proportional
from recenv.agents.candidates import known_candidates
from recenv.agents.observations import flat_observation
from recenv.agents.saving import catalogue_arrays, read_agent, saved_catalogue, write_agent
from recenv.agents.scoring import ScoreAgent
from recenv.protocol import Catalogue, Feedback, Request


class VowpalWabbitAgent(ScoreAgent):
    """Any `--cb_explore_adf` learner; its exploration, and so its probabilities, are Vowpal Wabbit's own.

    The namespaces of an example are `u` (the user's flat observation, shared), `i` (the item's visible features) and
    `a` (the item's id); the cost is minus the reward. Learns from one item a decision, whose probability must be known.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed
        Vowpal Wabbit's `--random_seed`.
    device
        "cpu": Vowpal Wabbit runs nowhere else.
    arguments
        Its command line; `--cb_explore_adf` must be in it.
    """

    name = "vowpal_wabbit"
    exploration = Proportional()
    training_steps = 50_000

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 0,
        device: str = "cpu",
        arguments: str = "--cb_explore_adf --squarecb --gamma_scale 100 -q ui -q ua",
    ) -> None:
        if "--cb_explore_adf" not in arguments.split():
            raise ValueError(
                f"arguments must hold --cb_explore_adf, got {arguments!r}: no other mode has probabilities"
            )
        self.options = {"seed": seed, "arguments": arguments}
        self.catalogue, self.trained_on = catalogue, catalogue.fingerprint
        self._items = [f"|i {_numbers(row)} |a {item}" for item, row in enumerate(catalogue.features)]
        self._workspace = _workspace(f"{arguments} --random_seed {seed}")

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) the probability of each candidate to be shown."""
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        probability = np.zeros(candidates.shape)
        for row, shared in enumerate(self._shared(request)):
            columns = np.flatnonzero(candidates[row] >= 0)
            if len(columns):
                lines = [self._items[item] for item in candidates[row, columns]]
                probability[row, columns] = self._workspace.predict([shared, *lines])
        return probability

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Learn from each row in turn."""
        items, probability = feedback.decision.items, feedback.decision.probability
        if items.shape[1] != 1:
            raise ValueError(f"vowpal_wabbit learns from one item a decision, slate_size is {items.shape[1]}: use 1")
        if np.isnan(probability).any():
            row = int(np.isnan(probability).argmax())
            raise ValueError(f"probability of row {row} is NaN: vowpal_wabbit learns from known probabilities only")
        for row, shared in enumerate(self._shared(feedback.request)):
            offered = feedback.request.candidates[row]
            label = f"0:{-feedback.reward[row]:.9g}:{probability[row]:.9g} "
            lines = [(label if item == items[row, 0] else "") + self._items[item] for item in offered[offered >= 0]]
            self._workspace.learn([shared, *lines])
        return {}

    def _shared(self, request: Request) -> list[str]:
        observation = flat_observation(request.observation, self.catalogue.observation_size)
        return [f"shared |u {_numbers(row)}" for row in observation]

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder; Vowpal Wabbit's own model is in it as an array of bytes."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model"
            self._workspace.save(str(file))
            model = np.frombuffer(file.read_bytes(), np.uint8)
        write_agent(
            path,
            self.name,
            options=self.options,
            trained_on=self.trained_on,
            state={"observation_size": self.catalogue.observation_size},
            arrays={**catalogue_arrays(self.catalogue), "model": model},
        )

    @classmethod
    def load(cls, path: str | Path) -> VowpalWabbitAgent:
        """Read a saved agent; it goes on bit for bit where it was saved, Vowpal Wabbit's own counters included."""
        saved = read_agent(path, (cls.name,))
        agent = cls(saved_catalogue(saved), **saved.options)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model"
            file.write_bytes(saved.arrays["model"].tobytes())
            agent._workspace = _workspace(f"-i {file} --preserve_performance_counters")
        return agent


def _workspace(arguments: str) -> Any:
    try:
        import vowpalwabbit
    except ModuleNotFoundError:
        raise ModuleNotFoundError("vowpal_wabbit needs its package: pip install vowpalwabbit") from None
    return vowpalwabbit.Workspace(f"--quiet {arguments}")


def _numbers(row: Sequence[float] | NDArray[np.floating]) -> str:
    return " ".join(f"{column}:{value:.6g}" for column, value in enumerate(row) if value)
