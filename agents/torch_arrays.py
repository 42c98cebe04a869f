"""Networks and optimisers as plain arrays, so that nothing is pickled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn


def module_arrays(module: nn.Module, prefix: str) -> dict[str, NDArray[Any]]:
    """Return parameters and buffers by name."""
    return {f"{prefix}{name}": tensor.detach().cpu().numpy().copy() for name, tensor in module.state_dict().items()}


def restore_module(module: nn.Module, arrays: Mapping[str, NDArray[Any]], prefix: str) -> None:
    """Copy saved parameters and buffers into a module of the same shape.

    Raises
    ------
    ValueError
        If a parameter is missing or has another shape.
    """
    for name, tensor in module.state_dict().items():
        saved = arrays.get(prefix + name)
        if saved is None or saved.shape != tuple(tensor.shape):
            shape = None if saved is None else saved.shape
            raise ValueError(f"saved parameter {name!r} has shape {shape}, this agent needs {tuple(tensor.shape)}")
        tensor.copy_(torch.as_tensor(saved))


def optimiser_arrays(optimiser: torch.optim.Optimizer, prefix: str) -> dict[str, NDArray[Any]]:
    """Return the state of each parameter, named by its number; empty before the first step."""
    state = optimiser.state_dict()["state"]
    return {
        f"{prefix}{number}.{name}": torch.as_tensor(value).detach().cpu().numpy().copy()
        for number, values in state.items()
        for name, value in values.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, arrays: Mapping[str, NDArray[Any]], prefix: str) -> None:
    """Take over the state that `optimiser_arrays` returned."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in arrays.items():
        if key.startswith(prefix):
            number, _, name = key[len(prefix) :].partition(".")
            state.setdefault(int(number), {})[name] = torch.as_tensor(value)
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
