"""Whether a policy may go out, and why."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

from recenv.ope.verdict import Verdict


@dataclass(frozen=True)
class Release:
    """What the gate says of one candidate."""

    released: bool
    """Whether the lower bound is above 0 and the verdict `ok`."""
    reason: str
    """Why, in a sentence."""
    value: float
    """Estimated mean reward of a decision of the candidate, on the test users."""
    logging_value: float
    """Mean reward of the log on them."""
    difference: float
    """value - logging_value, paired by row."""
    lower: float
    """Lower bound of the difference at `level`."""
    verdict: str
    """Of the overlap: ok, caution or not enough overlap."""
    confidence: float
    """Of all tests of the log together."""
    level: float
    """One-sided confidence of this test, see `Gate`."""
    test: int
    """Which test of the log this was, from 1."""
    bound: str
    """Which lower bound."""
    estimator: str
    """Which estimator."""
    rows: int
    """Rows of the test part."""
    users: int
    """Users of the test part."""

    @classmethod
    def decide(cls, *, lower: float, verdict: Verdict, **found: Any) -> Self:
        """Return the decision on these numbers, with its reason."""
        released = lower > 0 and verdict.level == "ok"
        found |= {"lower": lower, "verdict": verdict.level}
        return cls(released=released, reason=_reason(found, verdict), **found)

    def summary(self) -> str:
        """Return the decision and its reason for people."""
        return f"{'released' if self.released else 'not released'}: {self.reason}"

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it; what is not finite is None."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }


def _reason(found: dict[str, Any], verdict: Verdict) -> str:
    words = (
        f"on {found['users']:,} users that it has not learned from, it earns {found['value']:.4g} a decision against "
        f"{found['logging_value']:.4g} of the log; the difference {found['difference']:+.3g} is at least "
        f"{found['lower']:+.3g} (at {found['level']:.4g}, one-sided; {found['bound']}, {found['estimator']})"
    )
    if found["test"] > 1:
        words += f", test {found['test']} of this log"
    doubts = []
    if not found["lower"] > 0:
        doubts.append("that does not exclude that it is no better")
    if verdict.level != "ok":
        doubts.append(f"overlap: {verdict.level}, {verdict.reason}")
    return "; but ".join([words, *doubts])
