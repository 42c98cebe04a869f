"""What a reward model is, and how one is made from whatever the caller has."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from recenv.ope.bilinear_ridge import BilinearRidge
from recenv.ope.sklearn_reward import SklearnReward
from recenv.ope.torch_reward import TorchReward


@runtime_checkable
class RewardModel(Protocol):
    """Predicts the reward of an item for an observation: E[r | x, a]."""

    def fit(
        self,
        observation: NDArray[np.floating],
        item: NDArray[np.int64],
        reward: NDArray[np.float64],
        weight: NDArray[np.float64] | None = None,
    ) -> RewardModel:
        """Learn from n rows: observation (n, O), item (n,), reward (n,), weight (n,) or None; return self."""
        ...

    def predict(self, observation: NDArray[np.floating], items: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n,) rewards of one item a row."""
        ...

    def predict_all(self, observation: NDArray[np.floating], candidates: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (B, C) rewards of every candidate; what stands at -1 is not used."""
        ...


ModelFactory = Callable[[], RewardModel]


def model_factory(model: Any = None, item_features: NDArray[np.floating] | None = None) -> ModelFactory:
    """Return a function that makes a fresh, unfitted model.

    Parameters
    ----------
    model : optional
        None for `BilinearRidge`; a `RewardModel`, a scikit-learn regressor or classifier, or a torch module, of which
        copies are fitted; or a function without arguments that makes a `RewardModel`.
    item_features : (N, Q) array, optional
        Features of the items, for `BilinearRidge`, scikit-learn and torch.

    Raises
    ------
    TypeError
        If it is none of these.
    """
    if model is None:
        return lambda: BilinearRidge(item_features)
    if isinstance(model, RewardModel) and not isinstance(model, type):
        return lambda: copy.deepcopy(model)
    if _is_torch_module(model):
        return lambda: TorchReward(model, item_features)
    if hasattr(model, "fit") and hasattr(model, "predict") and not isinstance(model, type):
        return lambda: SklearnReward(model, item_features)
    if callable(model):
        return cast(ModelFactory, model)
    raise TypeError(
        f"reward_model must be a RewardModel, a scikit-learn estimator, a torch module or a function, not {model!r}"
    )


def _is_torch_module(model: Any) -> bool:
    torch = sys.modules.get("torch")  # whoever has a module has imported torch
    return torch is not None and isinstance(model, torch.nn.Module)
