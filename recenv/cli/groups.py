"""Groups of items and users as the command line names them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.groups import Groups

if TYPE_CHECKING:
    from recenv.causal.world import World

HELP = "a column of the world's data set, or FILE:COLUMN of a table with ids"
ITEM_HELP = f"Report exposure by groups of items: topic, popularity (thirds), {HELP}."
USER_HELP = f"Report reward by groups of users: activity (thirds), {HELP}; needs --world."
THIRDS = ("low third", "middle third", "high third")


def item_groups(spec: str, world: World | None, n_items: int) -> Groups:
    """Return the groups of the items: by a world's topics or popularity, or by a column.

    Without a world only a table's column will do, whose ids are those of the log.

    Raises
    ------
    ValueError
        If there is no such column, with those there are.
    """
    if world is None:
        return Groups.of(*_column(spec, None, "item", np.arange(n_items).astype(str)))
    if spec == "topic":
        names = np.array(world.topic_names)[world.topic.argmax(axis=1)]
        return Groups.of(np.where(world.topic.any(axis=1), names, ""), spec)
    if spec == "popularity":
        return _thirds(world.item_counts, spec)
    return Groups.of(*_column(spec, world, "item", world.item_ids))


def user_groups(spec: str, world: World) -> Groups:
    """Return the groups of a world's users: by their activity, or by a column."""
    if spec == "activity":
        return _thirds(np.bincount(world.pairs.user, minlength=world.n_users), spec)
    return Groups.of(*_column(spec, world, "user", world.user_ids))


def _thirds(amount: NDArray[Any], name: str) -> Groups:
    """Return low, middle and high thirds of the rows; equal ones stay together."""
    first, second = np.quantile(amount, [1 / 3, 2 / 3])
    code = (amount > first).astype(np.int64) + (amount > second)
    if code.max() == code.min():
        raise ValueError(f"{name!r} forms no groups: nearly all have {amount[0]:g} ratings; name a column")
    return Groups(name, THIRDS, code)


def _column(spec: str, world: World | None, role: str, ids: NDArray[np.str_]) -> tuple[NDArray[Any], str]:
    """Return the values of a column by the world's ids, and its name."""
    file, colon, name = spec.rpartition(":")
    table = _table_of_file(file, role, ids) if colon else _table_of_data(name, world, role, ids)
    if name not in table.columns:
        known = ", ".join(map(str, table.columns)) or "none"
        raise ValueError(f"there is no {role} column {name!r}; there are: {known}")
    column = table[name]
    if column.dtype.kind in "biuf":
        return column.to_numpy(), name
    return column.astype(object).where(column.notna(), "").to_numpy(), name


def _table_of_file(file: str, role: str, ids: NDArray[np.str_]) -> Any:
    from recenv.data.side_tables import aligned

    return aligned(Path(file), ids, role, role)


def _table_of_data(name: str, world: World | None, role: str, ids: NDArray[np.str_]) -> Any:
    """Return the table of the data set that a world was fitted to, genre (the first one) included."""
    from recenv.data import DATA_SETS, load_log

    if world is None or world.name not in {entry.name for entry in DATA_SETS}:
        which = "there is no --world" if world is None else f"world {world.name!r} is of no known data set"
        raise ValueError(
            f"the {role} column {name!r} cannot be looked up, since {which}: pass FILE:{name}, a table with a column "
            f"of {role} ids"
        )
    import pandas as pd

    log = load_log(world.name)
    own, features = (log.item_ids, log.item_features) if role == "item" else (log.user_ids, log.user_features)
    table = pd.DataFrame(index=own) if features is None else features.set_axis(own)
    if role == "item" and log.genres:
        table = table.assign(genre=[genres[0] if genres else "" for genres in log.genres])
    return table.reindex(ids)
