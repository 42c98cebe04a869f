"""Looking up paired differences, whichever way round the table holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd


class Gap(NamedTuple):
    """How far a policy is ahead of another; negative: behind."""

    policy: str
    versus: str
    difference: float
    std_error: float
    lower: float
    upper: float
    lower_simultaneous: float
    upper_simultaneous: float
    p_adjusted: float
    verdict: str
    """The worse of the two policies' verdicts."""

    def turned(self) -> Gap:
        """Return the same gap seen from the other policy."""
        return self._replace(
            policy=self.versus,
            versus=self.policy,
            difference=-self.difference,
            lower=-self.upper,
            upper=-self.lower,
            lower_simultaneous=-self.upper_simultaneous,
            upper_simultaneous=-self.lower_simultaneous,
        )

    @property
    def conclusion(self) -> str:
        """What may be said, by the simultaneous interval."""
        if self.verdict == "not enough overlap":
            return self.verdict
        if self.lower_simultaneous > 0:
            return "ahead"
        return "behind" if self.upper_simultaneous < 0 else "not clearly different"


Pairs = Mapping[tuple[str, str], Gap]


def pairs_of(frame: pd.DataFrame, estimator: str) -> Pairs:
    """Return (policy, versus) -> gap of one estimator, from `Comparison.differences` or `.against_log`."""
    chosen = frame[frame["estimator"] == estimator]
    records = chosen[list(Gap._fields)].itertuples(index=False, name=None)
    return {(gap.policy, gap.versus): gap for gap in (Gap(*record) for record in records)}


def oriented(pairs: Pairs, policy: str, versus: str) -> Gap | None:
    """Return how far `policy` is ahead of `versus`, or None where they were not compared."""
    if (policy, versus) in pairs:
        return pairs[policy, versus]
    found = pairs.get((versus, policy))
    return None if found is None else found.turned()
