"""AdamW on all parameters as one vector, with the running average of the parameters to decide by.

    m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2
    p <- p (1 - rate * decay) - rate * m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + e)
    average <- a * average + (1 - a) * p

Adam is Kingma & Ba 2015 (`kingma2015adam`) with decoupled decay (`loshchilov2019decoupled`); averaging is Polyak's
(`polyak1992acceleration`), with a window. Networks here are small: one compiled pass over one vector costs a tenth of
what a general optimiser spends on finding out what there is to do.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from recenv.compiled import compiling

Network = TypeVar("Network", bound=nn.Module)
BETA_1, BETA_2, TINY = 0.9, 0.999, 1e-8


class AveragedAdam(Generic[Network]):
    """Optimiser of a network; `averaged` is its twin with averaged parameters, never to be trained.

    Parameters
    ----------
    network
        Its parameters and gradients become views of two vectors.
    learning_rate, weight_decay
        Of AdamW.
    averaging
        In [0, 1); 0 averages nothing.
    """

    def __init__(self, network: Network, *, learning_rate: float, weight_decay: float, averaging: float) -> None:
        self.rate, self.decay, self.averaging = learning_rate, weight_decay, averaging
        self.vector = torch.cat([parameter.detach().reshape(-1) for parameter in network.parameters()])
        self.gradient, self.first, self.second = (torch.zeros_like(self.vector) for _ in range(3))
        self.average = self.vector.clone()
        self.steps = 0
        self.averaged = copy.deepcopy(network).requires_grad_(False)
        vectors = (self.vector, self.gradient, self.first, self.second, self.average)
        on_cpu = self.vector.device.type == "cpu"
        self._views = tuple(one.numpy() for one in vectors) if on_cpu else None
        _bind(network, self.vector, self.gradient)
        _bind(self.averaged, self.average, None)

    def step(self) -> None:
        """Follow the gradient that is in the network's parameters, and forget it."""
        self.steps += 1
        rate = self.rate / (1.0 - BETA_1**self.steps)
        last = (1.0 - BETA_2**self.steps) ** 0.5
        decay = self.rate * self.decay
        if self._views is None:
            vectors = (self.vector, self.gradient, self.first, self.second, self.average)
            _follow(vectors, rate, last, decay, self.averaging)
        else:
            given = (rate, last, 1.0 - decay, 1.0 - self.averaging, BETA_1, BETA_2, TINY)
            _one_pass(*self._views, *map(np.float32, given))

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return parameters, their average and the optimiser's state, to be saved."""
        saved = {name: vector.cpu().numpy().copy() for name, vector in self._named()}
        return {f"{prefix}{name}": array for name, array in {**saved, "steps": np.array(self.steps)}.items()}

    def restore(self, arrays: Mapping[str, NDArray[Any]], prefix: str) -> None:
        """Take over what `arrays` returned.

        Raises
        ------
        ValueError
            If it is of a network of another size.
        """
        for name, vector in self._named():
            saved = arrays[f"{prefix}{name}"]
            if saved.shape != tuple(vector.shape):
                raise ValueError(f"saved {name} have shape {saved.shape}, this agent needs {tuple(vector.shape)}")
            vector.copy_(torch.as_tensor(saved))
        self.steps = int(arrays[f"{prefix}steps"])

    def _named(self) -> list[tuple[str, torch.Tensor]]:
        vectors = (self.vector, self.average, self.first, self.second)
        return list(zip(("parameters", "average", "first", "second"), vectors, strict=True))


def _bind(network: nn.Module, vector: torch.Tensor, gradient: torch.Tensor | None) -> None:
    """Make the network's parameters (and gradients) views of a vector."""
    start = 0
    for parameter in network.parameters():
        part = slice(start, start + parameter.numel())
        parameter.data = vector[part].view_as(parameter)
        parameter.grad = None if gradient is None else gradient[part].view_as(parameter)
        start = part.stop


@torch.no_grad()
def _follow(vectors: tuple[torch.Tensor, ...], rate: float, last: float, decay: float, averaging: float) -> None:
    """Step on any device: in place of parameters, gradient, both moments and the average."""
    vector, gradient, first, second, average = vectors
    first.lerp_(gradient, 1.0 - BETA_1)
    second.mul_(BETA_2).addcmul_(gradient, gradient, value=1.0 - BETA_2)
    vector.mul_(1.0 - decay).addcdiv_(first, (second.sqrt() / last).add_(TINY), value=-rate)
    average.lerp_(vector, 1.0 - averaging)
    gradient.zero_()


@compiling(error_model="numpy")
def _one_pass(  # type: ignore[no-untyped-def]
    vector, gradient, first, second, average, rate, last, keep, fresh, beta_1, beta_2, tiny
):  # pragma: no cover - compiled
    """Do what `_follow` does, in one pass over numpy's views of the vectors."""
    one = np.float32(1.0)
    for i in range(len(vector)):
        slope = gradient[i]
        first[i] += (one - beta_1) * (slope - first[i])
        second[i] = beta_2 * second[i] + (one - beta_2) * slope * slope
        vector[i] = vector[i] * keep - rate * first[i] / (np.sqrt(second[i]) / last + tiny)
        average[i] += fresh * (vector[i] - average[i])
        gradient[i] = np.float32(0.0)
