"""The card as text: one line a question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LINES = (
    ("error of the rating (RMSE)", "rmse", (("bias_only", "rmse_bias_only"), ("mean", "rmse_of_the_mean_rating"))),
    ("  gain over biases alone", "rmse_gain_over_bias_only", ()),
    ("mean absolute error", "mae", (("mean", "mae_of_the_mean_rating"),)),
    ("error weighted to all pairs", "rmse_propensity_weighted", ()),
    ("log score", "log_score", (("bias_only", "log_score_bias_only"), ("shares", "log_score_of_the_rating_shares"))),
    ("  gain over biases alone", "log_score_gain_over_bias_only", ()),
    ("PIT mean (0.5 if calibrated)", "pit_mean", ()),
    ("PIT spread (1 if calibrated)", "pit_spread", ()),
    ("PIT distance from uniform (0)", "pit_ks_distance", ()),
    ("real or simulated? AUC (0.5)", "classifier_auc", ()),
)
"""Label, key, and the baselines beside it: (name, key)."""
NAMES = {"bias_only": "biases alone", "mean": "the mean", "shares": "rating shares"}


def card_text(card: Mapping[str, Any]) -> str:
    """Return the whole card for people."""
    parts = [summary(card), _residuals(card), _randomised(card), _assumptions(card)]
    return "\n".join(part for part in parts if part)


def summary(card: Mapping[str, Any]) -> str:
    """Return the card's main numbers, with their intervals."""
    head = str(card.get("source", "world"))
    if "ratings" in card:
        head += f": {card['users']:,} users, {card['items']:,} items, {card['ratings']:,} ratings"
    lines = [head]
    if "measured_on" in card:
        lines.append(f"Measured on: {card['measured_on']}; intervals are 95%, over users.")
    return "\n".join([*lines, *(_line(card, *line) for line in LINES if card.get(line[1]) is not None)])


def with_interval(value: float | None, interval: Any, digits: int = 3) -> str:
    """Return a number and its interval."""
    if value is None:
        return "none"
    low, high = interval or (None, None)
    between = "" if low is None or high is None else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{value:.{digits}f}{between}"


def _line(card: Mapping[str, Any], label: str, key: str, beside: tuple[tuple[str, str], ...]) -> str:
    known = [f"{NAMES[name]} {card[other]:.3f}" for name, other in beside if card.get(other) is not None]
    number = with_interval(card[key], card.get("intervals", {}).get(key))
    return f"  {label:<32}{number}{_beside(known)}"


def _beside(known: list[str]) -> str:
    return f"  ({', '.join(known)})" if known else ""


def _residuals(card: Mapping[str, Any]) -> str:
    tests = card.get("residuals", {})
    lines = [
        f"  {name:<32}{with_interval(one['value'], (one['low'], one['high']))}  ({one['measure']})"
        for name, one in tests.items()
    ]
    return "\n".join(["What is left in the residuals of (0: nothing):", *lines]) if lines else ""


def _randomised(card: Mapping[str, Any]) -> str:
    found = card.get("randomised_exposure")
    if not found:
        return ""
    lines = [f"On {found['ratings']:,} ratings of random pairs ({found['seen_by_the_fit']:,} seen by the fit):"]
    for name in ("all", "clean"):
        if found[name]:
            mse = found[name]["mse"]
            lines.append(
                f"  {f'mean squared error, {name}':<32}{with_interval(mse['value'], (mse['low'], mse['high']))}"
            )
    return "\n".join(lines)


def _assumptions(card: Mapping[str, Any]) -> str:
    lines = [f"  - {line}" for line in card.get("assumptions", ())]
    return "\n".join(["No log can check:", *lines]) if lines else ""
