"""Sketches that tell whether two parts of a log share user-item pairs, without keeping the pairs.

A fingerprint is the k smallest hashes of the pairs, a bottom-k or "k minimum values" sketch: E. Cohen and H. Kaplan,
"Summarizing data using bottom-k sketches", PODC 2007; K. Beyer, P. J. Haas, B. Reinwald, Y. Sismanis and R. Gemulla,
"On synopses for distinct-value estimation under multiset operations", SIGMOD 2007.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

SIZE = 512
"""k, the number of hashes kept: the estimate of a share p between equal-sized sets has deviation sqrt(p (1-p) / k)."""


def fingerprint(user_ids: ArrayLike, item_ids: ArrayLike) -> tuple[int, ...]:
    """Return the sketch of the pairs (user_ids[j], item_ids[j]): up to 512 ascending 64-bit hashes.

    It depends on the set of pairs alone, not on their order, on the process or on the machine.

    Parameters
    ----------
    user_ids, item_ids
        (n,) original ids, text or whole numbers; `1` and `"1"` are the same id.

    Raises
    ------
    ValueError
        If the two differ in length.
    """
    users, items = np.asarray(user_ids).reshape(-1), np.asarray(item_ids).reshape(-1)
    if len(users) != len(items):
        raise ValueError(f"user_ids has {len(users)} entries and item_ids {len(items)}; they are pairs")
    user_names, user = np.unique(users, return_inverse=True)
    item_names, item = np.unique(items, return_inverse=True)
    return coded_fingerprint(user_names.astype(np.str_), user, item_names.astype(np.str_), item)


def coded_fingerprint(
    user_ids: NDArray[np.str_], user: NDArray[np.int64], item_ids: NDArray[np.str_], item: NDArray[np.int64]
) -> tuple[int, ...]:
    """Return the same sketch from ids (U,), (N,) and codes (n,): each id is hashed once, then pairs are mixed."""
    users, items = _hash_ids(user_ids), _hash_ids(item_ids)
    # The item is mixed once more than the user, so that (a, b) and (b, a) differ.
    pairs = _mix(users[user] + _mix(items[item] + np.uint64(0x9E3779B97F4A7C15)))
    return tuple(_smallest(pairs, SIZE).tolist())


def overlap(a: Sequence[int], b: Sequence[int]) -> float:
    """Return the estimated share of the pairs of `a` that are in `b`; 0 when they are disjoint.

    Below the smaller of the two sketches' ends both are complete, so the hashes of `a` there are a random sample of its
    pairs whose membership in `b` is known: the estimate is their mean. Exact where both sets have fewer than 512 pairs.
    The sample has about 512 |a| / max(|a|, |b|) pairs: when `a` is a small fraction of `b` it is small, and 0 if empty.
    """
    end = min(_end(a), _end(b))
    sample = [value for value in a if value <= end]
    return len(set(sample).intersection(b)) / len(sample) if sample else 0.0


def _end(sketch: Sequence[int]) -> int:
    """Return up to which hash a sketch is complete: all of them when it is not full."""
    return max(sketch) if len(sketch) >= SIZE else 2**64 - 1


def _hash_ids(ids: NDArray[np.str_]) -> NDArray[np.uint64]:
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in ids.tolist())
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the SplitMix64 finaliser of (n,) words (Steele, Lea and Flood, OOPSLA 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _smallest(hashes: NDArray[np.uint64], k: int) -> NDArray[np.uint64]:
    # A pair is in a log once, so k are enough; unique keeps the sketch a set for callers that repeat pairs.
    if len(hashes) > 4 * k:
        end = np.partition(hashes, 4 * k)[4 * k]
        few = np.unique(hashes[hashes <= end])
        if len(few) >= k:
            return few[:k]
    return np.unique(hashes)[:k]
