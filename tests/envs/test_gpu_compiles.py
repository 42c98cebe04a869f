"""The kernels compile for a real device: no device is needed for that, only the compiler (the extra `gpu`)."""

import importlib.util
from types import SimpleNamespace

import numba
import numpy as np
import pytest

from recenv.causal import World
from recenv.envs import EnvConfig, gpu
from recenv.envs.core import BatchCore

with_compiler = pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed")


@pytest.fixture(scope="module")
def core():
    world = World.synthetic(5, users=12, items=20, dims=3, topics=3)
    return BatchCore(EnvConfig(world=world, slate_size=2, candidates=6, horizon=5), 4)


def device_type(record):
    """The Numba type of an array, or a named tuple of arrays, as it is on the device."""
    if hasattr(record, "_fields"):
        return numba.typeof(type(record)(*(gpu._aligned(column) for column in record)))
    return numba.typeof(gpu._aligned(record))


def signatures(core):
    tables, state, dials, rules, out, pools = map(
        device_type, (core.tables, core.state, core.dials, core.rules, core.out, core.pools)
    )
    slots, ids, words = (numba.typeof(np.zeros(1, kind)) for kind in (bool, np.int64, np.uint32))
    items = numba.typeof(np.zeros((1, 1), np.int64))
    return {
        "step": (items, tables, state, dials, rules, out),
        "begin": (slots, ids, tables, state, dials, rules, out),
        "seed": (slots, words, state),
        "keep": (state, device_type(core.state.slot)),
        "offer": (state, rules, pools, items),
    }


@with_compiler
@pytest.mark.parametrize("kernel", gpu.Kernels._fields)
def test_a_kernel_compiles_without_fast_division_or_root(core, kernel, monkeypatch):
    from numba import cuda

    newest = SimpleNamespace(compute_capability=(8, 0))
    monkeypatch.setattr("numba.cuda.dispatcher.get_current_device", lambda: newest)
    function = getattr(gpu.make_kernels(), kernel).py_func
    signature = numba.types.void(*signatures(core)[kernel])
    assembly, _ = cuda.compile_ptx(function, signature, device=False, cc=(8, 0))
    assert ".entry" in assembly
    for rough in ("div.approx", "sqrt.approx", "ex2.approx", "lg2.approx"):
        assert rough not in assembly


def test_records_are_aligned_for_the_device_and_keep_their_values(core):
    for array in (core.dials, core.rules, *core.tables, *core.state, *core.out):
        moved = gpu._aligned(array)
        if array.dtype.names is None:
            assert moved is array
            continue
        assert moved.dtype.isalignedstruct
        for name in array.dtype.names:
            assert moved.dtype.fields[name][1] % moved.dtype[name].alignment == 0
            np.testing.assert_array_equal(moved[name], array[name])


def test_what_comes_back_needs_no_other_layout(core):
    """`download` copies into the core's own arrays."""
    for array in (*core.state, *core.out):
        assert gpu._aligned(array) is array


def test_without_the_compiler_the_remedy_is_named(core, monkeypatch):
    monkeypatch.setattr(gpu, "has_cuda", lambda: True)
    monkeypatch.setattr(gpu, "find_spec", lambda _: None)
    with pytest.raises(RuntimeError, match=r"install numba-cuda, pip install 'recenv\[gpu\]'"):
        gpu.DeviceCore(core)
