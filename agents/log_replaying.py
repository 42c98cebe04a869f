"""Log replaying: each user is shown again what a log says they were shown, with the probability it had then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.agents.saving import read_agent, write_agent
from recenv.agents.uniform import UniformAgent
from recenv.protocol import Catalogue, Decision, Feedback, Request

COLUMNS = ("users", "start", "items", "propensity")


class LogReplayingAgent:
    """A user's logged decisions in their order, each with its logged propensity; then uniform.

    The next decision of a user is the first that was not replayed before (as `update` tells) whose items are all
    candidates, so that where no item is shown twice a session is replayed without being told. A user whose decisions
    are used up, or whom the log does not know, gets the uniform policy. The probability is that of the policy that
    made the log, so a log collected with this agent can be evaluated; the agent itself draws nothing then, and it has
    no `probabilities`, since a log holds only those of what was shown.

    Parameters
    ----------
    catalogue
        Of the environment.
    seed, device
        Not used: what is drawn comes from `act`'s generator.
    log
        A `LoggedFeedback` or its Parquet file; None waits for `fit(log)`.
    """

    name = "log_replaying"
    training_steps = 0

    def __init__(self, catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", log: Any = None) -> None:
        self.n_items = catalogue.n_items
        self.fallback = UniformAgent(catalogue)
        self.users, self.start = np.zeros(0, np.int64), np.zeros(1, np.int64)
        self.items, self.propensity = np.zeros((0, 1), np.int64), np.zeros(0)
        self.done = np.zeros(0, np.int64)
        if log is not None:
            self.fit(log)

    @property
    def trained_on(self) -> tuple[int, ...]:
        """Fingerprint of the user-item pairs that the catalogue was made from."""
        return self.fallback.trained_on

    def fit(self, log: Any) -> dict[str, float]:
        """Take over a log (a `LoggedFeedback` or its Parquet file) in place of the one before.

        Raises
        ------
        ValueError
            If it has no propensities, or shows items that are not in the catalogue.
        """
        if isinstance(log, (str, Path)):
            from recenv.feedback.logged_feedback import LoggedFeedback

            log = LoggedFeedback.read(log)
        if np.isnan(log.propensity).any():
            raise ValueError("the log has no propensities, which a replayed decision must have: log them")
        if log.item.max() >= self.n_items:
            raise ValueError(f"the log shows item {log.item.max()}, but the catalogue has {self.n_items} items")
        first = np.append(True, (np.diff(log.episode) != 0) | (np.diff(log.step) != 0))
        decision = np.cumsum(first) - 1
        items = np.full((decision[-1] + 1, int(log.position.max()) + 1), -1, np.int64)
        items[decision, log.position] = log.item
        order = np.argsort(log.user[first], kind="stable")
        self.items, self.propensity = items[order], log.propensity[first][order]
        self.users, begin = np.unique(log.user[first][order], return_index=True)
        self.start = np.append(begin, len(order))
        self.done = np.zeros(len(self.users), np.int64)
        return {"decisions": float(len(order))}

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Return the logged decision of each user, uniform draws where there is none; `explore` changes nothing."""
        drawn = self.fallback.act(request, rng=rng)
        row, place = self._next(request)
        if not len(row):
            return drawn
        if self.items.shape[1] != request.slate_size:
            raise ValueError(
                f"slate_size is {request.slate_size}, and the log shows {self.items.shape[1]} items a step: replay it "
                "in an environment of its own slate size"
            )
        items, probability = drawn.items.copy(), drawn.probability.copy()
        items[row], probability[row] = self.items[place], self.propensity[place]
        return Decision(items, probability)

    def _next(self, request: Request) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows (m,) that have a logged decision left, and which (m,)."""
        row, user = self._known(request.users)
        place, end = self.start[user] + self.done[user], self.start[user + 1]
        found_row, found_place = [], []
        while len(row):
            row, place, end = (array[place < end] for array in (row, place, end))
            usable = self._usable(request.candidates[row], self.items[place])
            found_row.append(row[usable])
            found_place.append(place[usable])
            row, place, end = row[~usable], place[~usable] + 1, end[~usable]
        empty = np.zeros(0, np.int64)
        return np.concatenate([empty, *found_row]), np.concatenate([empty, *found_place])

    @staticmethod
    def _usable(candidates: NDArray[np.int64], items: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return (m,) whether every item of (m, K) is among the candidates (m, C); empty positions always are."""
        there = [((candidates == column[:, None]).any(axis=1) | (column < 0)) for column in items.T]
        return np.logical_and.reduce(there)

    def _known(self, users: NDArray[np.integer] | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows whose user the log knows, and the user's place in `users`."""
        if users is None or not len(self.users):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        place = np.minimum(np.searchsorted(self.users, users), len(self.users) - 1)
        row = np.flatnonzero(self.users[place] == users)
        return row, place[row]

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Count the decisions that each user has had; their order does not matter."""
        _, user = self._known(feedback.request.users)
        np.add.at(self.done, user, 1)
        return {}

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder, the replayed decisions with it."""
        arrays = {name: getattr(self, name) for name in (*COLUMNS, "done")}
        write_agent(
            path, self.name, options={}, trained_on=self.trained_on, state={"n_items": self.n_items}, arrays=arrays
        )

    @classmethod
    def load(cls, path: str | Path) -> LogReplayingAgent:
        """Read a saved agent; it goes on where it was saved."""
        saved = read_agent(path, (cls.name,))
        n_items = saved.state["n_items"]
        agent = cls(Catalogue(np.zeros((n_items, 0), np.float32), np.zeros(n_items), 0, fingerprint=saved.trained_on))
        for name in (*COLUMNS, "done"):
            setattr(agent, name, saved.arrays[name])
        return agent
