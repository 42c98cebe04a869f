"""Observations of one form, an array or a mapping (of mappings) of arrays, taken apart for comparisons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def array_of(column: Any) -> NDArray[Any]:
    """Return an array, or a tensor of any device, as an array."""
    return np.asarray(column.cpu().numpy() if hasattr(column, "cpu") else column)


def leaves(observation: Any, name: str = "observation") -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays of an observation, each with a name that says where it stands."""
    if isinstance(observation, Mapping):
        for key, value in observation.items():
            yield from leaves(value, f"{name}[{key!r}]")
    else:
        yield name, array_of(observation)


def leaves_of_both(one: Any, two: Any) -> list[tuple[str, tuple[NDArray[Any], NDArray[Any]]]]:
    """Return name -> the two arrays of that name.

    Raises
    ------
    AssertionError
        If the observations have different keys.
    """
    first, second = dict(leaves(one)), dict(leaves(two))
    if first.keys() != second.keys():
        raise AssertionError(f"observations have different keys: {list(first)} and {list(second)}")
    return [(name, (first[name], second[name])) for name in first]


def copied(observation: Any) -> Any:
    """Return the observation in arrays of its own."""
    if isinstance(observation, Mapping):
        return {name: copied(value) for name, value in observation.items()}
    return observation if observation is None else np.array(array_of(observation))


def slot_of(observation: Any, slot: int) -> Any:
    """Return the observation of one slot, without the batch axis."""
    if isinstance(observation, Mapping):
        return {name: slot_of(value, slot) for name, value in observation.items()}
    return observation[slot]
