"""The loop over epochs of every response model that learns by gradients: early stopping, and going on after a kill."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recenv.causal.fit_checkpoint import FitCheckpoint, Standing
from recenv.generators import generator_state

LEAST_GAIN = 1e-5
"""Of the validation score; less is no improvement."""
Changing = nn.Module | torch.optim.Optimizer | torch.Generator


class Stopping(NamedTuple):
    """When to stop."""

    epochs: int
    """At most."""
    patience: int
    """Epochs without improvement."""


class Best(NamedTuple):
    """The best epoch so far."""

    parameters: dict[str, torch.Tensor]
    score: float
    since: int
    """Epochs since then."""


def run_epochs(
    epoch: Callable[[int], float],
    measured: nn.Module,
    others: Sequence[Changing],
    stopping: Stopping,
    rng: np.random.Generator,
    *,
    progress: Callable[[int, str], None] | None = None,
    checkpoint: FitCheckpoint | None = None,
    phase: int = 0,
) -> None:
    """Train until the validation score has not improved for `patience` epochs; leave the best in `measured`.

    Parameters
    ----------
    epoch
        Trains for the epoch of this number, from 0; returns the validation score, lower is better.
    measured
        What the score is of.
    others
        All else that an epoch changes.
    rng
        The generator that an epoch draws from.
    progress
        Called as (epochs done, text).
    checkpoint
        Where the training is kept, and gone on from.
    phase
        Number of this training among those that share the checkpoint; one that a later phase has followed is done.
    """
    begin, best = 0, Best(copy.deepcopy(measured.state_dict()), math.inf, 0)
    changing = [measured, *others]
    if checkpoint is not None and checkpoint.standing is not None:
        if checkpoint.standing.meta["phase"] > phase:
            return
        if checkpoint.standing.meta["phase"] == phase:
            begin, best = _restore(checkpoint.standing, changing, rng)
    for number in range(begin, stopping.epochs):
        if best.since >= stopping.patience:
            break
        best = _better(best, measured, epoch(number))
        if progress is not None:
            progress(number + 1, f"log-loss {best.score:.4f}")
        last = number + 1 == stopping.epochs or best.since >= stopping.patience
        if checkpoint is not None and (last or checkpoint.due()):
            checkpoint.keep(_standing(changing, rng, best, phase, number + 1))
    measured.load_state_dict(best.parameters)


def _better(best: Best, measured: nn.Module, score: float) -> Best:
    if score < best.score - LEAST_GAIN:
        return Best(copy.deepcopy(measured.state_dict()), score, 0)
    return best._replace(since=best.since + 1)


def _standing(changing: Sequence[Changing], rng: np.random.Generator, best: Best, phase: int, done: int) -> Standing:
    """Return everything that the following epochs depend on."""
    arrays = {f"best.{name}": _numbers(value) for name, value in best.parameters.items()}
    for place, one in enumerate(changing):
        arrays |= {f"{place}.{name}": _numbers(value) for name, value in _tensors(one).items()}
    meta = {"phase": phase, "done": done, "since": best.since, "generator": generator_state(rng)}
    # As text: Python's shortest decimal of a float is exact, and JSON has no infinity.
    return Standing(meta | {"score": repr(best.score)}, arrays)


def _restore(standing: Standing, changing: Sequence[Changing], rng: np.random.Generator) -> tuple[int, Best]:
    """Put everything where a checkpoint has it; return the number of epochs done and the best of them."""
    meta, arrays = standing
    for place, one in enumerate(changing):
        _put(one, _part(arrays, f"{place}."))
    rng.bit_generator.state = meta["generator"]
    device = next(changing[0].parameters()).device if isinstance(changing[0], nn.Module) else "cpu"
    parameters = {name: value.to(device) for name, value in _part(arrays, "best.").items()}
    return meta["done"], Best(parameters, float(meta["score"]), meta["since"])


def _tensors(one: Changing) -> dict[str, torch.Tensor]:
    """Return the state by name; an optimiser's is named PARAMETER.MOMENT."""
    if isinstance(one, torch.Generator):
        return {"state": one.get_state()}
    if isinstance(one, nn.Module):
        return one.state_dict()
    state: dict[int, dict[str, Any]] = one.state_dict()["state"]
    return {f"{index}.{name}": value for index, moments in state.items() for name, value in moments.items()}


def _put(one: Changing, tensors: dict[str, torch.Tensor]) -> None:
    """Put a state back that `_tensors` has named."""
    if isinstance(one, torch.Generator):
        one.set_state(tensors["state"])
    elif isinstance(one, nn.Module):
        one.load_state_dict(tensors)
    else:
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            index, moment = name.split(".")
            state.setdefault(int(index), {})[moment] = value
        one.load_state_dict({"state": state, "param_groups": one.state_dict()["param_groups"]})


def _part(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, torch.Tensor]:
    return {
        name[len(prefix) :]: torch.from_numpy(value.copy()) for name, value in arrays.items() if name.startswith(prefix)
    }


def _numbers(tensor: torch.Tensor) -> NDArray[Any]:
    found: NDArray[Any] = tensor.detach().cpu().numpy()
    return found
