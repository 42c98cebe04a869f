"""What a batch of B users is in the middle of a session: arrays that the compiled loops read and write."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.world import World


class State(NamedTuple):
    """State of B slots; one slot is one user at one step."""

    user: NDArray[np.int64]
    """(B,) row of the world's user tables."""
    seed: NDArray[np.uint32]
    """(B,) episode seed, the first word of the noise key."""
    episode: NDArray[np.uint32]
    """(B,) episode since seeding, the second word of the noise key."""
    step: NDArray[np.int32]
    """(B,) steps taken in this episode."""
    done: NDArray[np.bool_]
    """(B,) the episode has ended."""
    taste: NDArray[np.float64]
    """(B, D)."""
    satiation: NDArray[np.float64]
    """(B, G)."""
    trust: NDArray[np.float64]
    """(B,)."""
    mood: NDArray[np.float64]
    """(B,) hidden."""
    visible: NDArray[np.float32]
    """(B, O) the flat observation, kept up to date in place; its columns are those of `recenv.envs.observation`."""
    shown: NDArray[np.int32]
    """(B, H) visible: items of this episode in order, -1 after the last."""
    felt: NDArray[np.float32]
    """(B, H) visible: normalised rating of each shown item, 0 where it was not consumed."""
    tally: NDArray[np.float32]
    """(B, 2) visible: sum over the steps of the mean normalised rating, and steps with consumption."""


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
    ]
)
"""Response to one shown item; `item` is -1 at an empty position. `level` and `rating` are what the user would give,
whether or not the item was consumed; attraction and satisfaction are y and x, hidden from agents."""


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
    reward: NDArray[np.float64]
    """(B,)."""
    terminated: NDArray[np.bool_]
    """(B,) the user left."""
    truncated: NDArray[np.bool_]
    """(B,) the horizon was reached."""


SCALARS = 5
"""Numbers at the end of the flat observation: see `recenv.envs.observation`."""


def observation_size(world: World) -> int:
    """Return O, the width of the flat observation."""
    return world.user_features.shape[1] + 2 * world.topic.shape[1] + SCALARS


def make_state(world: World, batch: int, history: int) -> State:
    """Return a state in which no episode has begun."""
    dims, topics = world.taste.shape[1], world.topic.shape[1]
    width = observation_size(world)
    return State(
        user=np.zeros(batch, np.int64),
        seed=np.zeros(batch, np.uint32),
        episode=np.zeros(batch, np.uint32),
        step=np.zeros(batch, np.int32),
        done=np.ones(batch, np.bool_),
        taste=np.zeros((batch, dims)),
        satiation=np.zeros((batch, topics)),
        trust=np.zeros(batch),
        mood=np.zeros(batch),
        visible=np.zeros((batch, width), np.float32),
        shown=np.full((batch, history), -1, np.int32),
        felt=np.zeros((batch, history), np.float32),
        tally=np.zeros((batch, 2), np.float32),
    )


def make_output(world: World, batch: int, slate: int, history: int) -> Output:
    """Return the arrays that steps write to."""
    return Output(
        outcome=np.zeros((batch, slate), OUTCOME),
        final_observation=np.zeros((batch, observation_size(world)), np.float32),
        final_shown=np.full((batch, history), -1, np.int32),
        final_felt=np.zeros((batch, history), np.float32),
        reward=np.zeros(batch),
        terminated=np.zeros(batch, np.bool_),
        truncated=np.zeros(batch, np.bool_),
    )
