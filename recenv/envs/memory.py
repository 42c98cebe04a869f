"""What the compiled loops tell the compiler and the processor about memory; in plain Python none of it does anything.

The compiler must assume that a store into an array changes any record that it was given, and reads such a record again
after each. A private copy cannot change, so its fields stay in registers. And the processor waits for rows of tables
that no cache holds; asked for ahead of time they are there when they are needed.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from recenv.causal.compiled import jit_merged

PLAIN = bool(numba.config.DISABLE_JIT)  # type: ignore[attr-defined]
"""Whether the loops run as plain Python."""
LINE = 64
"""Bytes that a cache fetches at once."""


@intrinsic
def _copied(typing_context: Any, record: Any) -> Any:
    """Return a copy of the record in the caller's own memory."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        copy = cgutils.alloca_once(builder, context.get_data_type(record))
        cgutils.raw_memcpy(builder, copy, arguments[0], context.get_constant(types.intp, record.size), 1)
        return copy

    return record(record), generate


@intrinsic
def _read_ahead(typing_context: Any, array: Any, offset: Any) -> Any:
    """Ask the caches for what stands `offset` bytes after the beginning of the array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = builder.bitcast(make_array(array)(context, builder, arguments[0]).data, cgutils.voidptr_t)
        kinds = [cgutils.voidptr_t, cgutils.int32_t, cgutils.int32_t, cgutils.int32_t]
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), kinds), "llvm.prefetch.p0i8"
        )
        read, soon, data = (cgutils.int32_t(number) for number in (0, 3, 1))
        builder.call(function, [builder.gep(start, [arguments[1]]), read, soon, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


def _as_it_is(record: Any) -> Any:
    return record


def _do_nothing(array: Any, offset: Any) -> None:
    return None


private: Any = _as_it_is if PLAIN else _copied
"""Return the record in a form that no store into an array can change; it must not be handed to `jit_apart`."""
read_ahead: Any = _do_nothing if PLAIN else _read_ahead
"""Ask the caches for the line of an array that holds the byte `offset`; nothing waits, and no result depends on it."""


@jit_merged
def read_row_ahead(array, row):  # type: ignore[no-untyped-def]
    """Ask the caches for a row of an array of any dtype."""
    start = np.intp(row) * array.strides[0]
    end = start + array.strides[0]
    for offset in range(start, end, LINE):
        read_ahead(array, offset)
    read_ahead(array, end - 1)
