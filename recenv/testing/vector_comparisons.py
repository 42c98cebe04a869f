"""What must agree: an environment with itself, slots with seeds, and a slot with the environment alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from recenv.testing.observations import leaves_of_both, slot_of
from recenv.testing.vector_steps import Step, called, expect, play

MakeVectorEnv = Callable[[int], VectorEnv]
OTHER = 1_000_003
"""Added to a seed, gives an unrelated one."""


def check_repeats(env: VectorEnv, actions: Sequence[NDArray[Any]], seed: int, first: Any, played: list[Step]) -> None:
    """Check that the same seed and actions give the same again."""
    again, replayed = play(env, actions, seed)
    _expect_same(first, again, "the observation of a second reset with the same seed")
    for t, (one, two) in enumerate(zip(played, replayed, strict=True)):
        _expect_same_step(one, two, f"step {t} after a second reset with the same seed")


def check_restart_actions(env: VectorEnv, actions: Sequence[NDArray[Any]], seed: int, played: list[Step]) -> None:
    """Check that the action of a slot that only starts an episode (NEXT_STEP) is ignored."""
    changed = [np.array(action) for action in actions]
    for action, other, step in zip(changed, actions[::-1], played, strict=True):
        action[step.started] = other[step.started]
    _, replayed = play(env, changed, seed)
    for t, (one, two) in enumerate(zip(played, replayed, strict=True)):
        _expect_same_step(one, two, f"step {t} after other actions in steps that only start an episode (NEXT_STEP)")


def check_new_episodes(
    env: VectorEnv, actions: Sequence[NDArray[Any]], seed: int, first: Any, played: list[Step]
) -> None:
    """Check that other seeds give other episodes, and that a reset without a seed does not repeat the last ones."""
    _expect_other(env, actions, seed + OTHER, first, played, f"seed {seed + OTHER} gives")
    called(f"reset(seed={seed})", env.reset, seed=seed)
    _expect_other(env, actions, None, first, played, "a reset without a seed, after one with it, gives")


def _expect_other(
    env: VectorEnv, actions: Sequence[NDArray[Any]], seed: int | None, first: Any, played: list[Step], what: str
) -> None:
    again, replayed = play(env, actions, seed)
    expect(not _is_same(first, again, played, replayed), f"{what} the very episodes that the first seed gave")


def check_seed_list(env: VectorEnv, first: Any, seed: int) -> None:
    """Check that a seed means seed + i for slot i, and the same in whichever slot it is."""
    seeds: Any = [seed + i for i in range(env.num_envs)]
    asked = f"reset(seed=[{seed}, {seed + 1}, ...])"
    observation, _ = called(asked, env.reset, seed=seeds)
    _expect_same(first, observation, f"{asked}: the observation, against seed={seed},")
    other, _ = called(asked, env.reset, seed=seeds[::-1])
    turned = [slot_of(other, env.num_envs - 1 - i) for i in range(env.num_envs)]
    for i, observation in enumerate(turned):
        _expect_same(slot_of(first, i), observation, f"the observation of seed {seed + i} in another slot of the batch")
    env.close()


def check_alone(
    make: MakeVectorEnv, actions: Sequence[NDArray[Any]], seed: int, first: Any, played: list[Step]
) -> None:
    """Check that the first and the last slot equal the environment alone."""
    for slot in (0, len(played[0].reward) - 1):
        env = make(1)
        alone, steps = play(env, [action[slot : slot + 1] for action in actions], seed + slot)
        what = f"slot {slot} against the environment alone with seed {seed + slot}"
        _expect_same(slot_of(first, slot), slot_of(alone, 0), f"{what}: the first observation")
        for t, (batch, single) in enumerate(zip(played, steps, strict=True)):
            _expect_same_step(_slot_of_step(batch, slot), _slot_of_step(single, 0), f"{what}: step {t}")
        env.close()


def _slot_of_step(step: Step, slot: int) -> Step:
    return Step(
        step.action[slot],
        step.started[slot],
        slot_of(step.observation, slot),
        step.reward[slot],
        step.terminated[slot],
        step.truncated[slot],
        {},
        {0: step.final[slot]} if slot in step.final else {},
    )


def _expect_same_step(one: Step, two: Step, where: str) -> None:
    _expect_same(one.observation, two.observation, f"{where}: the observation")
    for name in ("reward", "terminated", "truncated"):
        a, b = getattr(one, name), getattr(two, name)
        expect(np.array_equal(a, b), f"{where}: {name} is {b}, expected {a}")
    expect(one.final.keys() == two.final.keys(), f"{where}: final observations of {[*two.final]}, not {[*one.final]}")
    for slot, final in one.final.items():
        _expect_same(final, two.final[slot], f"{where}: the final observation")


def _expect_same(one: Any, two: Any, what: str) -> None:
    for name, (a, b) in leaves_of_both(one, two):
        expect(np.array_equal(a, b), f"{what} differs in {name}")


def _is_same(first: Any, again: Any, played: list[Step], replayed: list[Step]) -> bool:
    try:
        _expect_same(first, again, "")
        for one, two in zip(played, replayed, strict=True):
            _expect_same_step(one, two, "")
    except AssertionError:
        return False
    return True
