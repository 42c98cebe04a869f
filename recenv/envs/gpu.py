"""The batch core on a CUDA device: one thread a slot runs the same `step_slot` as the CPU loop.

Nothing of CUDA is imported before a `DeviceCore` is made. With `NUMBA_ENABLE_CUDASIM=1` and `NUMBA_DISABLE_JIT=1`, both
set before numba is imported, Numba's simulator runs the kernels on a machine without a GPU. It runs them as plain
Python: the order of events, the addresses of the noise and the arithmetic are checked there, but typing and
compilation errors, float64 rounding and memory limits of a real GPU do not show.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.noise import seed_word
from recenv.envs.candidate_sets import offer
from recenv.envs.core import BatchCore
from recenv.envs.loops import begin_episode, forget_results, step_slot
from recenv.envs.rules import SAME_STEP

THREADS = 128
"""Threads a block."""
cuda: Any = None
LOW_WORD = np.uint64(0xFFFFFFFF)


class Kernels(NamedTuple):
    """The entry points on the device."""

    step: Any
    begin: Any
    seed: Any
    keep: Any
    offer: Any


def has_cuda() -> bool:
    """Say whether a CUDA device, or Numba's simulator of one, is there."""
    from numba import cuda

    return bool(cuda.is_available())


def can_compile() -> bool:
    """Say whether the kernels can be compiled: Numba's own CUDA target lacks `max`; the simulator compiles nothing."""
    from numba import config

    return bool(config.ENABLE_CUDASIM) or find_spec("numba_cuda") is not None  # type: ignore[attr-defined]


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
    def begin_kernel(start, users, world, state, dials, rules, out):  # type: ignore[no-untyped-def]
        i: Any = cuda.grid(1)  # type: ignore[call-arg]
        if i < start.shape[0] and start[i]:
            # A seeded slot stands before episode 0, at 2**32 - 1; in 64 bits it wraps alike compiled and interpreted.
            state.slot[i]["episode"] = np.uint32((np.uint64(state.slot[i]["episode"]) + np.uint64(1)) & LOW_WORD)
            begin_episode(i, users[i], world, state, dials[0], rules[0])
            forget_results(i, out)

    @cuda.jit
    def seed_kernel(slots, words, state):  # type: ignore[no-untyped-def]
        i: Any = cuda.grid(1)  # type: ignore[call-arg]
        if i < slots.shape[0] and slots[i]:
            state.slot[i]["seed"] = words[i]
            state.slot[i]["episode"] = np.uint32(LOW_WORD)

    @cuda.jit
    def keep_kernel(state, next_slot):  # type: ignore[no-untyped-def]
        i: Any = cuda.grid(1)  # type: ignore[call-arg]
        if i < next_slot.shape[0]:
            next_slot[i]["user"] = state.slot[i]["user"]
            next_slot[i]["seed"] = state.slot[i]["seed"]
            next_slot[i]["episode"] = state.slot[i]["episode"]
            next_slot[i]["step"] = state.slot[i]["step"] + 1

    @cuda.jit
    def offer_kernel(state, rules, pools, offered):  # type: ignore[no-untyped-def]
        i: Any = cuda.grid(1)  # type: ignore[call-arg]
        if i < offered.shape[0]:
            offer(i, state, rules[0], pools, offered)

    return Kernels(step_kernel, begin_kernel, seed_kernel, keep_kernel, offer_kernel)


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
    stream
        Called at each launch, returns the CUDA stream to launch on; None is the default stream.

    Raises
    ------
    RuntimeError
        If there is no CUDA device, or no compiler for it.
    ValueError
        If the core's reward is a Python function, which cannot run on the device, or the core is not seeded.
    """

    def __init__(self, core: BatchCore, *, threads: int = THREADS, stream: Callable[[], Any] | None = None) -> None:
        if not has_cuda():
            raise RuntimeError(
                'no CUDA device was found: use TorchEnv(device="cpu"), or step the BatchCore itself; or set '
                "NUMBA_ENABLE_CUDASIM=1 and NUMBA_DISABLE_JIT=1 before Python starts to simulate one"
            )
        if not can_compile():
            raise RuntimeError(
                "Numba's own CUDA target cannot compile the kernels: install numba-cuda, pip install 'recenv[gpu]'"
            )
        if callable(core.config.reward):
            raise ValueError("reward is a Python function, which cannot run on a device: use a reward by name")
        if not core.seeded:
            raise ValueError("the core is not seeded: call core.seed(...) before it moves to the device")
        self.core = core
        self._grid = (-(-core.batch // threads), threads)
        self._stream = stream
        self._world, self._pools = _upload(core.tables), _upload(core.pools)
        self._dials, self._rules = _to_device(core.dials), _to_device(core.rules)
        self.state, self.out = _upload(core.state), _upload(core.out)
        """The state and what the last step returned, as on the host, in Numba's device arrays."""
        self._offered = _to_device(np.full((core.batch, core.config.candidates or 0), -1, np.int64))
        self._keeps_final = core.config.candidates is not None and core.rules["autoreset"][0] == SAME_STEP
        self._next_slot = _to_device(core.state.slot)

    def seed(self, seeds: Sequence[int] | NDArray[np.integer], slots: NDArray[np.bool_] | None = None) -> None:
        """Give slots a seed and let their episodes count from 0 again, as `BatchCore.seed` does."""
        words = np.array([seed_word(int(seed)) for seed in seeds], np.uint32)
        self._launch(make_kernels().seed, self._mask(slots), _to_device(words), self.state)

    def begin(self, users: NDArray[np.integer] | None = None, slots: NDArray[np.bool_] | None = None) -> None:
        """Start the next episode of slots, as `BatchCore.begin` does."""
        chosen = np.full(self.core.batch, -1, np.int64) if users is None else self.core.checked_users(users)
        tables = (self._world, self.state, self._dials, self._rules, self.out)
        self._launch(make_kernels().begin, self._mask(slots), _to_device(chosen), *tables)

    def step(self, actions: Any) -> None:
        """Step every slot with actions (B, K) int64 of item ids, on the host or already on the device.

        -1 is an empty position; nobody looks whether an item is in the pool.
        """
        shape = (self.core.batch, self.core.config.slate_size)
        if tuple(actions.shape) != shape:
            raise ValueError(f"actions must have shape {shape}, got {tuple(actions.shape)}")
        if self._keeps_final:
            self._launch(make_kernels().keep, self.state, self._next_slot)
        tables = (self._world, self.state, self._dials, self._rules, self.out)
        self._launch(make_kernels().step, _to_device(actions), *tables)

    def candidates(self) -> Any:
        """Return (B, C) this step's candidates on the device; the next call overwrites them."""
        return self._offer(self.state)

    def final_candidates(self) -> Any:
        """Return (B, C), of slots whose episode ended in this step, the candidates that it ended with (`SAME_STEP`)."""
        return self._offer(self.state._replace(slot=self._next_slot, shown=self.out.final_shown))

    def _offer(self, state: Any) -> Any:
        self._launch(make_kernels().offer, state, self._rules, self._pools, self._offered)
        return self._offered

    def _mask(self, slots: NDArray[np.bool_] | None) -> Any:
        return _to_device(np.ones(self.core.batch, bool) if slots is None else np.asarray(slots, bool))

    def _launch(self, kernel: Any, *arguments: Any) -> None:
        configuration = self._grid if self._stream is None else (*self._grid, self._stream())
        kernel[configuration](*arguments)

    def download(self) -> None:
        """Copy state and results of the device into `core.state` and `core.out`."""
        for own, device in ((self.core.state, self.state), (self.core.out, self.out)):
            for host_column, device_column in zip(own, device, strict=True):
                device_column.copy_to_host(host_column)
        self.core.moved()


def _to_device(array: Any) -> Any:
    from numba import cuda

    return cuda.to_device(_aligned(array) if isinstance(array, np.ndarray) else array)


def _aligned(array: NDArray[Any]) -> NDArray[Any]:
    """Return records with each field on a multiple of its size, without which a device cannot read it."""
    record = array.dtype
    if record.names is None or record.isalignedstruct:
        return array
    return array.astype(np.dtype([(name, record[name]) for name in record.names], align=True))


def _upload(record: Any) -> Any:
    """Return the same named tuple with its arrays on the device."""
    make: Callable[..., Any] = type(record)
    return make(*(_to_device(column) for column in record))
