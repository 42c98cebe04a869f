"""What a batch of B users is in the middle of a session: arrays that the compiled loops read and write."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.world import World

SLOT = np.dtype(
    [
        ("user", np.int64),
        ("trust", np.float64),
        ("mood", np.float64),
        ("felt_sum", np.float64),
        ("consumed_steps", np.int64),
        ("seed", np.uint32),
        ("episode", np.uint32),
        ("step", np.int32),
        ("done", np.bool_),
    ],
    align=True,
)
"""One number each of a slot: row of the user tables; trust; hidden mood; sum over the steps of the mean normalised
rating; steps with consumption; the noise key (seed, episode since seeding); steps taken; whether the episode ended."""


class State(NamedTuple):
    """State of B slots; one slot is one user at one step."""

    slot: NDArray[np.void]
    """(B,) of dtype SLOT."""
    taste: NDArray[np.float64]
    """(B, D)."""
    satiation: NDArray[np.float64]
    """(B, G)."""
    visible: NDArray[np.float32]
    """(B, O) the flat observation, kept up to date in place; its columns are those of `recenv.envs.observation`."""
    shown: NDArray[np.int32]
    """(B, H) visible: items of this episode in order, -1 after the last."""
    felt: NDArray[np.float32]
    """(B, H) visible: normalised rating of each shown item, 0 where it was not consumed."""

    @property
    def user(self) -> NDArray[np.int64]:
        """(B,) row of the world's user tables."""
        return self.slot["user"]

    @property
    def done(self) -> NDArray[np.bool_]:
        """(B,) whether the episode has ended."""
        return self.slot["done"]

    @property
    def trust(self) -> NDArray[np.float64]:
        """(B,)."""
        return self.slot["trust"]

    @property
    def mood(self) -> NDArray[np.float64]:
        """(B,) hidden."""
        return self.slot["mood"]


OUTCOME = np.dtype(
    [
        ("item", np.int32),
        ("examined", np.bool_),
        ("clicked", np.bool_),
        ("purchased", np.bool_),
        ("consumed", np.bool_),
        ("liked", np.bool_),
        ("organic", np.bool_),
        ("uplift", np.bool_),
        ("level", np.int8),
        ("rating", np.float64),
        ("attraction", np.float64),
        ("satisfaction", np.float64),
    ],
    align=True,
)
"""Response to one shown item; `item` is -1 at an empty position. `level` and `rating` are what the user would give,
whether or not the item was consumed; attraction and satisfaction are y and x, hidden from agents."""


RESULT = np.dtype([("reward", np.float64), ("terminated", np.bool_), ("truncated", np.bool_)], align=True)
"""What Gymnasium's step returns beside the observation."""
ELSEWHERE = np.dtype([("item", np.int32), ("level", np.int8)], align=True)
"""What a user consumed in the step without being shown it (-1: nothing; see `Behaviour.organic_rate`), and the level of
its rating: hidden from agents."""
MET_NOTHING = np.array((-1, 0), ELSEWHERE)


class Output(NamedTuple):
    """What a step returns."""

    outcome: NDArray[np.void]
    """(B, K) of dtype OUTCOME."""
    final_observation: NDArray[np.float32]
    """(B, O) last observation of an episode, where a slot started anew within the step."""
    final_shown: NDArray[np.int32]
    """(B, H) items of that episode."""
    final_felt: NDArray[np.float32]
    """(B, H) feedback of that episode."""
    result: NDArray[np.void]
    """(B,) of dtype RESULT."""
    elsewhere: NDArray[np.void]
    """(B,) of dtype ELSEWHERE."""

    @property
    def reward(self) -> NDArray[np.float64]:
        """(B,)."""
        return self.result["reward"]

    @property
    def terminated(self) -> NDArray[np.bool_]:
        """(B,) whether the user left."""
        return self.result["terminated"]

    @property
    def truncated(self) -> NDArray[np.bool_]:
        """(B,) whether the horizon was reached."""
        return self.result["truncated"]


SCALARS = 5
"""Numbers at the end of the flat observation: see `recenv.envs.observation`."""


def observation_size(world: World) -> int:
    """Return O, the width of the flat observation."""
    return world.user_features.shape[1] + 2 * world.topic.shape[1] + SCALARS


def make_state(world: World, batch: int, history: int) -> State:
    """Return a state in which no episode has begun."""
    dims, topics = world.taste.shape[1], world.topic.shape[1]
    width = observation_size(world)
    slot = np.zeros(batch, SLOT)
    slot["done"] = True
    return State(
        slot=slot,
        taste=np.zeros((batch, dims)),
        satiation=np.zeros((batch, topics)),
        visible=np.zeros((batch, width), np.float32),
        shown=np.full((batch, history), -1, np.int32),
        felt=np.zeros((batch, history), np.float32),
    )


def make_output(world: World, batch: int, slate: int, history: int) -> Output:
    """Return the arrays that steps write to."""
    return Output(
        outcome=np.zeros((batch, slate), OUTCOME),
        final_observation=np.zeros((batch, observation_size(world)), np.float32),
        final_shown=np.full((batch, history), -1, np.int32),
        final_felt=np.zeros((batch, history), np.float32),
        result=np.zeros(batch, RESULT),
        elsewhere=np.full(batch, MET_NOTHING),
    )
