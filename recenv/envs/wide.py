"""The inner product of two table rows, four numbers an instruction: `recenv.causal.equations.vectors.dot` bit for bit.

The compiler does not find by itself that the four running sums of `dot` fit one register. On the GPU and in plain
Python `dot` itself is called.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from recenv.causal.compiled import jit
from recenv.causal.equations.vectors import dot
from recenv.envs.memory import PLAIN

WIDTH = 4
"""Running sums of `dot`."""


@intrinsic
def _four_sums(typing_context: Any, a: Any, at: Any, b: Any, bt: Any, whole: Any) -> Any:
    """Return the four running sums over `whole` numbers of `a` from place `at` on and of `b` from `bt` on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        four = ir.VectorType(ir.DoubleType(), WIDTH)
        starts = [
            builder.gep(make_array(array)(context, builder, arguments[k]).data, [arguments[k + 1]])
            for array, k in ((a, 0), (b, 2))
        ]
        sums = cgutils.alloca_once_value(builder, ir.Constant(four, [0.0] * WIDTH))
        zero, step = context.get_constant(types.intp, 0), context.get_constant(types.intp, WIDTH)
        with cgutils.for_range_slice(builder, zero, arguments[4], step) as (d, _):
            places = [builder.bitcast(builder.gep(start, [d]), four.as_pointer()) for start in starts]
            x, y = [builder.load(place, align=8) for place in places]
            builder.store(builder.fadd(builder.load(sums), builder.fmul(x, y)), sums)
        last = builder.load(sums)
        numbers = [builder.extract_element(last, cgutils.int32_t(k)) for k in range(WIDTH)]
        return context.make_tuple(builder, signature.return_type, numbers)

    return types.UniTuple(types.float64, WIDTH)(a, types.intp, b, types.intp, types.intp), generate


@jit
def _dot_in_fours(a, row, b, other):  # type: ignore[no-untyped-def]
    n = a.shape[1]
    whole = n - n % WIDTH
    s0, s1, s2, s3 = _four_sums(a, np.intp(row) * n, b, np.intp(other) * n, whole)  # type: ignore[call-arg, var-annotated]
    for d in range(whole, n):
        s0 += a[row, np.uintp(d)] * b[other, np.uintp(d)]
    return (s0 + s1) + (s2 + s3)


def _dot_of_rows(a: Any, row: Any, b: Any, other: Any) -> Any:
    return dot(a[row], b[other])


row_dot: Any = _dot_of_rows if PLAIN else _dot_in_fours
"""Return a[row] . b[other] of two C-contiguous float64 matrices (., D), for rows of unsigned type."""
