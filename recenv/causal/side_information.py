"""Side information of users and items as numbers, for models that learn from it.

Numbers are standardised, an empty cell is the mean; text is one-hot, or left out where it has many values; genres are
one column each. Columns are scaled to mean 0 and deviation 1.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from recenv.data import RatingsLog

MOST_VALUES = 50
"""A text column with more distinct values is more like an id than like a kind."""


def side_information(log: RatingsLog) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    """Return (U, P) user features and (N, Q) item features, None where the log has none.

    A text column with more than `MOST_VALUES` values is left out with a warning that names it.
    """
    return feature_matrix(log.user_features, ()), feature_matrix(log.item_features, log.genres)


def feature_matrix(frame: pd.DataFrame | None, genres: Sequence[Sequence[str]]) -> NDArray[np.float32] | None:
    """Return (rows, Q) standardised features of a table and of a list of genres a row; None if nothing varies."""
    columns = [] if frame is None else [c for name in frame.columns for c in _coded(str(name), frame[name].to_numpy())]
    names = sorted({name for row in genres for name in row})
    columns += [np.array([name in row for row in genres], np.float64) for name in names]
    varied = [column for column in columns if np.ptp(column) > 0]
    if not varied:
        return None
    stacked = np.column_stack(varied)
    return ((stacked - stacked.mean(0)) / stacked.std(0)).astype(np.float32)


def _coded(name: str, values: NDArray) -> Iterator[NDArray[np.float64]]:
    """Yield the numeric columns of one column of a table."""
    if values.dtype.kind in "biuf":
        number = values.astype(np.float64)
        known = np.isfinite(number)
        yield np.where(known, number, number[known].mean() if known.any() else 0.0)
        return
    text = values.astype(str)
    kinds = np.unique(text)
    if len(kinds) > MOST_VALUES:
        warnings.warn(
            f"column {name!r} is left out of the features: {len(kinds)} different texts are more than {MOST_VALUES}; "
            "put them into fewer kinds to use it",
            stacklevel=5,
        )
        return
    yield from ((text == kind).astype(np.float64) for kind in kinds if kind)
