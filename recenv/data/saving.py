"""A ratings log on disk: `ratings_log.json` and `arrays.npz`, nothing executable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.data.ratings_log import RatingsLog
from recenv.storage import read_record, write_record

if TYPE_CHECKING:
    import pandas as pd

KIND = "ratings_log"
VERSION = 1
_CORE = ("user", "item", "rating", "user_ids", "item_ids", "levels")
_FEATURES = ("user_features", "item_features")


def save_log_folder(log: RatingsLog, folder: str | Path) -> None:
    """Write a log as a folder, whole or not at all."""
    arrays: dict[str, NDArray[Any]] = {name: getattr(log, name) for name in _CORE}
    if log.timestamp is not None:
        arrays["timestamp"] = log.timestamp
    if log.titles:
        arrays["titles"] = np.array(log.titles, dtype=np.str_)
    if log.genres:
        arrays |= _genre_arrays(log.genres)
    meta: dict[str, Any] = {"name": log.name}
    for field in _FEATURES:
        table: pd.DataFrame | None = getattr(log, field)
        if table is not None:
            meta[field] = [str(name) for name in table.columns]
            arrays |= {f"{field}_{i}": _column(table.iloc[:, i]) for i in range(table.shape[1])}
    write_record(folder, KIND, version=VERSION, meta=meta, arrays=arrays)


def load_log_folder(folder: str | Path) -> RatingsLog:
    """Return the log that `save_log_folder` wrote.

    Raises
    ------
    FileNotFoundError
        If the folder is not a saved log.
    ValueError
        If it is truncated, altered or from a newer version.
    """
    meta, arrays = read_record(folder, KIND, version=VERSION)
    try:
        fields: dict[str, Any] = {name: arrays[name] for name in _CORE}
        fields["timestamp"] = arrays.get("timestamp")
        fields["titles"] = tuple(arrays["titles"].tolist()) if "titles" in arrays else ()
        fields["genres"] = _genres(arrays) if "genre_names" in arrays else ()
        fields |= {field: _table(field, meta[field], arrays) for field in _FEATURES if field in meta}
        return RatingsLog(name=str(meta["name"]), **fields)
    except (KeyError, IndexError) as error:
        raise ValueError(f"{folder} is damaged ({error} is not in it); save the log again") from None


def _column(values: pd.Series) -> NDArray[Any]:
    array = values.to_numpy()
    return array if array.dtype.kind in "if" else array.astype(np.str_)


def _table(field: str, names: list[str], arrays: dict[str, NDArray[Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: arrays[f"{field}_{i}"] for i, name in enumerate(names)})


def _genre_arrays(genres: tuple[tuple[str, ...], ...]) -> dict[str, NDArray[Any]]:
    """Return the genres as names, codes into the names, and how many codes each item has."""
    names, codes = np.unique(np.array([g for item in genres for g in item], dtype=np.str_), return_inverse=True)
    sizes = np.array([len(item) for item in genres], dtype=np.int64)
    return {"genre_names": names, "genre_codes": codes.astype(np.int64), "genre_sizes": sizes}


def _genres(arrays: dict[str, NDArray[Any]]) -> tuple[tuple[str, ...], ...]:
    texts = arrays["genre_names"][arrays["genre_codes"]].tolist()
    ends = np.cumsum(arrays["genre_sizes"]).tolist()
    return tuple(tuple(texts[start:end]) for start, end in zip([0, *ends[:-1]], ends, strict=True))
