"""Estimators of scikit-learn as JSON and arrays, so that nothing is pickled."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

REBUILT = {"_loss_function_"}
"""What an estimator makes anew whenever it learns."""


def described_model(model: Any) -> dict[str, Any]:
    """Return the class and the parameters of an estimator as JSON.

    Raises
    ------
    ValueError
        If it is not scikit-learn's own, or a parameter is no number, text or list of them.
    """
    kind, parameters = type(model), model.get_params()
    if not kind.__module__.startswith("sklearn."):
        raise ValueError(
            f"{kind.__module__}.{kind.__name__} cannot be saved: only estimators of scikit-learn itself can"
        )
    for name, value in parameters.items():
        try:
            json.dumps(value, allow_nan=True)
        except TypeError:
            raise ValueError(
                f"{kind.__name__} cannot be saved without pickle: parameter {name!r} is a {type(value).__name__}; give "
                "an estimator whose parameters are numbers and text"
            ) from None
    return {"module": kind.__module__, "name": kind.__name__, "parameters": parameters}


def made_model(described: Mapping[str, Any]) -> Any:
    """Return the unfitted estimator that `described_model` described.

    Raises
    ------
    ValueError
        If it is not an estimator of scikit-learn: a saved agent may name nothing else.
    """
    from sklearn.base import BaseEstimator

    module, name = str(described["module"]), str(described["name"])
    kind = getattr(importlib.import_module(module), name, None) if module.startswith("sklearn.") else None
    if not (isinstance(kind, type) and issubclass(kind, BaseEstimator)):
        raise ValueError(f"the saved agent names {module}.{name}, which is no estimator of scikit-learn: it is damaged")
    return kind(**described["parameters"])


def learned_numbers(model: Any) -> dict[str, NDArray[Any]]:
    """Return what an estimator has learned by attribute.

    Raises
    ------
    ValueError
        If it has learned anything but numbers and arrays of them.
    """
    learned = {name: value for name, value in vars(model).items() if name not in model.get_params()}
    kept = {name: value for name, value in learned.items() if name not in REBUILT}
    for name, value in kept.items():
        if not isinstance(value, (np.ndarray, np.generic, bool, int, float, str)) or np.asarray(value).dtype == object:
            raise ValueError(
                f"{type(model).__name__} cannot be saved without pickle: what it has learned is in {name!r}, a "
                f"{type(learned[name]).__name__}; use an estimator whose attributes are arrays, or one with only fit()"
            )
    return {name: np.asarray(value) for name, value in kept.items()}


def restore_numbers(model: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Give an estimator what `learned_numbers` returned."""
    for name, value in arrays.items():
        setattr(model, name, value.copy() if value.ndim else value.item())
