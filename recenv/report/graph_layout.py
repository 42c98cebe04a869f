"""Where the variables of the causal graph stand: two steps beside each other, causes above their effects."""

from __future__ import annotations

import math
from collections.abc import Mapping

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
    "elsewhere": (6.1, 2.7),
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
ASPECT = 0.79
"""Height of a row as a share of the width of a column, on paper."""
LETTER = 6.8
"""Size of the mechanisms' names, in points."""
LETTER_WIDTH, LETTER_HEIGHT = 0.088, 0.17
"""Of one letter of that size with its share of the margin, and half the height of a name."""
SHARES = tuple(0.5 + sign * step for step in (0.0, 0.06, 0.12, 0.18, 0.24, 0.3, 0.36) for sign in (1, -1))
"""Where on an edge its mechanism's name may stand, as shares of the way, the best first."""


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


def along(cause: str, effect: str, share: float) -> tuple[float, float]:
    """Return the point at this share of the way along an edge, bowed or not."""
    (x, y), (to_x, to_y) = ends(cause, effect)
    bow = 2 * share * (1 - share) * bend(cause, effect)  # of a quadratic curve; y grows downward
    across, down = to_x - x, to_y - y
    return x + share * across - bow * ASPECT * down, y + share * down + bow / ASPECT * across


def label_places(names: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], tuple[float, float]]:
    """Return where the names of edges stand: on their edge, clear of boxes and of each other, off other edges.

    Parameters
    ----------
    names
        Edge (cause, effect) -> its name; an edge with "" has none.
    """
    boxes = [(*place(node), HALF_WIDTH, HALF_HEIGHT) for node in dict.fromkeys(end for edge in names for end in edge)]
    dots = {edge: [along(*edge, k / 60) for k in range(61)] for edge in names}
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for edge, name in names.items():
        if not name:
            continue
        half = 0.5 * LETTER_WIDTH * len(name)
        costs = [
            _cost(along(*edge, share), half, boxes, [dots[one] for one in names if one != edge]) for share in SHARES
        ]
        best = SHARES[min(range(len(SHARES)), key=costs.__getitem__)]
        found[edge] = along(*edge, best)
        boxes.append((*found[edge], half, LETTER_HEIGHT))
    return found


def _cost(
    at: tuple[float, float],
    half: float,
    boxes: list[tuple[float, float, float, float]],
    others: list[list[tuple[float, float]]],
) -> float:
    """Return how badly a name of half this width stands: what covers a box is out, then the edges that it covers."""
    x, y = at
    for box_x, box_y, width, height in boxes:
        if abs(x - box_x) < half + width and abs(y - box_y) < LETTER_HEIGHT + height:
            return math.inf
    return sum(any(abs(x - px) < half and abs(y - py) < LETTER_HEIGHT for px, py in dots) for dots in others)


def split(node: str) -> tuple[str, int]:
    """Return the variable and the step of a node."""
    variable, step = node.rsplit("_", 1)
    return variable, int(step)


def role(node: str) -> str:
    """Return whether a node is state, action or response."""
    variable = split(node)[0]
    return STATE if variable in STATES else ACTION if variable == "action" else RESPONSE
