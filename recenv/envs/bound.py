"""The loops bound to their arrays: what the compiled loop reads and writes is described to it once, not at each call.

A call with two dozen arrays spends four microseconds on taking them apart, more than a user's step takes. So their
addresses and shapes are kept in one array of numbers, the handle, and the loop makes its arrays from that. A handle is
as good as the memory it points to: `BoundLoops` holds on to both.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from recenv.causal.behaviour import DIALS
from recenv.causal.compiled import jit_allocating
from recenv.causal.world import ITEM, TOPIC, USER, WorldTables
from recenv.envs.blocks import step_blocks
from recenv.envs.lanes import KEYS, VALUES
from recenv.envs.loops import begin_all
from recenv.envs.memory import PLAIN
from recenv.envs.rules import RULES
from recenv.envs.state import OUTCOME, RESULT, SLOT, Output, State

ENTRY = 3
"""Numbers an array: address, rows, columns (1 for a vector)."""
LEAST_SHARE = 128
"""Slots a thread, below which handing them over takes longer than stepping them."""


@intrinsic
def _pointer(typing_context: Any, address: Any) -> Any:
    """Return the address as a pointer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.uint64), generate


@jit_allocating
def _vector(handle, k, dtype):  # type: ignore[no-untyped-def]
    """Return the k-th array of the handle, which has one axis."""
    return carray(_pointer(handle[ENTRY * k]), (np.int64(handle[ENTRY * k + 1]),), dtype)  # type: ignore[call-arg]


@jit_allocating
def _matrix(handle, k, dtype):  # type: ignore[no-untyped-def]
    """Return the k-th array of the handle, which has two axes."""
    shape = (np.int64(handle[ENTRY * k + 1]), np.int64(handle[ENTRY * k + 2]))
    return carray(_pointer(handle[ENTRY * k]), shape, dtype)  # type: ignore[call-arg]


@jit_allocating
def _arrays(handle):  # type: ignore[no-untyped-def]
    """Return (world, state, dials, rules, out, keys, values, seen) of a handle."""
    world = WorldTables(
        _vector(handle, 0, USER),
        _vector(handle, 1, ITEM),
        _matrix(handle, 2, np.float64),
        _matrix(handle, 3, np.float64),
        _vector(handle, 4, TOPIC),
        _vector(handle, 5, np.float64),
        _vector(handle, 6, np.float64),
        _matrix(handle, 7, np.float32),
        _vector(handle, 8, np.int64),
        _vector(handle, 9, np.int32),
        _vector(handle, 10, np.float64),
        _matrix(handle, 11, np.uint64),
    )
    state = State(
        _vector(handle, 12, SLOT),
        _matrix(handle, 13, np.float64),
        _matrix(handle, 14, np.float64),
        _matrix(handle, 15, np.float32),
        _matrix(handle, 16, np.int32),
        _matrix(handle, 17, np.float32),
    )
    dials, rules = _vector(handle, 18, DIALS), _vector(handle, 19, RULES)
    out = Output(
        _matrix(handle, 20, OUTCOME),
        _matrix(handle, 21, np.float32),
        _matrix(handle, 22, np.int32),
        _matrix(handle, 23, np.float32),
        _vector(handle, 24, RESULT),
    )
    keys, values, seen = (
        _vector(handle, 25, np.uint32),
        _vector(handle, 26, np.float64),
        _vector(handle, 27, np.float64),
    )
    return world, state, dials, rules, out, keys, values, seen


def _as_they_are(handle: Any) -> Any:
    return handle


arrays_of = _as_they_are if PLAIN else _arrays


@jit_allocating
def step_bound(handle, order, actions):  # type: ignore[no-untyped-def]
    """Run `step_blocks` on the arrays of the handle."""
    world, state, dials, rules, out, keys, values, seen = arrays_of(handle)
    step_blocks(order, actions, world, state, dials[0], rules[0], out, keys, values, seen)


@jit_allocating
def begin_bound(handle, start, users):  # type: ignore[no-untyped-def]
    """Run `begin_all` on the arrays of the handle."""
    world, state, dials, rules, out, _, _, _ = arrays_of(handle)
    begin_all(start, users, world, state, dials[0], rules[0], out)


class BoundLoops:
    """Begins and steps slots of one set of arrays, on one thread or several; the results do not depend on how many.

    Parameters
    ----------
    tables, state, dials, rules, out
        The arrays of a `BatchCore`.
    threads
        Threads that share the slots of a call; each has scratch memory of its own.
    """

    def __init__(
        self,
        tables: WorldTables,
        state: State,
        dials: NDArray[np.void],
        rules: NDArray[np.void],
        out: Output,
        threads: int = 1,
    ) -> None:
        if threads < 1:
            raise ValueError(f"threads must be 1 or more, got {threads}")
        self.tables, self.state, self.dials, self.rules, self.out, self.threads = (
            tables,
            state,
            dials,
            rules,
            out,
            threads,
        )
        scratch = [_scratch(out.outcome.shape[1]) for _ in range(threads)]
        self._arrays = [
            (tables, state, dials, rules, out, *own) for own in scratch
        ]  # keeps alive what handles point to
        self._handles = [handle_of(arrays) for arrays in self._arrays]
        self._pool = ThreadPoolExecutor(threads - 1, "recenv-step") if threads > 1 else None

    def __reduce__(self) -> tuple[Any, ...]:
        """Bind anew where a copy is made: the addresses are those of this process and these arrays."""
        return BoundLoops, (self.tables, self.state, self.dials, self.rules, self.out, self.threads)

    def begin(self, start: NDArray[np.bool_], users: NDArray[np.int64]) -> None:
        """Start the next episode in every slot with start[i]; users[i] < 0 draws the user from the slot's key."""
        begin_bound(self._handles[0], start, users)

    def step(self, order: NDArray[np.uint64], actions: NDArray[np.int64]) -> None:
        """Take one step of every slot in `order`, with actions (B, K) of item ids."""
        if self._pool is None or len(order) < 2 * LEAST_SHARE:
            step_bound(self._handles[0], order, actions)
            return
        shares = np.array_split(order, min(self.threads, len(order) // LEAST_SHARE))
        others = [
            self._pool.submit(step_bound, handle, share, actions)
            for handle, share in zip(self._handles[1:], shares[1:], strict=False)
        ]
        step_bound(self._handles[0], shares[0], actions)
        for other in others:
            other.result()


def _scratch(slate: int) -> tuple[NDArray[np.uint32], NDArray[np.float64], NDArray[np.float64]]:
    """Return the scratch memory of one thread: see `recenv.envs.lanes`, and a number for each position."""
    return np.zeros(KEYS, np.uint32), np.zeros(VALUES), np.zeros(slate)


def handle_of(arrays: tuple[Any, ...]) -> Any:
    """Return the handle of (world, state, dials, rules, out, keys, values, seen); in plain Python that is the arrays.

    Raises
    ------
    ValueError
        If an array is not C-contiguous.
    """
    if PLAIN:
        return arrays
    entries = []
    for array in [column for group in arrays for column in (group if isinstance(group, tuple) else (group,))]:
        if not array.flags.c_contiguous:
            raise ValueError(f"only C-contiguous arrays can be bound, got strides {array.strides} of {array.shape}")
        entries.append((array.ctypes.data, array.shape[0], array.shape[1] if array.ndim > 1 else 1))
    return np.array(entries, np.uint64).ravel()
