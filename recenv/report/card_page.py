"""A validation card as one page that loads nothing, for light and dark screens and for telephones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recenv.report.card_plot import PANELS, card_figure
from recenv.report.card_tables import (
    TOLD,
    error_table,
    has_errors,
    plain_facts,
    quantile_table,
    randomised_table,
    residual_table,
)
from recenv.report.html import Safe, bullets, details, element, paragraph
from recenv.report.page import page
from recenv.report.picture import Picture, render
from recenv.report.section import Section
from recenv.report.section_world import card_alt

GROUPS = (
    ("ratings", "Ratings and calibration", ("rating_histogram", "pit_histogram", "by_decile", "by_level")),
    ("populations", "Items and users", ("popularity_curve", "exposure_curve", "user_means")),
)
"""Anchor, title and panels of the sections with pictures."""


def write_card(card: Mapping[str, Any], path: str | Path) -> Path:
    """Write a validation card (`world.card`, or what `validate` returns) as HTML or JSON, by the path's ending.

    Returns
    -------
    Path
        Of the file, written whole or not at all; the same card gives the same bytes.

    Raises
    ------
    ValueError
        If the path ends in neither .html nor .json, or the card is empty.
    """
    from recenv.storage import atomic_file

    target = Path(path)
    if not card:
        raise ValueError("the card is empty: make one with recenv.causal.validation.validate(world)")
    if target.suffix not in (".html", ".json"):
        raise ValueError(f"cannot write a card to {target.name!r}: end the name in .html or .json")
    text = card_html(card) if target.suffix == ".html" else json.dumps(dict(card), indent=2, allow_nan=False) + "\n"
    with atomic_file(target) as waiting:
        waiting.write_text(text, encoding="utf-8")
    return target


def card_html(card: Mapping[str, Any]) -> str:
    """Return the page of a card."""
    sections = [section for section in (_summary(card), *_pictures(card), *_rest(card)) if section.content]
    source = str(card.get("source", "world"))
    return page(f"Validation card: {source.split(':')[0]}", _subtitle(card), sections)


def _subtitle(card: Mapping[str, Any]) -> str:
    counts = [f"{card[name]:,} {name}" for name in ("users", "items", "ratings") if name in card]
    return ", ".join(counts) or "What is known of how far this world can be trusted"


def _summary(card: Mapping[str, Any]) -> Section:
    lines = _verdict(card)
    content: list[Safe] = [element("div", [paragraph(line) for line in lines], {"class": "verdict"})] if lines else []
    if not has_errors(card):
        content.append(paragraph(f"Nothing was measured. {card.get('source', '')}"))
        return Section("summary", "In short", content)
    content += [
        error_table(card),
        paragraph(
            "Biases alone: an ordinal model of how generous the user and how good the item is, without taste. "
            "No model: the mean rating, or the shares of the ratings. Intervals come from a bootstrap of users. "
            "An AUC of 0.5 means that a classifier cannot tell a user's logged ratings from simulated ones, 1 that "
            "it always can.",
            role="small",
        ),
    ]
    return Section("summary", "In short", content)


def _verdict(card: Mapping[str, Any]) -> list[str]:
    """Return the card in plain lines."""
    lines = []
    gain = card.get("intervals", {}).get("log_score_gain_over_bias_only")
    if gain and None not in gain:
        better = "predicts unseen ratings better than" if gain[0] > 0 else "does not clearly beat"
        lines.append(f"On the {card['measured_on']}, the world {better} biases alone.")
    if card.get("classifier_auc") is not None:
        auc = card["classifier_auc"]
        said = "cannot tell" if auc < 0.55 else "can sometimes tell" if auc < 0.7 else "can often tell"
        lines.append(f"A classifier {said} a user's simulated ratings from logged ones (AUC {auc:.2f}; 0.5 is chance).")
    left = [name for name, test in card.get("residuals", {}).items() if _is_clear(test)]
    if left:
        lines.append(f"Something is left in the residuals of: {', '.join(left)}; the table says how much.")
    return lines


def _is_clear(test: Mapping[str, Any]) -> bool:
    """Say whether an interval excludes 0."""
    return None not in (test["low"], test["high"]) and (test["low"] > 0 or test["high"] < 0)


def _pictures(card: Mapping[str, Any]) -> list[Section]:
    sections = []
    for anchor, title, names in GROUPS:
        drawn = [name for name in names if card.get(name)]
        if drawn:
            caption = "; ".join(PANELS[name][0] for name in drawn) + "."
            sections.append(
                Section(anchor, title, [_picture(anchor, _alt(card, anchor, caption), card, drawn).html(caption)])
            )
    return sections


def _alt(card: Mapping[str, Any], anchor: str, caption: str) -> str:
    return card_alt(card) if anchor == "ratings" else f"{caption} The numbers are in the card's JSON."


def _picture(name: str, alt: str, card: Mapping[str, Any], panels: list[str]) -> Picture:
    return render(name, alt, card_figure(card, names=panels))


def _rest(card: Mapping[str, Any]) -> list[Section]:
    residuals = [residual_table(card)] if card.get("residuals") else []
    randomised = [randomised_table(card)] if card.get("randomised_exposure") else []
    lines = [str(line) for line in card.get("assumptions", ())]
    other = {name: value for name, value in card.items() if name not in TOLD}
    return [
        Section("residuals", "What the world misses", residuals),
        Section("randomised", "Where nobody chose", randomised),
        Section("exposure", "Exposure, weights and support", _exposure(card)),
        Section("assumptions", "What no log can check", [bullets(lines)] if lines else []),
        Section("making", "How it was fitted", _making(card, other)),
    ]


def _exposure(card: Mapping[str, Any]) -> list[Safe]:
    content = [plain_facts(card["exposure"])] if card.get("exposure") else []
    propensity, support = card.get("propensity"), card.get("support")
    if propensity:
        content.append(plain_facts({"AUC of the propensity on held-out pairs": propensity.get("auc_held_out")}))
        content.append(quantile_table("Propensity", propensity, {"of_logged_pairs": "of logged pairs"}))
    if support:
        names = {"of_rated_pairs": "of rated pairs", "of_random_pairs": "of random pairs"}
        content.append(quantile_table("Support of pairs, 0 to 1", support, names))
    return content


def _making(card: Mapping[str, Any], other: Mapping[str, Any]) -> list[Safe]:
    content = [plain_facts(other)] if other else []
    for name, title in (("response", "The response model"), ("fit", "Options of the fit")):
        if card.get(name):
            content.append(details(title, plain_facts(card[name])))
    return content
