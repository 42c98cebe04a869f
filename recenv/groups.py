"""Groups of items or of users: the values of a column, as codes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_VALUES = 12
"""Different numbers beyond which a numeric column is cut into quarters."""
OTHER = "(none)"
"""The group of a missing value."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Which group each item, or each user, belongs to."""

    name: str
    """What divides them, such as "genre"."""
    labels: tuple[str, ...]
    """Group names, by code."""
    code: NDArray[np.int64]
    """(n,) code of each item or user."""

    def __post_init__(self) -> None:
        """Refuse codes without a label."""
        code = np.asarray(self.code, np.int64)
        if code.ndim != 1 or (len(code) and not (code.min() >= 0 and code.max() < len(self.labels))):
            raise ValueError(f"groups {self.name!r} need a list of codes 0 to {len(self.labels) - 1}, one a row")
        object.__setattr__(self, "code", code)

    @classmethod
    def of(cls, values: ArrayLike, name: str = "group") -> Groups:
        """Return the groups of a column: its different values, or quarters of a column of many different numbers.

        Raises
        ------
        ValueError
            If the column isn't one value a row, or has a different text nearly everywhere, so that no groups form.
        """
        column = np.asarray(values)
        if column.ndim != 1 or not len(column):
            raise ValueError(f"groups {name!r} need one value a row, got shape {column.shape}")
        text = _quarters(column.astype(np.float64)) if _is_continuous(column) else _text(column)
        labels, code = np.unique(text, return_inverse=True)
        if len(labels) > max(len(column) // 2, MOST_VALUES):
            raise ValueError(
                f"groups {name!r}: {len(labels)} different values in {len(column)} rows are no groups; name a column "
                "whose values repeat, such as a genre or an occupation"
            )
        if column.dtype.kind in "biuf" and not _is_continuous(column):
            order = np.argsort([math.inf if label == OTHER else float(label) for label in labels])
            labels, code = labels[order], np.argsort(order)[code]
        return cls(name, tuple(str(label) for label in labels), code)

    @property
    def shares(self) -> NDArray[np.float64]:
        """(G,) part of the rows in each group."""
        return np.bincount(self.code, minlength=len(self.labels)) / len(self.code)


def _is_continuous(column: NDArray[Any]) -> bool:
    return column.dtype.kind in "iuf" and len(np.unique(column[~np.isnan(column.astype(float))])) > MOST_VALUES


def _text(column: NDArray[Any]) -> NDArray[np.str_]:
    if column.dtype.kind in "biuf":
        return np.array([OTHER if value != value else f"{float(value):g}" for value in column])
    import pandas as pd

    missing = pd.isna(column)
    return np.array(
        [OTHER if gone or str(value) == "" else str(value) for value, gone in zip(column, missing, strict=True)]
    )


def _quarters(column: NDArray[np.float64]) -> NDArray[np.str_]:
    """Return which quarter of its column each number is in, by its ends; infinite ones are in the outer quarters.

    Where most numbers are the lowest one, these are a group and all above are the other.
    """
    known, finite = ~np.isnan(column), np.isfinite(column)
    edges = np.unique(np.quantile(column[finite], [0.0, 0.25, 0.5, 0.75, 1.0]))
    if len(edges) == 2:
        edges = np.unique([*edges, column[finite & (column > edges[0])].min()])
    place = np.clip(np.searchsorted(edges, column, side="right") - 1, 0, len(edges) - 2)
    names = [f"{chr(ord('a') + k)}: {edges[k]:g} to {edges[k + 1]:g}" for k in range(len(edges) - 1)]
    return np.where(known, np.array(names)[place], OTHER)
