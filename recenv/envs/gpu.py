"""The batch core on a CUDA device: one thread a slot runs the same `step_slot` as the CPU loop.

Nothing of CUDA is imported before a `DeviceCore` is made. With `NUMBA_ENABLE_CUDASIM=1` and `NUMBA_DISABLE_JIT=1`, both
set before numba is imported, Numba's simulator runs the kernels on a machine without a GPU. It runs them as plain
Python: the order of events, the addresses of the noise and the arithmetic are checked there, but typing and
compilation errors, float64 rounding and memory limits of a real GPU do not show.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.envs.core import BatchCore
from recenv.envs.loops import begin_episode, step_slot

THREADS = 128
"""Threads a block."""
cuda: Any = None
LOW_WORD = np.uint64(0xFFFFFFFF)


class Kernels(NamedTuple):
    """The two entry points on the device."""

    step: Any
    begin: Any


def has_cuda() -> bool:
    """Say whether a CUDA device, or Numba's simulator of one, is there."""
    from numba import cuda

    return bool(cuda.is_available())


@lru_cache(maxsize=1)
def make_kernels() -> Kernels:
    """Return the kernels; a first launch with new array types compiles the equations for the device."""
    # The simulator gives each kernel its thread by swapping the module's global of this name.
    global cuda
    from numba import cuda

    @cuda.jit
    def step_kernel(actions, world, state, dials, rules, out):  # type: ignore[no-untyped-def]
        i: Any = cuda.grid(1)  # type: ignore[call-arg]
        if i < actions.shape[0]:
            step_slot(i, actions, world, state, dials[0], rules[0], out)

    @cuda.jit
    def begin_kernel(start, users, world, state, dials, rules):  # type: ignore[no-untyped-def]
        i: Any = cuda.grid(1)  # type: ignore[call-arg]
        if i < start.shape[0] and start[i]:
            # A seeded slot stands before episode 0, at 2**32 - 1; in 64 bits it wraps alike compiled and interpreted.
            state.slot[i]["episode"] = np.uint32((np.uint64(state.slot[i]["episode"]) + np.uint64(1)) & LOW_WORD)
            begin_episode(i, users[i], world, state, dials[0], rules[0])

    return Kernels(step_kernel, begin_kernel)


class DeviceCore:
    """The arrays of a `BatchCore` on the device. Slots, seeds, noise and results are those of the core.

    World and state are copied once, when this is made; a step copies the actions to the device and nothing back.
    `download` brings state and results to the core's own arrays.

    Parameters
    ----------
    core
        A seeded core; its state at this moment is where the device starts.
    threads
        Threads a block.

    Raises
    ------
    RuntimeError
        If there is no CUDA device.
    ValueError
        If the core's reward is a Python function, which cannot run on the device, or the core is not seeded.
    """

    def __init__(self, core: BatchCore, *, threads: int = THREADS) -> None:
        if not has_cuda():
            raise RuntimeError(
                "no CUDA device was found: step the BatchCore on the CPU instead, or set NUMBA_ENABLE_CUDASIM=1 and "
                "NUMBA_DISABLE_JIT=1 before Python starts to simulate one"
            )
        if callable(core.config.reward):
            raise ValueError("reward is a Python function, which cannot run on a device: use a reward by name")
        if not core.seeded:
            raise ValueError("the core is not seeded: call core.seed(...) before it moves to the device")
        self.core = core
        self._grid = (-(-core.batch // threads), threads)
        self._world = _upload(core.world.tables)
        self._dials, self._rules = _to_device(core.dials), _to_device(core.rules)
        self._state, self._out = _upload(core.state), _upload(core.out)

    def begin(self, users: NDArray[np.integer] | None = None, slots: NDArray[np.bool_] | None = None) -> None:
        """Start the next episode of slots, as `BatchCore.begin` does."""
        batch = self.core.batch
        mask = np.ones(batch, bool) if slots is None else np.asarray(slots, bool)
        chosen = np.full(batch, -1, np.int64) if users is None else self.core.checked_users(users)
        self._launch(make_kernels().begin, _to_device(mask), _to_device(chosen))

    def step(self, actions: NDArray[np.int64]) -> None:
        """Step every slot with actions (B, K) of catalogue item ids, on the host or already on the device."""
        shape = (self.core.batch, self.core.config.slate_size)
        if tuple(actions.shape) != shape:
            raise ValueError(f"actions must have shape {shape}, got {tuple(actions.shape)}")
        self._launch(make_kernels().step, _to_device(actions), out=(self._out,))

    def _launch(self, kernel: Any, *first: Any, out: tuple[Any, ...] = ()) -> None:
        kernel[self._grid](*first, self._world, self._state, self._dials, self._rules, *out)

    def download(self) -> None:
        """Copy state and results of the device into `core.state` and `core.out`."""
        for own, device in ((self.core.state, self._state), (self.core.out, self._out)):
            for host_column, device_column in zip(own, device, strict=True):
                device_column.copy_to_host(host_column)


def _to_device(array: Any) -> Any:
    from numba import cuda

    return cuda.to_device(array)


def _upload(record: Any) -> Any:
    """Return the same named tuple with its arrays on the device."""
    make: Callable[..., Any] = type(record)
    return make(*(_to_device(column) for column in record))
