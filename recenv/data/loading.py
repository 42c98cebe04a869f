"""Loading by name, from whatever is at hand, and never from the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from recenv.data.coat import load_coat
from recenv.data.columns import nearest
from recenv.data.jester import load_jester
from recenv.data.locating import check_members, fetch_command, locate
from recenv.data.movielens import load_ml_1m, load_ml_100k, load_ml_latest_small
from recenv.data.ratings_log import RatingsLog
from recenv.data.registry import DATA_SETS, DataSet, data_set
from recenv.data.tables import SUFFIXES

if TYPE_CHECKING:
    import pandas as pd

LOADERS: dict[str, Callable[[str | Path], RatingsLog]] = {
    "ml-100k": load_ml_100k,
    "ml-1m": load_ml_1m,
    "coat": load_coat,
    "jester": load_jester,
    "ml-latest-small": load_ml_latest_small,
}
"""How each data set of ratings is read from its folder."""


def load_named(name: str, *, home: str | Path | None = None) -> RatingsLog:
    """Return a data set of the registry; see `RatingsLog.load`.

    Raises
    ------
    FileNotFoundError
        If the data set is not there.
    ValueError
        If the name is unknown, the set holds no ratings, or its files are not the registered ones.
    """
    entry = data_set(name)
    if name not in LOADERS:
        raise ValueError(f"{name} holds logged clicks, not ratings: use recenv.data.load_open_bandit(policy, campaign)")
    folder = locate(entry, home)
    if entry.source is not None:
        check_members(entry, folder, home)
    log = LOADERS[name](folder)
    _check_counts(log, entry, folder, home)
    return log


def load_log(source: RatingsLog | pd.DataFrame | str | Path, *, home: str | Path | None = None) -> RatingsLog:
    """Return the log behind a log, a DataFrame, a file, a saved folder or a registered name.

    Parameters
    ----------
    source
        A registered name wins over a file or folder of the same name; write `./coat` for the folder.
    home
        Where registered data sets are looked for.
    """
    if isinstance(source, RatingsLog):
        return source
    if not isinstance(source, str | Path):
        return RatingsLog.from_frame(source)
    if str(source) in {entry.name for entry in DATA_SETS}:
        return load_named(str(source), home=home)
    path = Path(source)
    if path.is_dir():
        return RatingsLog.load_saved(path)
    if path.exists() or path.suffix.lower() in SUFFIXES:
        return RatingsLog.read(path)
    names = [entry.name for entry in DATA_SETS if entry.name in LOADERS]
    raise FileNotFoundError(
        f"{str(source)!r} is neither a file, a saved log nor a data set ({', '.join(names)})"
        f"{nearest(str(source), names)}"
    )


def _check_counts(log: RatingsLog, entry: DataSet, folder: Path, home: str | Path | None) -> None:
    found, expected = (log.n_users, log.n_items, len(log)), (entry.users, entry.items, entry.ratings)
    if found != expected:
        remedy = "it is another build of the data" if entry.source is None else f"again: {fetch_command(entry, home)}"
        raise ValueError(
            f"{entry.name} in {folder} has {found[0]} users, {found[1]} items and {found[2]} ratings; expected "
            f"{expected[0]}, {expected[1]} and {expected[2]}: {remedy}"
        )
