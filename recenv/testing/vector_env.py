"""Compliance check of vector environments: what Gymnasium's interface promises, and what recenv adds to it.

recenv adds that slot i of a batch seeded with `seed` is the environment alone seeded with `seed + i`.
"""

from __future__ import annotations

from recenv.testing.vector_comparisons import (
    MakeVectorEnv,
    check_alone,
    check_new_episodes,
    check_repeats,
    check_restart_actions,
    check_seed_list,
)
from recenv.testing.vector_steps import actions_for, mode_of, play
from recenv.testing.vector_values import check_autoreset, check_masks, check_spaces, check_values


def check_vector_env(make: MakeVectorEnv, *, num_envs: int = 4, steps: int = 60, seed: int = 0) -> None:
    """Check a vector environment; returns nothing when all is well.

    Checked are spaces, dtypes, shapes and finite values; that returned arrays are the caller's own; autoreset by the
    declared mode, with final observations; that seeds repeat, differ, and may be listed; `action_masks()`, where there
    is one; and that a slot of the batch, final observations included, equals the environment alone. Tensors of any
    device are compared as arrays.

    Parameters
    ----------
    make
        Called with a number of slots, returns a fresh environment of that size; everything else stays the same.
        Its autoreset mode is read from `metadata["autoreset_mode"]`. Every slot should end an episode within `steps`.
    num_envs
        B, slots of the batch, 2 or more.
    steps
        Steps to play, with random actions.
    seed
        Seed of the environments and of the actions.

    Raises
    ------
    AssertionError
        With what is wrong, where, in words; an error that the environment raised is its cause.
    TypeError
        If `make` is no function.
    """
    if not callable(make):
        raise TypeError(f"make must be a function from a number of slots to an environment, got {type(make).__name__}")
    if num_envs < 2 or steps < 1:
        raise ValueError(f"num_envs must be 2 or more and steps 1 or more, got {num_envs} and {steps}")
    env = make(num_envs)
    check_spaces(env, num_envs)
    mode = mode_of(env)
    actions = actions_for(env, steps, seed)
    first, played = play(env, actions, seed)
    check_values(env, first, played)
    check_autoreset(env, mode, played)
    check_repeats(env, actions, seed, first, played)
    check_restart_actions(env, actions, seed, played)
    check_new_episodes(env, actions, seed, first, played)
    check_seed_list(make(num_envs), first, seed)
    check_masks(env)
    check_alone(make, actions, seed, first, played)
    env.close()
