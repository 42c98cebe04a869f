"""The loops bound to their arrays: what the compiled loop reads and writes is described to it once, not at each call.

A call with two dozen arrays spends four microseconds on taking them apart, more than a user's step takes. So their
addresses and shapes are kept in one array of numbers, the handle, and the loop makes its arrays from that. A handle is
as good as the memory it points to: `BoundLoops` holds on to both.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array
from numpy.typing import NDArray

from recenv.causal.behaviour import DIALS
from recenv.causal.compiled import jit, jit_merged
from recenv.causal.world_tables import ITEM, TOPIC, USER, WorldTables
from recenv.envs.blocks import step_blocks
from recenv.envs.elsewhere import meet_all
from recenv.envs.lanes import KEYS, VALUES
from recenv.envs.loops import begin_all
from recenv.envs.memory import LINE, PLAIN
from recenv.envs.rules import RULES
from recenv.envs.state import ELSEWHERE, OUTCOME, RESULT, SLOT, Output, State

ENTRY = 3
"""Numbers an array: address, rows, columns (1 for a vector)."""
SHARE = 128
"""Slots that a thread takes at a time; fewer are not worth another thread, as waking it takes longer."""
APART = 8
"""Numbers from one thread's count of slots to the next one's, so that each has a cache line of its own."""


_NOTHING = np.zeros((0, 0), np.float32)


@intrinsic(prefer_literal=True)
def _made_array(typing_context: Any, handle: Any, k: Any, kind: Any, axes: Any) -> Any:
    """Return the k-th array of the handle, with entries of dtype `kind` and one or two axes."""
    array = types.Array(kind.dtype, axes.literal_value, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = make_array(signature.args[0])(context, builder, arguments[0]).data
        first = builder.mul(arguments[1], context.get_constant(types.intp, ENTRY))
        numbers = [builder.load(builder.gep(start, [builder.add(first, first.type(n))])) for n in range(1 + array.ndim)]
        size = first.type(context.get_abi_sizeof(context.get_data_type(array.dtype)))
        steps = [size] if array.ndim == 1 else [builder.mul(numbers[2], size), size]
        made = make_array(array)(context, builder)
        data = builder.inttoptr(numbers[0], made.data.type)
        populate_array(made, data, numbers[1:], steps, size, None)
        return made._getvalue()

    return array(handle, types.intp, kind, axes), generate


_array: Any = _made_array  # its first argument is the compiler's, which a type checker does not know


@intrinsic
def _fetch_and_add(typing_context: Any, numbers: Any, place: Any, amount: Any) -> Any:
    """Add to numbers[place] and return what it was before, in one go: no two threads get the same."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.atomic_rmw("add", builder.gep(start, [arguments[1]]), arguments[2], "seq_cst")

    return types.int64(types.Array(types.int64, 1, "C"), types.int64, types.int64), generate


def _fetch_and_add_plainly(numbers: Any, place: int, amount: int) -> int:
    numbers[place] += amount
    return int(numbers[place]) - amount


fetch_and_add: Any = _fetch_and_add_plainly if PLAIN else _fetch_and_add


@jit_merged
def _arrays(handle):  # type: ignore[no-untyped-def]
    """Return (world, state, dials, rules, out, keys, values, seen, taken, own) of a handle."""
    world = WorldTables(
        _array(handle, 0, USER, 1),
        _array(handle, 1, ITEM, 1),
        _array(handle, 2, np.float64, 2),
        _array(handle, 3, np.float64, 2),
        _array(handle, 4, TOPIC, 1),
        _array(handle, 5, np.float64, 1),
        _array(handle, 6, np.float64, 1),
        _array(handle, 7, np.float32, 2),
        _array(handle, 8, np.float64, 1),
        _array(handle, 9, np.int64, 1),
        _array(handle, 10, np.int32, 1),
        _array(handle, 11, np.float64, 1),
        _array(handle, 12, np.uint64, 2),
        _array(handle, 13, np.int32, 2),
    )
    state = State(
        _array(handle, 14, SLOT, 1),
        _array(handle, 15, np.float64, 2),
        _array(handle, 16, np.float64, 2),
        _array(handle, 17, np.float32, 2),
        _array(handle, 18, np.int32, 2),
        _array(handle, 19, np.float32, 2),
    )
    dials, rules = _array(handle, 20, DIALS, 1), _array(handle, 21, RULES, 1)
    out = Output(
        _array(handle, 22, OUTCOME, 2),
        _array(handle, 23, np.float32, 2),
        _array(handle, 24, np.int32, 2),
        _array(handle, 25, np.float32, 2),
        _array(handle, 26, RESULT, 1),
        _array(handle, 27, ELSEWHERE, 1),
    )
    keys, values = _array(handle, 28, np.uint32, 1), _array(handle, 29, np.float64, 1)
    seen, taken = _array(handle, 30, np.float64, 1), _array(handle, 31, np.int64, 1)
    own = _array(handle, 32, np.int64, 1)
    return world, state, dials, rules, out, keys, values, seen, taken, own


