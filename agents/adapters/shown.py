"""What was shown and what it brought, item by item, as libraries without slates learn it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.protocol import Feedback


class Shown(NamedTuple):
    """The shown items of a batch, one a row."""

    row: NDArray[np.int64]
    """(n,) user's row in the batch."""
    item: NDArray[np.int64]
    """(n,) catalogue item id."""
    reward: NDArray[np.float64]
    """(n,) the decision's reward, in equal shares where it showed a slate (an assumption: the items add up)."""


def shown_items(feedback: Feedback) -> Shown:
    """Return the shown items of a batch; empty positions are left out."""
    items = np.asarray(feedback.decision.items)
    row, position = np.nonzero(items >= 0)
    shares = np.maximum((items >= 0).sum(axis=1), 1)
    return Shown(row, items[row, position], (np.asarray(feedback.reward, np.float64) / shares)[row])
