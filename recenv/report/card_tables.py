"""The tables of a validation card: errors beside their baselines, residuals, randomised exposure, weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recenv.report.html import Safe, definitions
from recenv.report.rounding import MISSING, decimals_for, fact, interval, number, significant
from recenv.report.table import Column, Row, table

ERRORS = (
    ("Root mean squared error", "rmse", "rmse_bias_only", "rmse_of_the_mean_rating", "lower"),
    ("Its gain over biases alone", "rmse_gain_over_bias_only", "", "", "above 0"),
    ("The same error, weighted to all pairs", "rmse_propensity_weighted", "", "", "lower"),
    ("Mean absolute error", "mae", "", "mae_of_the_mean_rating", "lower"),
    ("Log score a rating (nats)", "log_score", "log_score_bias_only", "log_score_of_the_rating_shares", "higher"),
    ("Its gain over biases alone (nats)", "log_score_gain_over_bias_only", "", "", "above 0"),
    ("Root mean squared error, randomised exposure", "rmse_random_exposure", "", "", "lower"),
    ("Mean of the PIT", "pit_mean", "", "", "0.5"),
    ("Variance of the PIT, over 1/12", "pit_spread", "", "", "1"),
    ("Distance of the PIT from uniform", "pit_ks_distance", "", "", "0"),
    ("Real or simulated? classifier's AUC", "classifier_auc", "", "", "0.5"),
)
"""Measure, its key on the card, the keys of the two baselines, and which way is better."""
TOLD = {key for row in ERRORS for key in row[1:4]} | {
    "assumptions", "by_decile", "by_level", "error_by_level", "exposure", "exposure_curve", "fit", "intervals",
    "pit_histogram", "popularity_curve", "propensity", "randomised_exposure", "rating_histogram", "residuals",
    "response", "source", "support", "user_means",
}  # fmt: skip
"""Keys of a card that tables and pictures show."""
NEGLIGIBLE, LARGE = 0.01, 0.05
"""Effect sizes of residuals below which nothing need be done, and above which something is missing."""


def has_errors(card: Mapping[str, Any]) -> bool:
    """Say whether anything was measured."""
    return any(key in card for _, key, *_ in ERRORS)


def error_table(card: Mapping[str, Any]) -> Safe:
    """Return errors and scores with their intervals, beside biases alone and the overall mean."""
    columns = [Column("Measure"), Column("World", number=True), Column("95% interval", number=True)]
    columns += [Column("Biases alone", number=True), Column("No model", number=True), Column("Good is")]
    rows = [Row((name, *_cells(card, key, beside), better)) for name, key, *beside, better in ERRORS if key in card]
    return table(f"Validation card: measured on the {card.get('measured_on', 'log')}", columns, rows)


def residual_table(card: Mapping[str, Any]) -> Safe:
    """Return what is left in the residuals of user, item and exposure."""
    columns = [Column("Residuals depend on"), Column("Effect size", number=True), Column("95% interval", number=True)]
    columns += [Column("which is the"), Column("p of none", number=True), Column("In words")]
    rows = [
        Row(
            (
                name,
                figure(test["value"]),
                _ends(test["low"], test["high"]),
                test["measure"],
                _p(test["p"]),
                _words(test),
            )
        )
        for name, test in card["residuals"].items()
    ]
    return table("What is left in the residuals (0: nothing)", columns, rows)


def randomised_table(card: Mapping[str, Any]) -> Safe:
    """Return errors on ratings of pairs that were drawn at random."""
    found = card["randomised_exposure"]
    columns = [Column("Measure"), Column("All ratings", number=True), Column("95% interval", number=True)]
    columns += [Column("Without those in the fit", number=True), Column("95% interval", number=True)]
    names = {"mse": "Mean squared error", "rmse": "Root of it", "mae": "Mean absolute error", "log_score": "Log score"}
    rows = []
    for key, name in names.items():
        parts = [(found[part] or {}).get(key, {}) for part in ("all", "clean")]
        cells = [text for one in parts for text in (figure(one.get("value")), _ends(one.get("low"), one.get("high")))]
        rows.append(Row((name, *cells)))
    return table(
        f"Randomised exposure: {found['ratings']:,} ratings, {found['seen_by_the_fit']:,} of pairs in the fit",
        columns,
        rows,
    )


def quantile_table(title: str, facts: Mapping[str, Any], names: Mapping[str, str]) -> Safe:
    """Return quantiles, one line a named distribution."""
    columns = [Column("Quantile"), *(Column(f"{share:.0%}", number=True) for share in facts["quantile"])]
    rows = [Row((name, *(figure(value) for value in facts[key]))) for key, name in names.items() if key in facts]
    return table(title, columns, rows)


def plain_facts(facts: Mapping[str, Any]) -> Safe:
    """Return single values as terms and what they are."""
    return definitions({str(name).replace("_", " "): fact(value) for name, value in facts.items()})


def figure(value: Any) -> str:
    """Return a number with three digits, a dash where there is none."""
    return MISSING if value is None else significant(float(value))


def _cells(card: Mapping[str, Any], key: str, beside: list[str]) -> list[str]:
    """Return a measure, its interval and its baselines, rounded to what the interval supports."""
    low, high = card.get("intervals", {}).get(key, (None, None))
    known = low is not None and high is not None
    decimals = decimals_for([(high - low) / 2]) if known else 3
    numbers = [MISSING if one is None else number(one, decimals) for one in (card[key], *map(card.get, beside))]
    return [numbers[0], interval(low, high, decimals) if known else MISSING, *numbers[1:]]


def _ends(low: Any, high: Any) -> str:
    return MISSING if low is None or high is None else f"{figure(low)} to {figure(high)}"


def _p(p: float | None) -> str:
    return MISSING if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _words(test: Mapping[str, Any]) -> str:
    """Return the size of an effect in a word: significance alone says little with many ratings."""
    if test["value"] is None:
        return "cannot be told"
    size = abs(test["value"])
    return "negligible" if size < NEGLIGIBLE else "small" if size < LARGE else "too large to ignore"
