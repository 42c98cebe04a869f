"""The world: its validation card and what is assumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from recenv.report.assumptions import assumption_table, is_fitted
from recenv.report.card_tables import TOLD, error_table, has_errors, residual_table
from recenv.report.html import Safe, bullets, definitions, details, element, paragraph
from recenv.report.picture import Picture
from recenv.report.rounding import MISSING, fact
from recenv.report.section import Section
from recenv.report.table import Column, Row, table

if TYPE_CHECKING:
    from recenv.causal import World


def card_alt(card: Mapping[str, Any]) -> str:
    """Return the card's picture in words."""
    histogram = card.get("rating_histogram")
    if not histogram:
        return "Calibration of the world's predictions."
    columns = zip(histogram["level"], histogram["logged"], histogram["simulated"], strict=True)
    parts = [
        f"rating {level:g}: logged {logged:.1%}, simulated {simulated:.1%}" for level, logged, simulated in columns
    ]
    return f"Share of each rating; {'; '.join(parts)}."


def world_section(world: World, picture: Picture | None) -> Section:
    """Return the validation card and the assumptions of a world."""
    content: list[Safe] = [_introduction(world)]
    if has_errors(world.card):
        content.append(error_table(world.card))
    if picture is not None:
        content.append(picture.html("How well the world reproduces ratings that it was not fitted to."))
    if world.card.get("residuals"):
        content.append(residual_table(world.card))
    content += [element("h3", "What is assumed"), *assumed(world)]
    return Section("world", "How far the simulated world can be trusted", content)


def _introduction(world: World) -> Safe:
    source = str(world.card.get("source", world.name))
    facts = {"world": world.name, "seed": str(world.seed), "users": fact(world.n_users), "items": fact(world.n_items)}
    facts |= {key.replace("_", " "): fact(value) for key, value in world.card.items() if key not in TOLD | set(facts)}
    if is_fitted(world):
        text = "The world was fitted to the log's ratings; this card says how well, on ratings that it has not seen."
    else:
        text = f"The world was made, not fitted: {source}. There is nothing to validate; its truth is known."
    return Safe(paragraph(text) + definitions(facts))


def assumed(world: World) -> list[Safe]:
    """Return what no log can check, and every parameter of the world with its status."""
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
