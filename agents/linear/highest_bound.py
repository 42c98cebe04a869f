"""The highest upper confidence bound of each user, without the exact bound of every item.

    x' C_a x  <=  min(sum_i g_ai x_i^2, l_a x' x),    g_ai = sum_j |C_aij|,    l_a at least the largest eigenvalue

since diag(g_a) - C_a is diagonally dominant (Gershgorin). The right side costs d numbers an item instead of
d (d + 1) / 2; only items whose confidence bound with it reaches the best exact one found so far are worked out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.compiled import compiled, compiling

SLACK = 1.0001
"""On the loose square, for the rounding of both sides in 32 bits."""
ROUNDING = 1e-6
"""Of a mean in 32 bits, relative to it."""
MOST_LEFT = 0.3
"""Share of pairs beyond which one matrix product of all is quicker than those that are left one by one."""


class Bounds(NamedTuple):
    """What the bounds of n items are made of."""

    packed: NDArray[np.float32]
    """(n, P) C_a, packed."""
    mean: NDArray[np.float64]
    """(n, B) m_a . x."""
    factor: NDArray[np.float64]
    """(n,) alpha s_a."""


class Loose(NamedTuple):
    """What x' C_a x is below."""

    by_column: NDArray[np.float32]
    """(n, B) sum_i g_ai x_i^2."""
    eigenvalue: NDArray[np.float32]
    """(n,) l_a."""
    size: NDArray[np.float32]
    """(B,) x' x."""


def highest_places(
    bounds: Bounds, loose: Loose, products: NDArray[np.float32], places: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return (B,) the item of the highest bound, of equals the first; -1 where there is none or it is not finite.

    Parameters
    ----------
    bounds
        Of the items, in the order of their ids.
    loose
        Of the same items.
    products
        (B, P) packed x x'.
    places
        (B, C) candidates as rows of the items, below 0 where there is none.
    """
    ceiling = _ceilings(bounds.mean, *loose, bounds.factor)
    _leave_out(ceiling, places)
    best, place, left = _begin(ceiling, *bounds, products)
    if left <= MOST_LEFT * ceiling.size:
        _work_out(ceiling, place, best, *bounds, products)
    else:
        _take_highest(ceiling, place, best, bounds.mean, bounds.packed @ products.T, bounds.factor)
    return np.where(np.isfinite(best), place, -1)


@compiling(error_model="numpy")
def _ceilings(mean, by_column, eigenvalue, size, factor):  # type: ignore[no-untyped-def]
    """Return (n, B) float32 confidence bounds that are at least the exact ones."""
    ceiling = np.empty(mean.shape, np.float32)  # pragma: no cover - compiled
    for a in range(mean.shape[0]):
        reach, most = np.float32(factor[a]), eigenvalue[a]
        for b in range(mean.shape[1]):
            square = np.float32(SLACK) * min(by_column[a, b], most * size[b])
            ceiling[a, b] = np.float32(mean[a, b] + ROUNDING * abs(mean[a, b])) + reach * np.sqrt(square)
    return ceiling


@compiled
def _leave_out(ceiling, places):  # type: ignore[no-untyped-def]
    """Set to -inf what is no candidate; most requests hold the whole catalogue as it stands."""
    users, columns = places.shape  # pragma: no cover - compiled
    whole = columns == len(ceiling)
    for b in range(users):
        for c in range(columns):
            whole &= places[b, c] == c
    if whole:
        return
    asked = np.zeros(ceiling.shape, np.bool_)
    for b in range(users):
        for c in range(columns):
            if places[b, c] >= 0:
                asked[places[b, c], b] = True
    for a in range(len(ceiling)):
        for b in range(users):
            if not asked[a, b]:
                ceiling[a, b] = -np.inf


@compiling(fastmath={"reassoc", "contract"})
def _bound(packed, mean, factor, products, a, b):  # type: ignore[no-untyped-def]
    square = np.float32(0.0)  # pragma: no cover - compiled
    for k in range(packed.shape[1]):
        square += packed[a, k] * products[b, k]
    return mean[a, b] + factor[a] * np.sqrt(max(square, np.float32(0.0)))


@compiled
def _begin(ceiling, packed, mean, factor, products):  # type: ignore[no-untyped-def]
    """Work out the item of the highest ceiling for each user; return bound, item (B,), and how many pairs reach it."""
    users = ceiling.shape[1]  # pragma: no cover - compiled
    place, best = np.full(users, -1), np.full(users, -np.inf)
    for a in range(len(ceiling)):
        for b in range(users):
            if ceiling[a, b] > best[b]:
                best[b], place[b] = ceiling[a, b], a
    for b in range(users):
        # Nothing reaches infinity: where there is no candidate, nothing is left.
        best[b] = _bound(packed, mean, factor, products, place[b], b) if place[b] >= 0 else np.inf
    left = 0
    for a in range(len(ceiling)):
        for b in range(users):
            left += ceiling[a, b] >= best[b]
    return best, place, left


@compiled
def _work_out(ceiling, place, best, packed, mean, factor, products):  # type: ignore[no-untyped-def]
    """Go through the items whose loose bound reaches the best."""
    for a in range(len(ceiling)):  # pragma: no cover - compiled
        for b in range(len(place)):
            if ceiling[a, b] >= best[b]:
                here = _bound(packed, mean, factor, products, a, b)
                if here > best[b] or (here == best[b] and a < place[b]):
                    best[b], place[b] = here, a


@compiled
def _take_highest(ceiling, place, best, mean, square, factor):  # type: ignore[no-untyped-def]
    """Go through all candidates; x' C_a x (n, B) is there."""
    best[:] = -np.inf  # pragma: no cover - compiled
    for a in range(len(ceiling)):
        for b in range(len(place)):
            if ceiling[a, b] > -np.inf:
                here = mean[a, b] + factor[a] * np.sqrt(max(square[a, b], np.float32(0.0)))
                if here > best[b]:
                    best[b], place[b] = here, a
