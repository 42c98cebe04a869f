"""What a log and the policies say together, whatever the log is of: the one form that tables are made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.ope.audits import Audit
from recenv.ope.cross_fit import FeedbackSource
from recenv.ope.estimator import Estimator
from recenv.ope.item_counts import ItemCounts
from recenv.ope.terms import Terms
from recenv.ope.views import Units, View


class Question(NamedTuple):
    """What `evaluate` was asked, checked."""

    source: FeedbackSource
    """The log."""
    policies: Mapping[str, Any]
    """Name -> policy."""
    chosen: Sequence[Estimator]
    """Estimators, all of families that suit the log."""
    loggers: tuple[Any, ...]
    """The policies that wrote the log, in the order of its `logger`; empty if not given."""
    advance: Callable[[int], None]
    """Called with the number of rows done."""
    rng: np.random.Generator
    """Of the pooling of users."""
    seed: int
    folds: int
    reward_model: Any = None
    item_features: NDArray[np.floating] | None = None
    item_embedding: NDArray[Any] | None = None
    propensity_model: Any = None
    block_rows: int | None = None
    gamma: float = 1.0
    horizon: int = 0
    """T of sessions."""
    state: tuple[str, ...] = ()
    """Observation columns that the caller declared to be a Markov state."""

    @property
    def needs(self) -> frozenset[str]:
        """Every optional field that some estimator needs."""
        return frozenset(name for one in self.chosen for name in one.needs)


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that estimates, intervals and verdicts are made from: a few vectors of the log's length a policy."""

    policies: tuple[str, ...]
    """Names, in the order given."""
    views: Mapping[type[Terms], View]
    """Family -> how the log looks to it; that of `BanditTerms` also serves the audits and the sensitivity."""
    units: Units
    """Independent units of the rows."""
    propensity_kind: str
    """"logged" or "estimated"."""
    unlogged: Mapping[str, float]
    """Policy -> share of its choices that are items which never occur in the log; NaN where there are no items."""
    counts: ItemCounts | None = None
    """How often each item was shown, and should have been; None where propensities are not of items."""
    gap: Audit | None = None
    """What to say of sessions that lack a step; None of a log that has every step."""
    reward_model: str | None = None
    """Its class, if one was fitted."""

    @property
    def decisions(self) -> int:
        """n, logged decisions."""
        return int(self.units.size.sum())