def _as_they_are(handle: Any) -> Any:
    return handle


arrays_of = _as_they_are if PLAIN else _arrays


@jit
def step_bound(handle, order, actions, copies):  # type: ignore[no-untyped-def]
    """Run `step_blocks` on the arrays of the handle, share by share: this thread's own part, then what others left.

    A thread has the same part at every step, as what another core's cache holds is slow to get.
    """
    world, state, dials, rules, out, keys, values, seen, taken, own = arrays_of(handle)
    slots, threads = order.shape[0], taken.shape[0] // APART
    share = slots if threads == 1 else SHARE
    for turn in range(threads):
        part = (own[0] + turn) % threads
        begin, end = slots * part // threads, slots * (part + 1) // threads
        first = begin + fetch_and_add(taken, APART * part, share)
        while first < end:
            mine = order[first : min(first + share, end)]
            step_blocks(mine, actions, world, state, dials[0], rules[0], out, keys, values, seen, copies)
            first = begin + fetch_and_add(taken, APART * part, share)
    if threads == 1:
        taken[0] = 0


@jit
def meet_bound(handle, order, actions):  # type: ignore[no-untyped-def]
    """Run `meet_all` on the arrays of the handle."""
    world, state, dials, rules, out, _, _, _, _, _ = arrays_of(handle)
    meet_all(order, actions, world, state, dials[0], rules[0], out.elsewhere)


@jit
def begin_bound(handle, start, users):  # type: ignore[no-untyped-def]
    """Run `begin_all` on the arrays of the handle."""
    world, state, dials, rules, out, _, _, _, _, _ = arrays_of(handle)
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
        # Plain Python has no number that two threads can count on at once, and would not gain by them.
        several = 1 if PLAIN else threads
        self._taken = np.zeros(APART * several, np.int64)
        scratch = [(*_scratch(out.outcome.shape[1]), self._taken, np.array([k])) for k in range(several)]
        self._arrays = [
            (tables, state, dials, rules, out, *own) for own in scratch
        ]  # keeps alive what handles point to
        self._meets = bool(dials["organic_rate"][0] > 0.0)
        self._handles = [handle_of(arrays) for arrays in self._arrays]
        self._pool = ThreadPoolExecutor(several - 1, "recenv-step") if several > 1 else None

    def __reduce__(self) -> tuple[Any, ...]:
        """Bind anew where a copy is made: the addresses are those of this process and these arrays."""
        return BoundLoops, (self.tables, self.state, self.dials, self.rules, self.out, self.threads)

    def begin(self, start: NDArray[np.bool_], users: NDArray[np.int64]) -> None:
        """Start the next episode in every slot with start[i]; users[i] < 0 draws the user from the slot's key."""
        begin_bound(self._handles[0], start, users)

    def step(
        self, order: NDArray[np.uint64], actions: NDArray[np.int64], copies: NDArray[np.float32] | None = None
    ) -> None:
        """Take one step of every slot in `order`, with actions (B, K) of item ids; `copies` (B, O) gets `visible`."""
        seen = _NOTHING if copies is None else copies
        if self._meets:
            meet_bound(self._handles[0], order, actions)
        if self._pool is None:
            step_bound(self._handles[0], order, actions, seen)
            return
        self._taken[:] = 0
        helpers = self._handles[1 : len(order) // SHARE]
        others = [self._pool.submit(step_bound, handle, order, actions, seen) for handle in helpers]
        step_bound(self._handles[0], order, actions, seen)
        for other in others:
            if not other.cancel():  # a thread that the machine did not let begin is not waited for
                other.result()


def _scratch(slate: int) -> tuple[NDArray[np.uint32], NDArray[np.float64], NDArray[np.float64]]:
    """Return the scratch memory of one thread: see `recenv.envs.lanes`, and a number for each position."""
    return _on_lines(KEYS, np.uint32), _on_lines(VALUES, np.float64), np.zeros(slate)


def _on_lines(count: int, kind: Any) -> NDArray[Any]:
    """Return zeros that begin with a cache line, so that no vector lies across two."""
    size = np.dtype(kind).itemsize
    memory = np.zeros(count + LINE // size, kind)
    first = -memory.ctypes.data % LINE // size
    return memory[first : first + count]


def handle_of(arrays: tuple[Any, ...]) -> Any:
    """Return the handle of (world, state, ..., taken, own), as `_arrays` takes it apart; in plain Python, the arrays.

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
