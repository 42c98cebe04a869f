"""Offline learners of d3rlpy: trained in an environment of their own, decided with here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.agents.candidates import known_candidates
from recenv.agents.exploration import EpsilonGreedy, Exploration
from recenv.agents.observations import flat_observation
from recenv.agents.saving import catalogue_arrays, read_agent, saved_catalogue, write_agent
from recenv.agents.scoring import ScoreAgent
from recenv.protocol import Catalogue, Request

VARIABLE = "D3RLPY_PYTHON"
ALGORITHMS = ("DiscreteCQL", "DQN", "DoubleDQN", "NFQ")
"""d3rlpy's algorithms of discrete actions whose policy is greedy in Q."""


class D3rlpyAgent(ScoreAgent):
    """The candidate of highest Q that d3rlpy learned from a log (conservative Q-learning, `kumar2020conservative`).

    d3rlpy pins an older Gymnasium, so it runs as a process in its own environment; the Q-networks come back as arrays.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed
        Of d3rlpy's training.
    device
        Where d3rlpy trains: "cpu", "cuda:0", ...
    algorithm
        One of `ALGORITHMS`.
    steps
        Gradient steps.
    options
        Fields of the algorithm's d3rlpy configuration, such as {"alpha": 1.0, "learning_rate": 1e-3}.
    python
        d3rlpy's interpreter; None is the environment variable D3RLPY_PYTHON.
    epsilon
        Share of uniform decisions when exploring.
    """

    name = "d3rlpy"
    training_steps = 0

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 0,
        device: str = "cpu",
        algorithm: str = "DiscreteCQL",
        steps: int = 10_000,
        options: dict[str, Any] | None = None,
        python: str | Path | None = None,
        epsilon: float = 0.0,
    ) -> None:
        if algorithm not in ALGORITHMS:
            raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {algorithm!r}")
        self.settings = {
            "seed": seed,
            "device": device,
            "algorithm": algorithm,
            "steps": steps,
            "options": options or {},
        }
        self.epsilon = epsilon
        self.python = python
        self.exploration: Exploration = EpsilonGreedy(epsilon)
        self.catalogue, self.trained_on = catalogue, catalogue.fingerprint
        self.networks: dict[str, NDArray[np.float32]] = {}

    def fit(self, log: Any) -> None:
        """Train on a `LoggedFeedback` of one item a step with flat observations; its propensities are not used.

        Raises
        ------
        FileNotFoundError
            If there is no interpreter for d3rlpy.
        RuntimeError
            If d3rlpy fails, with the end of what it said.
        """
        python = self.python or os.environ.get(VARIABLE)
        if not python or shutil.which(python) is None:
            raise FileNotFoundError(
                f"d3rlpy needs an environment of its own, {python!r} is no interpreter: python -m venv .venv-d3rlpy, "
                f"install d3rlpy there, and set {VARIABLE} to its python"
            )
        rows = training_rows(log, self.catalogue)
        settings = {**self.settings, "n_items": self.catalogue.n_items}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            np.savez(folder / "rows.npz", **rows)  # type: ignore[arg-type]
            (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
            # A copy: beside the original there is a module named as d3rlpy itself.
            shutil.copy(Path(__file__).with_name("d3rlpy_training.py"), folder)
            files = ["d3rlpy_training.py", "rows.npz", "settings.json", "networks.npz"]
            done = subprocess.run([str(python), *files], cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"d3rlpy failed ({python}): {done.stderr.strip()[-2000:]}")
            with np.load(folder / "networks.npz", allow_pickle=False) as networks:
                self.networks = {key: networks[key] for key in networks.files}

    def scores(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) the mean of the learned Q-functions."""
        if not self.networks:
            raise RuntimeError("d3rlpy has learned nothing yet: call fit(log) first")
        candidates = known_candidates(request.candidates, self.catalogue.n_items)
        flat = flat_observation(request.observation, self.catalogue.observation_size)
        functions = 1 + max(int(key.split(".")[0]) for key in self.networks)
        every = np.mean([self._q(number, flat) for number in range(functions)], axis=0, dtype=np.float64)
        return np.take_along_axis(every, np.maximum(candidates, 0), axis=1)

    def _q(self, number: int, hidden: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (B, N) of one Q-function: linear layers, ReLU between them."""
        last = max(int(key.split(".")[1]) for key in self.networks if key.startswith(f"{number}."))
        for layer in range(last + 1):
            weight, bias = self.networks[f"{number}.{layer}.weight"], self.networks[f"{number}.{layer}.bias"]
            hidden = hidden @ weight.T + bias
            hidden = np.maximum(hidden, 0.0) if layer < last else hidden
        return hidden

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder: settings and Q-networks; the log is not in it."""
        state = {"observation_size": self.catalogue.observation_size}
        arrays = {**catalogue_arrays(self.catalogue), **{f"q.{key}": value for key, value in self.networks.items()}}
        write_agent(
            path,
            self.name,
            options={**self.settings, "epsilon": self.epsilon},
            trained_on=self.trained_on,
            state=state,
            arrays=arrays,
        )

    @classmethod
    def load(cls, path: str | Path) -> D3rlpyAgent:
        """Read a saved agent."""
        saved = read_agent(path, (cls.name,))
        agent = cls(saved_catalogue(saved), **saved.options)
        agent.networks = {key[2:]: value for key, value in saved.arrays.items() if key.startswith("q.")}
        return agent


def training_rows(log: Any, catalogue: Catalogue) -> dict[str, NDArray[Any]]:
    """Return d3rlpy's columns of a log: observation, item, reward, terminated, and where a session is cut.

    Raises
    ------
    ValueError
        If the log shows slates or has no flat observation.
    """
    if log.has_slates:
        raise ValueError("log shows slates: d3rlpy learns from one item a step")
    if "features" not in log.observation:
        raise ValueError('log has no observation \'features\': collect it with observation="features" or "history"')
    ends = np.append(log.episode[1:] != log.episode[:-1], True)
    return {
        "observation": flat_observation(log.observation, catalogue.observation_size),
        "item": log.item,
        "reward": log.reward.astype(np.float32),
        "terminated": (log.terminated & ends).astype(np.float32),
        "cut": (ends & ~log.terminated).astype(np.float32),
    }
