"""What a Stable-Baselines3 loop tells of the sessions it plays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback


class SessionRecord(BaseCallback):
    """Counts steps for a progress bar and keeps the totals of sessions that end.

    Parameters
    ----------
    progress
        Called with (user steps done, user steps in all).
    steps
        User steps of this run.
    """

    def __init__(self, progress: Callable[[int, int], None] | None, steps: int) -> None:
        super().__init__()
        self.progress, self.steps, self.done = progress, steps, 0
        self.ended: list[tuple[float, int]] = []

    def _on_step(self) -> bool:
        infos = self.locals["infos"]
        self.ended += [(info["episode"]["r"], info["episode"]["l"]) for info in infos if "episode" in info]
        self.done += len(infos)
        if self.progress is not None:
            self.progress(min(self.done, self.steps), self.steps)
        return True

    def means(self) -> dict[str, float]:
        """Return the means over the sessions that ended; nothing where none did."""
        if not self.ended:
            return {}
        total, length = np.sum(self.ended, axis=0)
        count = len(self.ended)
        return {
            "session_reward": float(total / count),
            "step_reward": float(total / length),
            "session_length": float(length / count),
            "sessions": float(count),
        }
