"""Where data sets are kept: the argument, else `RECENV_DATA`, else the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

from recenv.storage import user_cache

VARIABLE = "RECENV_DATA"


def data_home(home: str | Path | None = None) -> Path:
    """Return the folder that holds the data sets; it need not exist yet.

    Parameters
    ----------
    home
        A folder that overrides the environment variable `RECENV_DATA` and the user's cache.
    """
    if home is not None:
        return Path(home).expanduser()
    if variable := os.environ.get(VARIABLE):
        return Path(variable).expanduser()
    return user_cache() / "data"
