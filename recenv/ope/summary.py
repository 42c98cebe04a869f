"""A comparison in five lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from recenv.ope.comparison import Comparison

REFUSED = "not enough overlap"
NAMES = {"one_step": "one-step value", "policy_value": "policy value"}
BASIS = {"one_step": " on the same users and steps", "policy_value": " in its own sessions"}
"""Which states a value of this estimand is about."""


def summarise(comparison: Comparison) -> str:
    """Return up to five lines: the winner, by how much, what cannot be judged, the truth, what the number means."""
    table = comparison.table[comparison.table["estimator"] == comparison.headline]
    judged = table[(table["verdict"] != REFUSED) & table["value"].notna()]
    lines = [_log_line(comparison)]
    if judged.empty:
        lines.append("No policy can be judged from this log: there is not enough overlap with what was shown.")
    else:
        lines += [_best_line(judged, comparison), _gap_line(judged, comparison)]
    lines += [_doubt_line(table), _truth_line(judged, comparison)]
    return "\n".join([line for line in lines if line][:5])


def _log_line(comparison: Comparison) -> str:
    logged, settings = comparison.logged, comparison.settings
    return (
        f"The log ({settings.get('rows', 0):,} decisions, {settings.get('users', 0):,} users) earned "
        f"{_range(logged)} {comparison.per}".rstrip()
        + "."
    )


def _best_line(judged: pd.DataFrame, comparison: Comparison) -> str:
    best = judged.iloc[int(judged["value"].argmax())]
    doubt = "" if best["verdict"] == "ok" else f" ({best['verdict']}: {best['reason']})"
    basis = BASIS.get(comparison.estimand, "")
    return f"Best by {comparison.headline}: {best['policy']} with {_range(best)}{basis}{doubt}."


def _gap_line(judged: pd.DataFrame, comparison: Comparison) -> str:
    order = judged.sort_values("value", ascending=False)["policy"].tolist()
    if len(order) < 2:
        gaps = comparison.against_log
        first, second = order[0], "log"
    else:
        gaps = comparison.differences
        first, second = order[0], order[1]
    row, sign = _find(gaps[gaps["estimator"] == comparison.headline], first, second)
    low, high = sorted((sign * row["lower_simultaneous"], sign * row["upper_simultaneous"]))
    clear = "ahead of" if low > 0 else "behind" if high < 0 else "not clearly different from"
    other = "the log" if second == "log" else second
    return f"{first} is {clear} {other}: {sign * row['difference']:+.4g} [{low:.4g}, {high:.4g}]."


def _find(gaps: pd.DataFrame, first: str, second: str) -> tuple[Any, int]:
    for left, right, sign in ((first, second, 1), (second, first, -1)):
        found = gaps[(gaps["policy"] == left) & (gaps["versus"] == right)]
        if not found.empty:
            return found.iloc[0], sign
    raise LookupError(f"no difference between {first} and {second}")


def _doubt_line(table: pd.DataFrame) -> str:
    refused = table[table["verdict"] == REFUSED]
    if refused.empty:
        return ""
    named = "; ".join(f"{row['policy']} ({row['reason']})" for _, row in refused.head(3).iterrows())
    more = f" and {len(refused) - 3} more" if len(refused) > 3 else ""
    return f"Not enough overlap to judge {named}{more}."


def _truth_line(judged: pd.DataFrame, comparison: Comparison) -> str:
    known = judged[judged["truth"].notna()]
    if known.empty:
        return ""
    # The truth is itself an average over simulated users.
    slack = 2 * known["truth_std_error"].fillna(0)
    inside = ((known["lower"] - slack <= known["truth"]) & (known["truth"] <= known["upper"] + slack)).sum()
    name = NAMES.get(comparison.estimand, comparison.estimand)
    return f"The true {name} lies in the interval for {inside} of {len(known)} policies."


def _range(row: Any) -> str:
    return f"{row['value']:.4g} [{row['lower']:.4g}, {row['upper']:.4g}]"
