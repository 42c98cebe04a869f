"""The world: its validation card and what is assumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from recenv.report.assumptions import assumption_table, is_fitted
from recenv.report.html import Safe, bullets, definitions, details, element, paragraph
from recenv.report.picture import Picture
from recenv.report.rounding import MISSING, fact, significant
from recenv.report.section import Section
from recenv.report.table import Column, Row, table

if TYPE_CHECKING:
    from recenv.causal import World

ERRORS = (
    ("Root mean squared error", "rmse", "rmse_of_the_mean_rating", "the mean rating", "lower"),
    ("The same, weighted to all pairs", "rmse_propensity_weighted", "", "", "lower"),
    ("Mean absolute error", "mae", "mae_of_the_mean_rating", "the mean rating", "lower"),
    ("Log score a rating", "log_score", "log_score_of_the_rating_shares", "the shares of the ratings", "higher"),
    ("Root mean squared error, randomised exposure", "rmse_random_exposure", "", "", "lower"),
    ("Mean of the PIT", "pit_mean", "", "0.5 if calibrated", "0.5"),
    ("Distance of the PIT from uniform", "pit_ks_distance", "", "0 if calibrated", "lower"),
    ("Real or simulated? classifier's AUC", "classifier_auc", "", "0.5 if indistinguishable", "0.5"),
)
"""Measure, its key on the card, its baseline's key, what the baseline is, which way is better."""
_SHOWN = {key for row in ERRORS for key in row[1:3]} | {
    "assumptions",
    "rating_histogram",
    "pit_histogram",
    "fit",
    "source",
}


def card_alt(card: Mapping[str, Any]) -> str:
    """Return the card's picture in words."""
    histogram = card.get("rating_histogram")
    if not histogram:
        return "Histogram of the randomised PIT."
    columns = zip(histogram["level"], histogram["logged"], histogram["simulated"], strict=True)
    parts = [
        f"rating {level:g}: logged {logged:.1%}, simulated {simulated:.1%}" for level, logged, simulated in columns
    ]
    return f"Share of each rating; {'; '.join(parts)}."


def world_section(world: World, picture: Picture | None) -> Section:
    """Return the validation card and the assumptions of a world."""
    content: list[Safe] = [_introduction(world)]
    if any(key in world.card for _, key, *_ in ERRORS):
        content.append(_errors(world.card))
    if picture is not None:
        content.append(picture.html("How well the world reproduces ratings that it was not fitted to."))
    content += [element("h3", "What is assumed"), *_assumptions(world)]
    return Section("world", "How far the simulated world can be trusted", content)


def _introduction(world: World) -> Safe:
    source = str(world.card.get("source", world.name))
    facts = {"world": world.name, "seed": str(world.seed), "users": fact(world.n_users), "items": fact(world.n_items)}
    facts |= {key.replace("_", " "): fact(value) for key, value in world.card.items() if key not in _SHOWN | set(facts)}
    if is_fitted(world):
        text = "The world was fitted to the log's ratings; this card says how well, on ratings that it has not seen."
    else:
        text = f"The world was made, not fitted: {source}. There is nothing to validate; its truth is known."
    return Safe(paragraph(text) + definitions(facts))


def _errors(card: Mapping[str, Any]) -> Safe:
    columns = [Column("Measure"), Column("World", number=True), Column("Baseline", number=True)]
    columns += [Column("The baseline is", wide=True), Column("Better is")]
    rows = [
        Row(
            (
                name,
                _figure(card[key]),
                _figure(card[base]) if base in card else MISSING,
                meaning if base in card or not base else "",
                better,
            )
        )
        for name, key, base, meaning, better in ERRORS
        if key in card
    ]
    return table(f"Validation card: measured on the {card.get('measured_on', 'log')}", columns, rows)


def _figure(value: Any) -> str:
    return MISSING if value is None else significant(float(value))


def _assumptions(world: World) -> list[Safe]:
    columns = [Column("Parameter"), Column("What it is", wide=True), Column("Status"), Column("Value", number=True)]
    rows = [
        Row((one.name, one.meaning, one.status, MISSING if one.value is None else fact(one.value)))
        for one in assumption_table(world)
    ]
    lines = [str(line) for line in world.card.get("assumptions", ())]
    return [
        paragraph(
            "Fitted: the log told it. Fixed by normalisation: a convention without which nothing would be "
            "identified. Assumed: no ratings log can tell it; if a decision hangs on it, test it."
        ),
        *([bullets(lines)] if lines else []),
        details(
            "Every parameter, and whether it was fitted, fixed or assumed",
            table("Parameters of the world", columns, rows),
        ),
    ]
