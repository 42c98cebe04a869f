"""The two ways in which a `TorchEnv` is stepped: the compiled loop on the host, the kernels on a CUDA device."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recenv.envs.core import BatchCore
from recenv.envs.gpu import DeviceCore
from recenv.envs.torch_views import field_views, view


class Stepper(Protocol):
    """What a `TorchEnv` asks of either."""

    state: SimpleNamespace
    """Fields of `recenv.envs.state.State` as tensors over the memory that is stepped; `slot` is name -> (B,)."""
    out: SimpleNamespace
    """Fields of `recenv.envs.state.Output`, alike."""

    def seed(self, seeds: Sequence[int], slots: NDArray[np.bool_] | None) -> None:
        """Give slots a seed, as `BatchCore.seed`."""

    def begin(self, users: NDArray[np.integer] | None, slots: NDArray[np.bool_] | None) -> None:
        """Start the next episode of slots, as `BatchCore.begin`."""

    def step(self, items: Tensor) -> None:
        """Step every slot with items (B, K) int64; -1 is an empty position."""

    def candidates(self) -> Tensor:
        """Return (B, C) this step's candidates as item ids, -1 pads."""

    def final_candidates(self, done: Tensor) -> Tensor:
        """Return (B, C) the candidates of the last observation of the episodes that ended (`SAME_STEP`)."""


class HostStepper:
    """The batch core itself."""

    def __init__(self, core: BatchCore) -> None:
        self._core = core
        self.state, self.out = tensors(core.state), tensors(core.out)
        self.seed, self.begin = core.seed, core.begin

    def step(self, items: Tensor) -> None:
        """Step every slot."""
        self._core.step(items.numpy())

    def candidates(self) -> Tensor:
        """Return (B, C)."""
        return view(self._core.candidates())

    def final_candidates(self, done: Tensor) -> Tensor:
        """Return (B, C); -1 where no episode ended."""
        offered = torch.full((self._core.batch, self._core.config.candidates or 0), -1)
        for slot in done.nonzero()[:, 0].tolist():
            offered[slot] = view(self._core.final_candidates(slot))
        return offered


class DeviceStepper:
    """The batch core's copy on the device; kernels are launched on torch's current stream."""

    def __init__(self, core: BatchCore) -> None:
        self._device = DeviceCore(core, stream=_current_stream)
        self.state, self.out = tensors(self._device.state), tensors(self._device.out)
        self.seed, self.begin = self._device.seed, self._device.begin

    def step(self, items: Tensor) -> None:
        """Step every slot."""
        self._device.step(items if items.is_cuda else items.numpy())

    def candidates(self) -> Tensor:
        """Return (B, C)."""
        return view(self._device.candidates()).clone()

    def final_candidates(self, done: Tensor) -> Tensor:
        """Return (B, C); what stands where no episode ended means nothing."""
        return view(self._device.final_candidates()).clone()


def make_stepper(core: BatchCore, device: torch.device) -> Stepper:
    """Return the core, seeded, on a device.

    Raises
    ------
    ValueError
        If the device is neither "cpu" nor "cuda".
    """
    if device.type not in ("cpu", "cuda") or device.index:
        raise ValueError(f'device must be "cpu" or "cuda" (CUDA_VISIBLE_DEVICES chooses the GPU), got "{device}"')
    return HostStepper(core) if device.type == "cpu" else DeviceStepper(core)


def tensors(record: Any) -> SimpleNamespace:
    """Return the arrays of a named tuple as tensors over the same memory, records as name -> tensor."""
    columns = zip(record._fields, record, strict=True)
    return SimpleNamespace(**{name: field_views(a) if a.dtype.names else view(a) for name, a in columns})


def _current_stream() -> Any:
    """Return torch's current stream for Numba; the simulator has one stream only."""
    from numba import cuda

    if not torch.cuda.is_available():
        return 0
    return cuda.external_stream(torch.cuda.current_stream().cuda_stream)
