"""The verdict in up to five plain lines: who is best, how sure, what could overturn it, who is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from recenv.report.glossary import estimator_name
from recenv.report.paired import oriented, pairs_of
from recenv.report.rounding import decimals_for, rounded, spread

if TYPE_CHECKING:
    import pandas as pd

    from recenv.ope.comparison import Comparison

REFUSED = "not enough overlap"
NAMED = 3
"""So many policies are named in a line, the others counted."""


class Leader(NamedTuple):
    """The policy with the highest usable value, and how the others stand to it."""

    row: Any
    """Its row of the table."""
    behind: list[str]
    """Policies that it clearly beats."""
    open: list[str]
    """Policies from which it is not clearly different."""


def verdict_lines(
    comparison: Comparison, *, unit: str = "", sessions: Mapping[str, Mapping[str, float]] | None = None
) -> tuple[str, ...]:
    """Return up to five lines for people, by the headline estimator.

    Parameters
    ----------
    unit
        Of the reward.
    sessions
        Policy -> its simulated value over whole sessions; see `ReportContext`.
    """
    table = comparison.table[comparison.table["estimator"] == comparison.headline]
    judged = table[(table["verdict"] != REFUSED) & table["value"].map(math.isfinite)]
    refused = table[~table.index.isin(judged.index)]
    if judged.empty:
        lines = ["This log cannot tell which policy is better: it lacks the decisions that these policies would make."]
        return (
            *lines,
            *_refusals(refused),
            "Log decisions with more exploration, or compare policies nearer to the log's.",
        )
    leader = find_leader(comparison, judged)
    lines = [_winner(leader, comparison, unit), _certainty(leader, comparison)]
    lines += [_overturn(leader, comparison, sessions or {})]
    return tuple([*lines, *_truth(judged), *_refusals(refused)][:5])


def find_leader(comparison: Comparison, judged: pd.DataFrame) -> Leader:
    """Return the best of the judged rows, and from whom its simultaneous interval sets it apart."""
    row = judged.iloc[int(judged["value"].to_numpy().argmax())]
    behind: list[str] = []
    unclear: list[str] = []
    pairs = pairs_of(comparison.differences, comparison.headline)
    for other in judged["policy"]:
        if other != row["policy"]:
            gap = oriented(pairs, row["policy"], other)
            (behind if gap is not None and gap.lower_simultaneous > 0 else unclear).append(other)
    return Leader(row, behind, unclear)


def names(policies: list[str]) -> str:
    """Return the policies in words; beyond a few, how many more there are."""
    shown = policies[:NAMED]
    if len(policies) > NAMED:
        return f"{', '.join(shown)} and {len(policies) - NAMED} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _winner(leader: Leader, comparison: Comparison, unit: str) -> str:
    row, logged = leader.row, comparison.logged
    decimals = decimals_for([(row["upper"] - row["lower"]) / 2])
    word = f" {unit}" if unit else ""
    per = f" {comparison.per}" if comparison.per else ""
    sure = f"{comparison.settings.get('confidence', 0.95):.0%}"
    lead = "looks best, though not clearly:" if leader.open else "is best:" if leader.behind else "alone can be judged:"
    if len(comparison.policies) == 1:
        lead = "would have earned"
    return (
        f"{row['policy']} {lead} {rounded(row['value'], decimals)}{word}{per} ({sure} interval "
        f"{spread(row['lower'], row['upper'], decimals)}), estimated by {estimator_name(row['estimator'])}; the log "
        f"itself earned {rounded(logged['value'], decimals)}."
    )


def _certainty(leader: Leader, comparison: Comparison) -> str:
    name = leader.row["policy"]
    if leader.open:
        ahead = f"; it is clearly ahead of {names(leader.behind)}" if leader.behind else ""
        return (
            f"How sure: not enough to tell {name} from {names(leader.open)}{ahead}. More data could change the order."
            f"{_beside_log(leader, comparison)}"
        )
    if leader.behind:
        pairs = pairs_of(comparison.differences, comparison.headline)
        gaps = {other: gap for other in leader.behind if (gap := oriented(pairs, name, other)) is not None}
        nearest = min(gaps, key=lambda other: gaps[other].difference)
        first = f"How sure: clearly ahead of {names(leader.behind)}; {_gap(nearest, gaps[nearest])}."
        return first + _beside_log(leader, comparison)
    against = oriented(pairs_of(comparison.against_log, comparison.headline), name, "log")
    if against is None:
        return "How sure: there is nothing to compare it with."
    return f"How sure: {_word(against)} what was shown in the log; {_gap('the log', against)}."


def _beside_log(leader: Leader, comparison: Comparison) -> str:
    """Return how the leader stands to what is shown today."""
    against = oriented(pairs_of(comparison.against_log, comparison.headline), leader.row["policy"], "log")
    if against is None:
        return ""
    decimals = decimals_for([against.upper_simultaneous - against.lower_simultaneous])
    ends = spread(against.lower_simultaneous, against.upper_simultaneous, decimals)
    return f" It is {_word(against)} what was shown in the log: {rounded(against.difference, decimals)} ({ends})."


def _word(gap: Any) -> str:
    if gap.lower_simultaneous > 0:
        return "clearly better than"
    return "clearly worse than" if gap.upper_simultaneous < 0 else "not clearly different from"


def _gap(other: str, gap: Any) -> str:
    decimals = decimals_for([gap.upper_simultaneous - gap.lower_simultaneous])
    ends = spread(gap.lower_simultaneous, gap.upper_simultaneous, decimals)
    return (
        f"the gap to {other} is {rounded(gap.difference, decimals)} ({ends}, wide enough for all comparisons at once)"
    )


def _overturn(leader: Leader, comparison: Comparison, sessions: Mapping[str, Mapping[str, float]]) -> str:
    """Return what the interval does not contain, and what the simulated sessions say."""
    row = leader.row
    doubt = "" if row["verdict"] == "ok" else f"{row['reason']}; "
    text = f"What could overturn it: {doubt}hidden causes of what was shown and liked"
    if comparison.estimand != "one_step":
        return f"{text}; users who respond otherwise than they did in the log."
    text += "; effects beyond one decision"
    if row["policy"] not in sessions or len(sessions) < 2:
        return text + ", which a one-step value does not see."
    mine = sessions[row["policy"]]
    best = max(sessions, key=lambda name: _known(sessions[name]["value"]))
    if mine["value"] >= sessions[best]["value"]:
        return text + f". Over whole simulated sessions {row['policy']} has the highest value too."
    overlap = mine.get("high", math.nan) >= sessions[best].get("low", math.nan)
    unclear = ", though not clearly" if overlap else ""
    return text + f": over whole simulated sessions {best} has the highest value, not {row['policy']}{unclear}."


def _known(value: float) -> float:
    return value if math.isfinite(value) else -math.inf


def _truth(judged: pd.DataFrame) -> list[str]:
    known = judged[judged["truth"].map(math.isfinite)]
    if known.empty:
        return []
    # The truth is itself an average over simulated users.
    slack = 2 * known["truth_std_error"].fillna(0)
    inside = int(((known["lower"] - slack <= known["truth"]) & (known["truth"] <= known["upper"] + slack)).sum())
    best = known.iloc[int(known["truth"].to_numpy().argmax())]["policy"]
    line = (
        f"Check against the simulated truth: it lies in the interval for {inside} of {len(known)} judged "
        f"polic{'y' if len(known) == 1 else 'ies'}; truly best of these is {best}."
    )
    return [line]


def _refusals(refused: pd.DataFrame) -> list[str]:
    if refused.empty:
        return []
    first = refused.iloc[0]
    reason = f"{first['reason']}" if len(refused) == 1 else f"for {first['policy']}, {first['reason']}"
    return [f"No answer for {names(list(refused['policy']))}: not enough overlap with the log ({reason})."]
