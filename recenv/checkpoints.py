"""Checkpoints of a training: what is needed to go on, to the same result bit for bit.

A folder holds one checkpoint a sub-folder, `step-000012000`, each written whole or not at all: the agent, the sessions
under way, the generator's state and the learning curve so far. The newest stays, and the best where one is looked for.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from recenv.batching import config_of
from recenv.causal.world import World
from recenv.generators import generator_digest, generator_state
from recenv.learning_curve import LearningCurve
from recenv.rounds import Rounds
from recenv.storage import atomic_folder, read_record, write_record

FORMAT_VERSION = 1
KIND = "training"
CURVE = "learning_curve.csv"


class Checkpoints:
    """The checkpoints of one training.

    Parameters
    ----------
    folder
        Where they are kept; made with the first of them.
    settings
        What must be the same in a training that goes on; see `settings_of`.
    agent, rounds, rng
        What is saved and restored: the agent, the loop where it is not the agent's own (else None), the generator.
    every
        User steps from one checkpoint to the next.
    best
        Whether the agent at its best measurement is kept too, and is what training ends with.

    Raises
    ------
    TypeError
        If the agent cannot be saved and loaded.
    ValueError
        If `folder` is a file.
    """

    def __init__(
        self,
        folder: str | Path,
        settings: dict[str, Any],
        agent: Any,
        rounds: Rounds | None,
        rng: np.random.Generator,
        *,
        every: int = 0,
        best: bool = False,
    ) -> None:
        for method in ("save", "load"):
            if not callable(getattr(agent, method, None)):
                raise TypeError(
                    f"{type(agent).__name__} has no {method}(path), so it cannot be kept: add save and load (see "
                    "recenv.protocol.Agent), or train without checkpoint= and patience="
                )
        self.folder, self.settings = Path(folder), settings
        if self.folder.is_file():
            raise ValueError(f"checkpoint {self.folder} is a file: name a folder, which is made if it is not there")
        self.agent, self.rounds, self.rng = agent, rounds, rng
        self.every, self.best, self.saved = every, best, 0

    def begin(self, curve: LearningCurve, *, resume: bool) -> LearningCurve:
        """Put agent, sessions and generator where the newest checkpoint has them; return its curve, or the given one.

        Without `resume` the checkpoints of the folder are removed; other files stay.

        Raises
        ------
        ValueError
            If the folder holds another training; the first difference is named.
        """
        if not resume:
            self._remove(set(self.steps()))
        steps = self.steps()
        if not steps:
            return curve
        self.saved = steps[-1]
        newest = self.at(self.saved)
        meta, arrays = read_record(newest / KIND, KIND, version=FORMAT_VERSION)
        self._check_settings(meta["settings"])
        restore_agent(self.agent, newest / "agent")
        if self.rounds is not None:
            self.rounds.restore(arrays)
        self.rng.bit_generator.state = meta["generator"]
        return LearningCurve.read_csv(newest / CURVE)

    def _check_settings(self, theirs: dict[str, Any]) -> None:
        for name, ours in self.settings.items():
            if theirs.get(name) != ours:
                raise ValueError(
                    f"checkpoint {self.folder} is of a training whose {name} is {theirs.get(name)!r}, here it is "
                    f"{ours!r}: go on with the same, begin anew with resume=False, or name another folder"
                )

    def keep(self, curve: LearningCurve, *, last: bool) -> None:
        """Write a checkpoint if it is time for one, if this is the best agent so far, or the last measurement."""
        if last or curve.done - self.saved >= self.every or (self.best and curve.since_best == 0):
            self._save(curve)
            self.saved = curve.done
            self._remove(set(self.steps()) - {curve.done, curve.best_step if self.best else curve.done})

    def _save(self, curve: LearningCurve) -> None:
        with atomic_folder(self.at(curve.done), KIND) as temporary:
            self.agent.save(temporary / "agent")
            curve.to_csv(temporary / CURVE)
            meta = {"settings": self.settings, "generator": generator_state(self.rng)}
            arrays = {} if self.rounds is None else self.rounds.arrays()
            write_record(temporary / KIND, KIND, version=FORMAT_VERSION, meta=meta, arrays=arrays)

    def _remove(self, steps: set[int]) -> None:
        for step in steps:
            shutil.rmtree(self.at(step))
        for torn in self.folder.glob(".step-*"):  # what a process left that was killed while it wrote
            shutil.rmtree(torn, ignore_errors=True)

    def end(self, curve: LearningCurve) -> None:
        """Put the agent where it was best, if that is wanted; see `LearningCurve.best_step`."""
        if self.best and curve.best_step != curve.done:
            restore_agent(self.agent, self.at(curve.best_step) / "agent")

    def steps(self) -> list[int]:
        """Return the user steps after which there is a checkpoint, ascending."""
        found = [path for path in self.folder.glob("step-*") if (path / KIND / f"{KIND}.json").is_file()]
        return sorted(int(path.name[5:]) for path in found if path.name[5:].isdigit())

    def at(self, step: int) -> Path:
        """Return the folder of the checkpoint after `step` user steps."""
        return self.folder / f"step-{step:09d}"


def restore_agent(agent: Any, folder: Path) -> None:
    """Put an agent, which the caller holds, in the state that was saved in `folder`.

    Raises
    ------
    TypeError
        If the agent has no `__dict__`, or loads as another class.
    """
    takes_device = "device" in inspect.signature(type(agent).load).parameters
    saved = type(agent).load(folder, **({"device": str(getattr(agent, "device", "cpu"))} if takes_device else {}))
    if type(saved) is not type(agent) or not hasattr(agent, "__dict__"):
        raise TypeError(
            f"a saved {type(agent).__name__} was loaded as {type(saved).__name__}: load must return its own class, "
            "which must not have __slots__"
        )
    # The two share one state from now on: whatever refers to the loaded one, such as a bound method, stays right.
    agent.__dict__ = saved.__dict__


def settings_of(
    agent: Any, env: Any, *, rng: np.random.Generator, eval_env: Any, **budgets: int | None
) -> dict[str, Any]:
    """Return what decides the course of a training, as JSON: agent, environments, budgets and the first generators."""
    return {
        "agent": str(getattr(agent, "name", type(agent).__name__)),
        "agent's options": str(getattr(agent, "options", "")),
        "agent's first state (its seed, or what it learned before)": first_state(agent),
        **budgets,
        "number of users at once": env.num_envs,
        "generator": generator_digest(rng),
        **_config_settings("env", env),
        **_config_settings("eval_env", eval_env),
    }


def first_state(agent: Any) -> str:
    """Return 16 hexadecimal digits of what a seed sets: generators and networks of an agent, and of agents in it."""
    digest = hashlib.sha256()
    for name, part in sorted(getattr(agent, "__dict__", {}).items()):
        if isinstance(part, type):
            continue
        if isinstance(part, np.random.Generator):
            digest.update(f"{name} {generator_digest(part)}".encode())
        elif callable(getattr(part, "named_parameters", None)):  # a torch module
            for parameter, tensor in part.named_parameters():
                digest.update(f"{name}.{parameter}".encode() + tensor.detach().cpu().numpy().tobytes())
        elif callable(getattr(part, "act", None)):
            digest.update(f"{name} {first_state(part)}".encode())
        elif name == "seed":
            digest.update(f"{name} {part}".encode())
    return digest.hexdigest()[:16]


def _config_settings(what: str, env: Any) -> dict[str, str]:
    if env is None:
        return {what: "none"}
    config = config_of(env)
    return {f"{what}.{item.name}": _words(getattr(config, item.name)) for item in dataclasses.fields(config)}


def _words(value: Any) -> str:
    if isinstance(value, World):
        return f"{value.name} (seed {value.seed}, {value.n_users} users, {value.n_items} items, {value.behaviour})"
    return getattr(value, "__qualname__", None) or str(value)
