"""Every estimator by name: what it needs, which hyper-parameters it takes, what it estimates."""

from __future__ import annotations

from recenv.ope.bandit_registry import BANDIT, EMBEDDING
from recenv.ope.continuous import CONTINUOUS
from recenv.ope.estimator import Estimator
from recenv.ope.multi_logger import MULTI_LOGGER
from recenv.ope.sequential_registry import SEQUENTIAL
from recenv.ope.slate_registry import SLATE

__all__ = ["Estimator", "estimators", "find_estimator"]

_ALL: tuple[Estimator, ...] = (*BANDIT, *EMBEDDING, *MULTI_LOGGER, *CONTINUOUS, *SLATE, *SEQUENTIAL)
_BY_NAME = {entry.name: entry for entry in _ALL}
_BY_SPELLING = {name.replace("_", ""): entry for name, entry in _BY_NAME.items()}


def estimators() -> tuple[str, ...]:
    """Return the name of every estimator that `estimate` knows."""
    return tuple(_BY_NAME)


def find_estimator(name: str) -> Estimator:
    """Return an estimator by name; underscores do not count, so `sn_ips` is `snips`.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    spelling = name.replace("_", "")
    if spelling not in _BY_SPELLING:
        raise ValueError(f"there is no estimator {name!r}; there are {', '.join(_BY_NAME)}")
    return _BY_SPELLING[spelling]
