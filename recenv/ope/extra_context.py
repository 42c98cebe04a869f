"""A log whose observation has more columns, so that a reward model can learn from what is no item and no context."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.ope.context import context
from recenv.ope.cross_fit import FeedbackSource

Columns = Callable[[LoggedFeedback], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class ExtraContext:
    """`source` with the columns that `extra` makes of each block (n, E) behind its observation."""

    source: FeedbackSource
    extra: Columns

    @property
    def user(self) -> NDArray[np.int64]:
        """(n,) user of each row."""
        return self.source.user

    @property
    def n_items(self) -> int:
        """N, the size of the catalogue."""
        return self.source.n_items

    def __len__(self) -> int:
        return len(self.source)

    def iter_blocks(self, rows: int = 65_536) -> Iterator[LoggedFeedback]:
        """Yield the log in order."""
        for block in self.source.iter_blocks(rows):
            yield with_context(block, self.extra(block))


def with_context(block: LoggedFeedback, extra: NDArray[np.float64]) -> LoggedFeedback:
    """Return the block with `extra` (n, E) behind the columns that a model reads."""
    seen = np.hstack([context(block.observation, block.rows), extra.astype(np.float32)])
    return replace(block, observation={"features": seen})
