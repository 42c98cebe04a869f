"""The estimator that speaks first, chosen where the truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recenv.ope.comparison import headline
from recenv.ope.estimator import Estimator
from recenv.ope.reliability_result import Reliability
from recenv.ope.reliability_selection import Selection


def by_reliability(
    replicate: Any, chosen: Sequence[Estimator], replications: int, **options: Any
) -> tuple[Reliability, Selection]:
    """Return how the estimators do in the worlds of `replicate`, and which of them has the best worst case.

    The choice is among estimators of one estimand, that of the usual headline. Nothing of the log at hand enters it
    but through the worlds, so the intervals of the one chosen stay what they are.

    Raises
    ------
    ValueError
        If a `Reliability` lacks one of the estimators, or none of them gave a number.
    """
    from recenv.ope.reliability import reliability  # it asks `evaluate`, which asks this

    names = [one.name for one in chosen]
    if isinstance(replicate, Reliability):
        measured = replicate
        missing = set(names) - set(measured.estimators)
        if missing:
            raise ValueError(f"replicate holds no reliability of {sorted(missing)}: measure it with these estimators")
    else:
        measured = reliability(replicate, estimators=names, replications=replications, **options)
    usual = headline(names)
    estimand = next(one.estimand for one in chosen if one.name == usual)
    return measured, measured.select(estimand=estimand)
