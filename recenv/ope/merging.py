"""Records of terms that workers made from parts of a log, as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from recenv.ope.terms import Terms

AnyTerms = TypeVar("AnyTerms", bound=Terms)


def merge(parts: Iterable[AnyTerms]) -> AnyTerms:
    """Return one record of all parts' rows, in their order; what is estimated from it is what one pass would give.

    Parts may come from joblib workers, or from a Ray cluster through joblib's Ray backend. A cluster is the user, by
    the same label in every part: a user whose rows lie in two parts is one unit. A ratio is merged through numerator
    and denominator, since rows are merged, not estimates.

    Raises
    ------
    ValueError
        If there is no part, or one has fields, a shape or an a-priori bound that another has not.
    TypeError
        If they are of different families.
    """
    records = list(parts)
    if not records:
        raise ValueError("parts is empty: give at least one record of terms")
    first = records[0]
    for place, other in enumerate(records[1:], start=1):
        if type(other) is not type(first):
            raise TypeError(
                f"part {place} is {type(other).__name__}, part 0 is {type(first).__name__}: merge one family"
            )
    merged: dict[str, Any] = {}
    for entry in fields(first):  # type: ignore[arg-type]
        merged[entry.name] = _joined(entry.name, [getattr(one, entry.name) for one in records], first._shared)
    return type(first)(**merged)


def _joined(name: str, values: list[Any], shared: tuple[str, ...]) -> Any:
    """Return the parts of one field as one: arrays end to end, settings if they agree."""
    known = values[0]
    if name in shared or not any(isinstance(value, np.ndarray) for value in values):
        for place, value in enumerate(values):
            if not np.array_equal(np.asarray(value), np.asarray(known)):
                raise ValueError(f"{name} must be the same in all parts; part {place} has {value}, part 0 has {known}")
        return known
    for place, value in enumerate(values):
        if (value is None) != (known is None):
            raise ValueError(f"{name} is in some parts only; part {0 if known is None else place} lacks it: add it")
        if value.shape[1:] != known.shape[1:]:
            raise ValueError(
                f"{name} must have rows of one shape; part {place} has {value.shape[1:]}, part 0 has "
                f"{known.shape[1:]}: pad them alike"
            )
    return np.concatenate(values)
