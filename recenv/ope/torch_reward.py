"""Any torch module as a reward model."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.ope.item_design import ItemDesign


class TorchReward(ItemDesign):
    """A module from (n, O + Q) floats to (n,) or (n, 1) rewards, fitted by weighted squared error with Adam.

    Inputs and reward are standardised on the training rows, so that one learning rate serves.

    Parameters
    ----------
    module : torch.nn.Module
        A copy of it is fitted, from its present weights; the object itself is left alone. Lazy layers work.
    item_features : (N, Q) array, optional
        Row = catalogue id; without them Q is 1, the item's shrunken mean reward.
    epochs, batch, learning_rate, weight_decay : optional
        Of the optimiser.
    seed : int
        Of shuffling and dropout; torch's global generator is left as it was.
    """

    def __init__(
        self,
        module: Any,
        item_features: NDArray[np.floating] | None = None,
        *,
        epochs: int = 20,
        batch: int = 256,
        learning_rate: float = 1e-2,
        weight_decay: float = 1e-4,
        seed: int = 0,
    ) -> None:
        super().__init__(item_features)
        self.module = module
        self.epochs, self.batch = epochs, batch
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.seed = seed
        self._fitted: Any = None
        self._centre: NDArray[np.float64] = np.zeros(1)
        self._scale: NDArray[np.float64] = np.ones(1)
        self._level, self._unit = 0.0, 1.0

    def _learn(
        self, design: NDArray[np.float64], reward: NDArray[np.float64], weight: NDArray[np.float64] | None
    ) -> None:
        import torch

        self._centre, spread = design.mean(axis=0), design.std(axis=0)
        self._scale = np.where(spread > 1e-12, 1 / np.maximum(spread, 1e-12), 0.0)
        share = np.ones(len(reward)) if weight is None else weight / weight.mean()
        self._level = float(np.average(reward, weights=share))
        self._unit = float(np.sqrt(np.average((reward - self._level) ** 2, weights=share))) or 1.0
        inputs = self._inputs(design)
        wanted, count = (torch.as_tensor(v, dtype=torch.float32) for v in ((reward - self._level) / self._unit, share))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self._fitted = copy.deepcopy(self.module).train()
            self._fitted(inputs[:2])  # a lazy layer learns its width here, before the optimiser takes the weights
            self._descend(inputs, wanted, count)
        self._fitted.eval()

    def _descend(self, inputs: Any, wanted: Any, count: Any) -> None:
        import torch

        optimiser = torch.optim.AdamW(self._fitted.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        steps = -(-len(wanted) // self.batch) * self.epochs
        decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.05, total_iters=steps)
        for _ in range(self.epochs):
            for rows in torch.randperm(len(wanted)).split(self.batch):
                loss = (count[rows] * (self._fitted(inputs[rows]).reshape(-1) - wanted[rows]) ** 2).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                decay.step()

    def _inputs(self, design: NDArray[np.float64]) -> Any:
        import torch

        return torch.as_tensor((design - self._centre) * self._scale, dtype=torch.float32)

    def _answer(self, design: NDArray[np.float64]) -> NDArray[Any]:
        import torch

        with torch.no_grad():
            answer = self._fitted(self._inputs(design)).reshape(-1).numpy()
        return self._level + self._unit * answer.astype(np.float64)
