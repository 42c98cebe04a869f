"""What a report shows beside the comparison itself."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from recenv.causal import World

MAX_VERDICT_LINES = 5
CURVE_COLUMNS = ("steps", "value", "low", "high")
FAIRNESS_PARTS = {"exposure": ("item_group", "exposure_gap"), "outcome": ("user_group", "outcome_gap")}


@dataclass(frozen=True)
class ReportContext:
    """Everything is optional; a section without content is left out.

    Raises
    ------
    ValueError
        If a learning curve, a session or the verdict has the wrong shape; the message names it and the remedy.
    """

    question: str = ""
    """What is to be decided, in the words of whoever asks."""
    verdict: str | Sequence[str] = ()
    """Up to five plain lines; empty: they are derived from the comparison."""
    reward_unit: str = ""
    """Unit of one decision's reward, such as "stars"."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Facts about the data: name -> number or text."""
    terms: str = ""
    """Under which terms the data may be used."""
    citation: str = ""
    """What a publication cites for the data."""
    world: World | None = None
    """The causal world: its graph, validation card and assumptions are shown."""
    agents: Mapping[str, str] = field(default_factory=dict)
    """Policy -> what it does, in a sentence."""
    learning_curves: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Agent -> (steps, value) or (steps, value, low, high), arrays of one length; an empty curve is left out."""
    learning_unit: str = ""
    """Unit of the learning curves' values, such as "stars per session"."""
    sessions: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Policy -> its simulated `policy_value` over whole sessions: value, low, high, mean_length, ... (numbers)."""
    session_unit: str = ""
    """Unit of the sessions' values, such as "stars per session"."""
    fairness: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Policy -> what `recenv.fairness.Fairness.for_report` returns: exposure by item group, outcome by user group."""
    command: str = ""
    """The command that made the comparison."""
    versions: Mapping[str, str] | None = None
    """Software -> version; None: what is installed is looked up."""
    seed: int | None = None
    """Seed of the whole run."""
    machine: str = ""
    """What it ran on; see `describe_machine`."""
    created: str = ""
    """ISO 8601 time; empty: none is shown, so that the same input gives the same bytes."""

    def __post_init__(self) -> None:
        """Check shapes; a verdict given as one text becomes its lines."""
        text = [self.verdict] if isinstance(self.verdict, str) else self.verdict
        lines = tuple(line.strip() for part in text for line in str(part).splitlines() if line.strip())
        if len(lines) > MAX_VERDICT_LINES:
            raise ValueError(f"verdict has {len(lines)} lines: give at most {MAX_VERDICT_LINES}, in plain words")
        object.__setattr__(self, "verdict", lines)
        curves = {name: curve for name, curve in self.learning_curves.items() if _check_curve(name, curve)}
        object.__setattr__(self, "learning_curves", curves)
        for name, session in self.sessions.items():
            _check_session(name, session)
        for name, found in self.fairness.items():
            _check_fairness(name, found)


def as_context(context: ReportContext | Mapping[str, Any] | None) -> ReportContext:
    """Return the context that a record, a mapping of its fields, or None means.

    Raises
    ------
    ValueError
        If a key is not a field of `ReportContext`; the message gives the nearest.
    """
    if isinstance(context, ReportContext):
        return context
    given = dict(context or {})
    known = [item.name for item in dataclasses.fields(ReportContext)]
    for key in given:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)[0]
            raise ValueError(f"the report has no field {key!r}; nearest: {close!r}; it has {', '.join(known)}")
    # An optional field that the caller leaves at None keeps its default.
    return ReportContext(**{key: value for key, value in given.items() if value is not None})


def _check_curve(name: str, curve: Sequence[Any]) -> int:
    """Return the number of points of a curve."""
    if len(curve) not in (2, 4):
        raise ValueError(f"learning_curves[{name!r}] has {len(curve)} arrays: give (steps, value) or {CURVE_COLUMNS}")
    lengths = {len(np.atleast_1d(np.asarray(column, dtype=float))) for column in curve}
    if len(lengths) != 1:
        raise ValueError(f"learning_curves[{name!r}] has arrays of lengths {sorted(lengths)}: give them one length")
    return lengths.pop()


def _check_session(name: str, session: Mapping[str, float]) -> None:
    if "value" not in session:
        raise ValueError(f"sessions[{name!r}] has no 'value', only {sorted(session)}: give its mean reward per session")
    for key, number in session.items():
        if isinstance(number, bool) or not isinstance(number, int | float | np.number):
            raise ValueError(f"sessions[{name!r}][{key!r}] must be a number, not {number!r}")


def _check_fairness(name: str, found: Mapping[str, Any]) -> None:
    for what, needed in FAIRNESS_PARTS.items():
        missing = [key for key in needed if key not in found]
        if what in found and missing:
            raise ValueError(f"fairness[{name!r}] has {what!r} without {missing[0]!r}: give Fairness.for_report()")
