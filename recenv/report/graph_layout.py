"""Where the variables of the causal graph stand: two steps beside each other, causes above their effects."""

from __future__ import annotations

STATE, ACTION, RESPONSE = "state of the user", "action", "response"
PLACES = {
    "trust": (0.43, 0.0),
    "leave": (5.0, 0.72),
    "mood": (1.33, 1.5),
    "satiation": (0.16, 2.4),
    "taste": (0.3, 3.3),
    "history": (0.48, 4.2),
    "action": (0.45, 5.5),
    "opinion": (6.3, 8.9),
    "attraction": (3.42, 6.33),
    "satisfaction": (5.1, 5.8),
    "discovered": (0.1, 8.0),
    "click": (2.41, 8.34),
    "consumed": (4.1, 8.41),
    "organic": (0.33, 9.7),
    "purchase": (2.86, 9.56),
    "rating": (4.9, 9.4),
    "uplift": (1.5, 10.6),
}
"""Variable -> (column, row) within a step. Each state has a row of its own, so that its line to the next step is free,
and the states stand above each other, so that the lines from a step's responses reach them from one side."""
BENDS = {("mood", "action"): -0.8}
"""Edges that bow (as a share of their length) to pass beside a variable between."""
STATES = ("mood", "satiation", "taste", "history", "trust")
NEXT_STEP = 8.8
"""Columns from a step to the next."""
HALF_WIDTH, HALF_HEIGHT = 0.53, 0.23
"""Of a node's box."""


def place(node: str) -> tuple[float, float]:
    """Return (x, y) of a node such as `rating_0`; y grows downward.

    Raises
    ------
    ValueError
        If the drawing has no place for the variable.
    """
    variable, step = split(node)
    if variable not in PLACES:
        raise ValueError(f"the drawing has no place for {node!r}: add {variable!r} to PLACES")
    x, y = PLACES[variable]
    return x + NEXT_STEP * step, y


def ends(cause: str, effect: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return where the line from one box to another leaves the first and meets the second."""
    (x, y), (to_x, to_y) = place(cause), place(effect)
    across, down = to_x - x, to_y - y
    # The line leaves a box through the side that it reaches first.
    inside = min(HALF_WIDTH / abs(across) if across else 1.0, HALF_HEIGHT / abs(down) if down else 1.0)
    return (x + inside * across, y + inside * down), (to_x - inside * across, to_y - inside * down)


def bend(cause: str, effect: str) -> float:
    """Return how far an edge bows, as a share of its length."""
    return BENDS.get((split(cause)[0], split(effect)[0]), 0.0)


def split(node: str) -> tuple[str, int]:
    """Return the variable and the step of a node."""
    variable, step = node.rsplit("_", 1)
    return variable, int(step)


def role(node: str) -> str:
    """Return whether a node is state, action or response."""
    variable = split(node)[0]
    return STATE if variable in STATES else ACTION if variable == "action" else RESPONSE
