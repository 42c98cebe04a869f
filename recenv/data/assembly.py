"""From a table of ratings, and tables of items and users, to a validated `RatingsLog`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.data.columns import resolve_columns
from recenv.data.ids import encode
from recenv.data.numeric import finite_numbers, seconds
from recenv.data.ratings_log import RatingsLog
from recenv.data.side_tables import item_table, user_table

if TYPE_CHECKING:
    import pandas as pd

    from recenv.data.tables import Table


def assemble(
    table: Table,
    *,
    items: pd.DataFrame | str | Path | None = None,
    users: pd.DataFrame | str | Path | None = None,
    columns: Mapping[str, str | None] | None = None,
    name: str,
) -> RatingsLog:
    """Return the log of `table`; see `RatingsLog.from_frame` for the arguments and the errors."""
    roles = resolve_columns(table.columns, columns, source=table.name)
    frame = table.read(list(roles.values()), text=list(roles.values()))
    if frame.empty:
        raise ValueError(f"{table.name} has a header but no ratings; it needs one row a rating")
    rating = finite_numbers(frame[roles["rating"]], roles["rating"], table, "correct it or drop the row")
    times = seconds(frame[roles["timestamp"]], roles["timestamp"], table) if "timestamp" in roles else None
    user, user_ids = encode(frame[roles["user"]], roles["user"], table)
    item, item_ids = encode(frame[roles["item"]], roles["item"], table)
    _check_pairs(user, item, user_ids, item_ids, roles, table)
    _check_enough(user_ids, item_ids, rating, roles, table)
    order = _time_order(times)
    return RatingsLog(
        name=name,
        user=user[order],
        item=item[order],
        rating=rating[order],
        timestamp=None if times is None else times[order],
        user_ids=user_ids,
        item_ids=item_ids,
        levels=np.unique(rating),
        user_features=user_table(users, user_ids, roles["user"]),
        **item_table(items, item_ids, roles["item"]),
    )


def _time_order(times: NDArray[Any] | None) -> NDArray[np.int64] | slice:
    """Return the order by time, the order of the file where times are equal."""
    if times is None or bool(np.all(times[1:] >= times[:-1])):
        return slice(None)
    return np.argsort(times, kind="stable")


def _check_pairs(
    user: NDArray[np.int64],
    item: NDArray[np.int64],
    user_ids: NDArray[np.str_],
    item_ids: NDArray[np.str_],
    roles: Mapping[str, str],
    table: Table,
) -> None:
    import pandas as pd

    pairs = pd.Series(user * len(item_ids) + item)
    again = pairs.duplicated().to_numpy()
    if not again.any():
        return
    second = int(np.flatnonzero(again)[0])
    first = int(np.flatnonzero((user == user[second]) & (item == item[second]))[0])
    names = [roles["user"], roles["item"]]
    raise ValueError(
        f"{table.place(second)}: user {str(user_ids[user[second]])!r} has rated item {str(item_ids[item[second]])!r} "
        f"already ({table.place(first).removeprefix(table.name + ', ')}); rows that repeat a pair: "
        f"{int(again.sum())}. A pair has one rating: "
        f'keep the last of each, df.drop_duplicates({names}, keep="last")'
    )


def _check_enough(
    user_ids: NDArray[np.str_],
    item_ids: NDArray[np.str_],
    rating: NDArray[np.float64],
    roles: Mapping[str, str],
    table: Table,
) -> None:
    for role, ids in (("user", user_ids), ("item", item_ids)):
        if len(ids) < 2:
            raise ValueError(
                f"{table.name} has fewer than two {role}s: column {roles[role]!r} holds only {str(ids[0])!r}; "
                f'is it the {role}? If not, say which, columns={{"{role}": "..."}} (command line: --column {role}=...)'
            )
    if rating.min() == rating.max():
        raise ValueError(
            f"{table.name} has one rating level: column {roles['rating']!r} is {rating[0]:g} in every row; what users "
            "prefer cannot be learned from it. Keep the low ratings, or the shown but not clicked, as well"
        )
