"""The device where an agent's networks live."""

from __future__ import annotations

import torch


def torch_device(device: str) -> torch.device:
    """Return the device of that name.

    Raises
    ------
    ValueError
        If torch does not know it, or it is not there.
    """
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {device!r} cannot be used ({reason}); 'cpu' always can") from None
    return found
