"""Response models by name: what `World.fit(response=...)` accepts."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from recenv.protocol import ResponseModel

HOME = "recenv.causal.response_models"
MODELS = {
    "autoencoder": f"{HOME}.autoencoder:Autoencoder",
    "factorisation": f"{HOME}.factorisation:Factorisation",
    "features": f"{HOME}.features:Features",
    "transformer": f"{HOME}.transformer:Transformer",
    "posterior": f"{HOME}.posterior:Posterior",
    "two_tower": f"{HOME}.two_tower:TwoTower",
}
"""Name -> module:Class, imported when it is asked for."""
METHODS = ("fit", "utility")


def response_model_names() -> list[str]:
    """Return the names of the built-in response models."""
    return sorted(MODELS)


def find_response_model(name: str) -> Callable[..., ResponseModel]:
    """Return the class of a built-in name or of `module:Class`.

    Raises
    ------
    ValueError
        If the name is neither, or nothing is there, with the valid names.
    """
    place = MODELS.get(name, name)
    module, colon, attribute = place.partition(":")
    if not (module and colon and attribute):
        raise ValueError(f"response knows {', '.join(response_model_names())}, or module:Class; not {name!r}")
    try:
        found: Callable[..., ResponseModel] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"response {name!r} cannot be imported: {error}") from error
    return found


def make_response_model(response: str | ResponseModel, options: Mapping[str, Any]) -> ResponseModel:
    """Return an unfitted model: of a name with its options, or the object itself.

    Raises
    ------
    TypeError
        If it lacks a method of a response model.
    ValueError
        If the name or an option is unknown, or options are given to a model that is already made.
    """
    if isinstance(response, str):
        factory = find_response_model(response)
        check_options(response, factory, options)
        model = factory(**options)
    elif options:
        raise ValueError(f"response_options {sorted(options)} are for a model given by name; set them on the object")
    else:
        model = response
    for method in METHODS:
        if not callable(getattr(model, method, None)):
            raise TypeError(f"response {response!r} has no method {method}(); see recenv.protocol.ResponseModel")
    return model


def check_options(response: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Refuse options that the constructor does not take, by name."""
    parameters = inspect.signature(factory).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return  # it takes what it likes, and checks it itself
    for name in options:
        if name not in parameters:
            valid = ", ".join(parameters) or "no options"
            raise ValueError(f"response_options knows no {name!r}: {response} takes {valid}")
