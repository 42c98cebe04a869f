"""How strong a hidden cause of the log's decisions must be before the leading policy may not lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recenv.ope.sensitivity import Sensitivity, against_log_sensitivity, difference_sensitivity
from recenv.ope.terms import BanditTerms

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 200_000
"""More rows than this are thinned to whole users drawn at random: the bounds are means."""
COLUMNS = (
    "policy", "versus", "strength", "low", "high", "lower", "upper", "overturned_at", "point_overturned_at",
)  # fmt: skip


def overturning(
    terms: Mapping[str, BanditTerms],
    leader: str | None,
    *,
    strengths: Sequence[float],
    confidence: float,
    log: str,
    seed: int,
) -> pd.DataFrame:
    """Return one row a strength and comparison of the leader with each other policy and with the log.

    Columns: policy, versus, strength, low, high (possible differences), lower, upper (with the sample's noise),
    overturned_at and point_overturned_at (see `Sensitivity`). Policies without overlap are left out; without a leader
    the table is empty.
    """
    import pandas as pd

    records: list[dict[str, Any]] = []
    if leader is not None and strengths:
        few = thinned(terms, seed)
        how: dict[str, Any] = {"strengths": tuple(strengths), "confidence": confidence}
        for name, other in few.items():
            if name != leader and other.target.any():
                records += _records(leader, name, difference_sensitivity(few[leader], other, **how))
        records += _records(leader, log, against_log_sensitivity(few[leader], **how))
    return pd.DataFrame.from_records(records, columns=list(COLUMNS))


def thinned(terms: Mapping[str, BanditTerms], seed: int) -> dict[str, BanditTerms]:
    """Return the records with at most about `MOST_ROWS` rows, the same whole users in each."""
    first = next(iter(terms.values()))
    if first.rows <= MOST_ROWS:
        return dict(terms)
    user = np.arange(first.rows) if first.cluster is None else np.unique(first.cluster, return_inverse=True)[1]
    kept = (np.random.default_rng(seed).random(int(user.max()) + 1) < MOST_ROWS / first.rows)[user]
    return {
        name: BanditTerms(
            reward=one.reward[kept],
            propensity=one.propensity[kept],
            target=one.target[kept],
            cluster=None if one.cluster is None else one.cluster[kept],
        )
        for name, one in terms.items()
    }


def _records(policy: str, versus: str, found: Sensitivity) -> list[dict[str, Any]]:
    shared = {"policy": policy, "versus": versus}
    ends = {"overturned_at": found.overturned_at, "point_overturned_at": found.point_overturned_at}
    return [{**shared, **bounds._asdict(), **ends} for bounds in found.curve]
