"""Algorithms of Stable-Baselines3 as JSON and arrays: made again from their settings, never unpickled."""

from __future__ import annotations

import importlib
import inspect
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import BaseBuffer
from stable_baselines3.common.type_aliases import TrainFreq

from recenv.agents.torch_arrays import module_arrays, optimiser_arrays, restore_module, restore_optimiser

LIBRARIES = ("stable_baselines3", "sb3_contrib")
"""A saved agent may name an algorithm of these, and of nothing else."""
CLASSES_OF = ("torch", *LIBRARIES)
"""Libraries whose modules, optimisers and buffers a setting may be."""
NOT_SETTINGS = {"self", "policy", "env", "device", "verbose", "tensorboard_log", "_init_setup_model"}
REPLAY = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def described(model: Any) -> dict[str, Any]:
    """Return the algorithm's class, policy name and settings as JSON.

    Raises
    ------
    ValueError
        If the policy has no registered name, or a setting is a function or a class.
    """
    kind = type(model)
    names = [name for name, policy in kind.policy_aliases.items() if policy is model.policy_class]
    if not names:
        raise ValueError(f"policy {model.policy_class.__name__} cannot be saved: it has no name such as MlpPolicy")
    options = {}
    for name in inspect.signature(kind.__init__).parameters:
        if name not in NOT_SETTINGS and hasattr(model, name):
            options[name] = _as_json(kind.__name__, name, getattr(model, name))
    library = kind.__module__.split(".")[0]
    return {"algorithm": f"{library}:{kind.__name__}", "policy": names[0], "slots": model.n_envs, "options": options}


def _as_json(kind: str, name: str, value: Any) -> Any:
    """Return a setting as JSON; a schedule that stays is its value, a library's class its name."""
    if isinstance(value, TrainFreq):
        return [value.frequency, value.unit.value]
    if isinstance(value, type) and value.__module__.split(".")[0] in CLASSES_OF:
        return {"class": f"{value.__module__}:{value.__qualname__}"}
    if isinstance(value, dict):
        return {key: _as_json(kind, f"{name}[{key!r}]", one) for key, one in value.items()}
    if callable(value) and not isinstance(value, type) and value(1.0) == value(0.0):
        return float(value(1.0))
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError(
            f"{kind} cannot be saved without pickle: its setting {name!r} is a {type(value).__name__}; give numbers, "
            f"text, lists or dicts of them, or classes of {', '.join(CLASSES_OF)}"
        ) from None
    return value


def _from_json(value: Any) -> Any:
    """Return a setting from what `_as_json` returned."""
    if not isinstance(value, dict):
        return value
    if set(value) != {"class"}:
        return {key: _from_json(one) for key, one in value.items()}
    module, _, name = str(value["class"]).partition(":")
    found = getattr(importlib.import_module(module), name, None) if module.split(".")[0] in CLASSES_OF else None
    if not (isinstance(found, type) and issubclass(found, (torch.nn.Module, torch.optim.Optimizer, BaseBuffer))):
        raise ValueError(
            f"the saved agent names the class {value['class']!r}, which is no part of a model: it is damaged"
        )
    return found


def made(settings: Mapping[str, Any], observation_size: int, n_items: int, device: str) -> Any:
    """Return a fresh algorithm from what `described` returned.

    Raises
    ------
    ValueError
        If the algorithm is not one of `LIBRARIES`.
    """
    library, _, name = str(settings["algorithm"]).partition(":")
    kind: Any = getattr(importlib.import_module(library), name, None) if library in LIBRARIES else None
    if not (isinstance(kind, type) and issubclass(kind, BaseAlgorithm)):
        raise ValueError(
            f"{settings['algorithm']!r} is no algorithm of {' or '.join(LIBRARIES)}, such as {LIBRARIES[0]}:PPO"
        )
    options = {name: _from_json(value) for name, value in settings["options"].items()}
    if isinstance(options.get("train_freq"), list):
        options["train_freq"] = tuple(options["train_freq"])
    algorithm: Any = kind
    model = algorithm(settings["policy"], None, device=device, _init_setup_model=False, **options)
    model.observation_space = spaces.Box(-np.inf, np.inf, (observation_size,), np.float32)
    model.action_space = spaces.Discrete(n_items)
    model.n_envs = settings["slots"]
    model._setup_model()
    return model


def model_arrays(model: Any) -> dict[str, NDArray[Any]]:
    """Return networks, optimisers and the replay buffer."""
    arrays = module_arrays(model.policy, "policy.")
    for name, optimiser in _optimisers(model).items():
        arrays |= optimiser_arrays(optimiser, f"optimiser.{name}.")
    buffer = getattr(model, "replay_buffer", None)
    if buffer is not None:
        filled = buffer.size()
        arrays |= {
            f"replay.{name}": getattr(buffer, name)[:filled].copy() for name in REPLAY if len(getattr(buffer, name))
        }
        arrays |= {"replay.position": np.array(buffer.pos), "replay.full": np.array(buffer.full)}
    return arrays


def restore_model(model: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Give an algorithm what `model_arrays` returned."""
    restore_module(model.policy, arrays, "policy.")
    for name, optimiser in _optimisers(model).items():
        restore_optimiser(optimiser, arrays, f"optimiser.{name}.")
    buffer = getattr(model, "replay_buffer", None)
    if buffer is not None:
        for name in REPLAY:
            if f"replay.{name}" in arrays:
                saved = arrays[f"replay.{name}"]
                getattr(buffer, name)[: len(saved)] = saved
        buffer.pos, buffer.full = int(arrays["replay.position"]), bool(arrays["replay.full"])


def _optimisers(model: Any) -> dict[str, torch.optim.Optimizer]:
    """Return the policy's optimisers by name; most algorithms have one."""
    return {name: one for name, one in vars(model.policy).items() if isinstance(one, torch.optim.Optimizer)}


def weights_of_zip(path: str | Path) -> dict[str, torch.Tensor]:
    """Return the policy's tensors in a .zip that an algorithm's `save` wrote.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    ValueError
        If it is not such a file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            content = io.BytesIO(archive.read("policy.pth"))
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"parameters: {path} was not written by an algorithm's save ({error})") from None
    weights: dict[str, torch.Tensor] = torch.load(content, weights_only=True, map_location="cpu")
    return weights
