"""Sessions of which a step is not in the log: no reason to refuse an estimate of single steps, and one to say so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.audits import Audit


class EpisodeGaps:
    """Counts, block after block of a log sorted by episode and step, the rows before which a step is missing."""

    def __init__(self) -> None:
        self.rows = 0
        self.gaps = 0
        self.first = ""
        self._episode, self._step = -1, -1

    def take(self, episode: NDArray[np.int64], step: NDArray[np.int64]) -> None:
        """Look at the next (m,) rows."""
        before, earlier = np.append(self._episode, episode[:-1]), np.append(self._step, step[:-1])
        goes_on = (before == episode) & (self.rows + np.arange(len(episode)) > 0)
        wanted = np.where(goes_on, earlier + 1, 0)
        missing = np.flatnonzero(step != wanted)
        if len(missing) and not self.gaps:
            row = int(missing[0])
            here = f"row {self.rows + row} is step {step[row]} of episode {episode[row]}"
            self.first = f"{here}, where step {wanted[row]} should be"
        self.gaps += len(missing)
        self.rows += len(episode)
        if len(episode):
            self._episode, self._step = int(episode[-1]), int(step[-1])

    def audit(self) -> Audit | None:
        """Return what to report, or None of a log that has every step; `value` is the share of rows after a gap."""
        if not self.gaps:
            return None
        finding = (
            f"{self.gaps:,} rows come after a missing step, the first of them: {self.first}; estimates of single steps "
            "hold for the rows that are there: log every step from 0 on, or give each part an episode of its own"
        )
        return Audit("", "episode_gaps", self.gaps / max(self.rows, 1), np.nan, np.nan, finding)
