"""Arrays of the batch core, on the host or on a CUDA device, seen as torch tensors over the same memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


def view(array: Any) -> Tensor:
    """Return a tensor over the memory of a numpy array or a Numba device array; nothing is copied.

    A device array is read through `__cuda_array_interface__`, one on the host through DLPack, as are those of Numba's
    simulator.
    """
    if hasattr(array, "__cuda_array_interface__"):
        return torch.as_tensor(array, device="cuda")
    return torch.from_dlpack(array)


def field_views(array: Any) -> dict[str, Tensor]:
    """Return name -> tensor (...) over each field of a contiguous array of records (...); nothing is copied.

    The records are read as bytes (..., S), of which each field is a slice with its own dtype: neither array protocol
    knows records. The fields must be aligned, so that each stride is a multiple of the field's size.
    """
    record = array.dtype
    raw = view(array.view(np.uint8)).reshape(*array.shape, record.itemsize)
    return {name: _field(raw, *record.fields[name][:2]) for name in record.names}


def _field(raw: Tensor, dtype: np.dtype[Any], offset: int) -> Tensor:
    own = torch.from_numpy(np.empty(0, dtype)).dtype
    return raw[..., offset : offset + dtype.itemsize].view(own)[..., 0]
