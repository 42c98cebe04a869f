"""Which item a position shows, when a slate is drawn without replacement by fixed weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STEP = 0.3
"""Of the trapezoid rule in log time, for up to 5 positions: below it the error of the K-th arrival is about 1e-9."""
NEVER, ALWAYS = 1e-12, 40.0
"""Expected arrivals before the first node; exponent after which an item has arrived for sure."""
CELLS = 2_000_000
"""Numbers in memory at once."""
CACHED = 8_192
"""Rows times nodes of one array, so that it stays in a core's cache."""


def slot_probabilities(weights: NDArray[np.floating], positions: int) -> Array:
    """Return (B, K, C) the probability that position k shows candidate c, exact to about 1e-9.

    Draws without replacement in proportion to weights w are the order of arrival of independent exponential times with
    rates w, so P(position k shows c) = integral w_c exp(-w_c t) P(k of the others have arrived by t) dt. The number of
    others is counted by convolution from the left and from the right. Time and memory are linear in C; equal rows are
    computed once.

    Parameters
    ----------
    weights : (B, C) array
        Not negative; 0 is never shown. Where fewer than K are positive, the last positions stay empty (all 0).

    Reference: Plackett (1975); Yellott (1977) for the arrival times.
    """
    distinct, back = np.unique(np.asarray(weights, dtype=np.float64), axis=0, return_inverse=True)
    result = np.empty((len(distinct), positions, distinct.shape[1]))
    nodes = _nodes(distinct, positions)[0].shape[1]
    size = max(1, min(CACHED // nodes, CELLS // (nodes * distinct.shape[1])))
    for start in range(0, len(distinct), size):
        rows = slice(start, start + size)
        result[rows] = _integrated(distinct[rows], positions)
    return result[back.reshape(-1)]


def _nodes(weights: Array, positions: int) -> tuple[Array, Array]:
    """Return times (B, Q) and their share of the integral: from before the first arrival to after the K-th."""
    order = np.sort(weights, axis=1)[:, ::-1][:, :positions]
    slowest = np.where(order > 0, order, np.inf).min(axis=1)
    low = np.log(NEVER / weights.sum(axis=1))
    span = np.log(ALWAYS / slowest) - low
    count = int(np.ceil(span.max() / STEP * np.sqrt(max(1.0, positions / 5)))) + 1
    step = span / (count - 1)
    time = np.exp(low[:, None] + step[:, None] * np.arange(count))
    return time, time * step[:, None]


def _integrated(weights: Array, positions: int) -> Array:
    time, share = _nodes(weights, positions)
    stays = np.exp(-weights.T[:, :, None] * time)  # (C, B, Q); long axes last, for speed
    result = np.empty((len(weights), positions, len(stays)))
    right = _nobody(positions, time)
    for items, left in _from_the_left(stays, positions):
        for c, before in zip(reversed(items), left[::-1], strict=True):
            density = share * weights[:, [c]] * stays[c]
            for k in range(positions):
                others = sum(before[i] * right[k - i] for i in range(k + 1))
                result[:, k, c] = np.einsum("bq,bq->b", density, others)
            _arrive(right, stays[c])
    return result


def _from_the_left(stays: Array, positions: int) -> Iterator[tuple[range, Array]]:
    """Yield groups of items, the last group first, with the arrivals (K, B, Q) among all items before each of them.

    Where not all fit in memory, groups of about sqrt(C) items are counted again from the state at their beginning.
    """
    many = len(stays)
    size = many if stays.size * positions <= CELLS else math.ceil(math.sqrt(many))
    groups = [range(start, min(start + size, many)) for start in range(0, many, size)]
    begins = [_nobody(positions, stays[0])]
    for items in groups[:-1]:
        begins.append(begins[-1].copy())
        for c in items:
            _arrive(begins[-1], stays[c])
    left = np.empty((size, *begins[0].shape))
    for items, count in zip(reversed(groups), reversed(begins), strict=True):
        for c in items:
            left[c - items.start] = count
            _arrive(count, stays[c])
        yield items, left[: len(items)]


def _nobody(positions: int, like: Array) -> Array:
    """Return the distribution (K, B, Q) of the number of arrivals before there is any."""
    count = np.zeros((positions, *like.shape))
    count[0] = 1.0
    return count


def _arrive(count: Array, stays: Array) -> None:
    """Add one more item to the distribution (K, B, Q) of the number of arrivals, cut at K - 1, in place."""
    arrives = 1 - stays
    for k in reversed(range(1, len(count))):
        count[k] *= stays
        count[k] += count[k - 1] * arrives
    count[0] *= stays


def pair_probabilities(weights: NDArray[np.floating], positions: int) -> Array:
    """Return (B, K, C, K, C) the probability of position k showing c and j showing d, by summing over all slates.

    Its blocks k = j hold the probabilities of one position on their diagonal.

    Parameters
    ----------
    weights : (B, C) array
        Not negative; at least K of a row positive.
    """
    slates = _every_slate(np.asarray(weights, dtype=np.float64), positions)
    rows, many = weights.shape
    result = np.zeros((rows, positions, many, positions, many))
    diagonal = np.arange(many)
    for k in range(positions):
        result[:, k, diagonal, k, diagonal] = _summed(slates, (k,))
        for j in range(k + 1, positions):
            both = _summed(slates, (k, j))
            result[:, k, :, j, :] = both
            result[:, j, :, k, :] = both.swapaxes(1, 2)
    return result


def _every_slate(weights: Array, positions: int) -> Array:
    """Return (B, C, ..., C) the probability of every ordered slate, 0 where an item is repeated."""
    rows, many = weights.shape
    result = weights / weights.sum(axis=1, keepdims=True)
    for k in range(1, positions):
        shown: Any = [(weights.reshape(rows, *_axis(j, k, many))) for j in range(k)]
        rest = weights.sum(axis=1).reshape(rows, *[1] * k) - sum(shown)
        with np.errstate(divide="ignore", invalid="ignore"):
            chance = np.where(rest > 0, result / rest, 0.0)
        result = chance[..., None] * weights.reshape(rows, *[1] * k, many)
        for j in range(k):  # nothing is shown twice
            result *= 1 - np.eye(many).reshape(*[many if axis in (j, k) else 1 for axis in range(k + 1)])
    return result


def _axis(j: int, axes: int, many: int) -> list[int]:
    return [many if axis == j else 1 for axis in range(axes)]


def _summed(slates: Array, kept: tuple[int, ...]) -> Array:
    gone = tuple(1 + axis for axis in range(slates.ndim - 1) if axis not in kept)
    return np.asarray(slates.sum(axis=gone))
