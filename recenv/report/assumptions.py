"""Which numbers of a world the log told, which a convention fixed, and which are assumed: one row a parameter."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from recenv.causal import World

FITTED, FIXED, ASSUMED, DRAWN, HELD = (
    "fitted",
    "fixed by normalisation",
    "assumed",
    "drawn from the seed",
    "held by do()",
)


class Assumption(NamedTuple):
    """One parameter of a world."""

    name: str
    meaning: str
    """What it does, in a sentence."""
    status: str
    """fitted, fixed by normalisation, assumed, drawn from the seed (synthetic worlds), or held by an intervention."""
    value: Any
    """The value where it is a single number or text, else None."""


PARAMETERS = (
    ("taste, embedding", "what users like and items offer; their product moves attraction and satisfaction", FITTED),
    ("user_bias, item_bias", "how generous a user and how good an item is on average", FITTED),
    ("thresholds", "satisfaction at which a rating goes up by one level", FITTED),
    ("popularity", "standardised log number of ratings, less what the item bias explains", FITTED),
    ("topic", "topics of an item: its genres, else clusters of the embedding", FITTED),
    ("comfort", "how much an item's appeal depends on the mood: first principal component of the topics", ASSUMED),
    ("gauge of taste and embedding", "balanced singular values: only their product is identified", FIXED),
    ("sums of the biases", "0: the thresholds carry the level", FIXED),
    ("noise scale", "1, standard logistic: the unit of all utilities", FIXED),
    ("mood at the start", "standard normal: the unit of the confounding", FIXED),
)
"""Arrays of a world: name, meaning, status in a fitted world."""

MECHANISMS = {
    "attract": "weight of taste in what is chosen",
    "conformity": "weight of popularity in what is chosen",
    "exposure": "attraction added by being shown",
    "coupling": "correlation of the noise of choosing and of liking; below 1 there is clickbait",
    "noise_correlation": "share of the opinion noise that all items of a user have in common",
    "funnel": "1: only clicked items are consumed; 0: every shown item is",
    "eta": "how steeply attention falls over positions",
    "tau_click": "attraction above which an examined item is clicked",
    "tau_buy": "attraction above which a clicked item is bought",
    "discovery": "scale of the chance that a user finds an item without a recommendation",
    "organic_rate": "chance, a step, that a user comes across an item beside those shown",
    "boredom": "satisfaction lost per unit of satiation with an item's topics",
    "rho": "memory of the satiation from step to step",
    "drift": "how far a liked item turns the taste",
    "adapt": "how fast trust follows what was felt",
    "confounding": "effect of the hidden mood on satisfaction",
    "phi": "memory of the mood from step to step",
    "leaving": "scale of the chance of leaving after a step",
    "h0": "log-odds of leaving without any trust",
    "h1": "how much trust lowers the log-odds of leaving",
    "choice": "how a slate is read",
}
"""Fields of `Behaviour` and what they mean; a ratings log identifies none of them."""


def is_fitted(world: World) -> bool:
    """Say whether a world was fitted to a log, by what its card tells."""
    return "fit" in world.card


def assumption_table(world: World) -> list[Assumption]:
    """Return every parameter of a world with its status and value."""
    status = {FITTED: FITTED if is_fitted(world) else DRAWN, ASSUMED: ASSUMED, FIXED: FIXED}
    rows = [Assumption(name, meaning, status[kind], None) for name, meaning, kind in PARAMETERS]
    rows.append(Assumption("trust_start", "trust at the start of a session", status[FITTED], world.trust_start))
    rows.append(Assumption("like_level", "lowest rating level that counts as liked", ASSUMED, world.like_level))
    for item in dataclasses.fields(world.behaviour):
        value = getattr(world.behaviour, item.name)
        rows.append(Assumption(item.name, MECHANISMS.get(item.name, "a mechanism of the world"), ASSUMED, value))
    rows += [Assumption(name, "state variable", HELD, value) for name, value in sorted(world.held.items())]
    return rows
