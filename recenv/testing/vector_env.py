"""Compliance check of vector environments: what Gymnasium's interface promises, and what recenv adds to it.

recenv adds that slot i of a batch seeded with `seed` is the environment alone seeded with `seed + i`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from recenv.testing.observations import copied, leaves_of_both, slot_of

MakeVectorEnv = Callable[[int], VectorEnv]


class Step(NamedTuple):
    """What one step returned, and what was asked."""

    action: NDArray[Any]
    started: NDArray[np.bool_]
    """(B,) slots that only start an episode in this step."""
    observation: Any
    reward: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    info: dict[str, Any]


def check_vector_env(make: MakeVectorEnv, *, num_envs: int = 4, steps: int = 60, seed: int = 0) -> None:
    """Check a vector environment; returns nothing when all is well.

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
        With what is wrong, where, in words.
    """
    if num_envs < 2 or steps < 1:
        raise ValueError(f"num_envs must be 2 or more and steps 1 or more, got {num_envs} and {steps}")
    env = make(num_envs)
    _check_spaces(env, num_envs)
    mode = _mode(env)
    actions = _actions(env, steps, seed)
    first, played = _play(env, actions, seed)
    _check_values(env, first, played)
    _check_autoreset(env, mode, played)
    _check_repeats(env, actions, seed, first, played)
    _check_seed_list(make(num_envs), first, seed)
    _check_alone(make, actions, seed, first, played)
    env.close()


def _expect(condition: Any, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _mode(env: VectorEnv) -> AutoresetMode:
    mode = env.metadata.get("autoreset_mode")
    if not isinstance(mode, AutoresetMode):
        raise AssertionError(f'metadata["autoreset_mode"] must be an AutoresetMode, got {mode!r}')
    return mode


def _check_spaces(env: VectorEnv, num_envs: int) -> None:
    _expect(env.num_envs == num_envs, f"num_envs is {env.num_envs}, but {num_envs} slots were asked for")
    for kind in ("observation", "action"):
        single, batched = getattr(env, f"single_{kind}_space"), getattr(env, f"{kind}_space")
        _expect(
            batched == batch_space(single, num_envs),
            f"{kind}_space must be single_{kind}_space batched {num_envs} times, got {batched}",
        )


def _actions(env: VectorEnv, steps: int, seed: int) -> list[NDArray[Any]]:
    env.action_space.seed(seed)
    return [env.action_space.sample() for _ in range(steps)]


def _play(env: VectorEnv, actions: Sequence[NDArray[Any]], seed: Any) -> tuple[Any, list[Step]]:
    """Return copies of what reset and each step returned; check on the way that steps share no arrays."""
    answer: Any = env.reset(seed=seed)
    _expect(isinstance(answer, tuple) and len(answer) == 2, "reset() must return (observation, info)")
    first, last, played = copied(answer[0]), answer[0], []
    kept, started = copied(last), np.zeros(env.num_envs, bool)
    for t, action in enumerate(actions):
        answer = env.step(action)
        _expect(isinstance(answer, tuple) and len(answer) == 5, "step() must return five things")
        _check_unshared(last, answer[0], kept, t)
        last, kept = answer[0], copied(answer[0])
        reward, terminated, truncated = (np.array(column) for column in answer[1:4])
        played.append(Step(action, started, kept, reward, terminated, truncated, answer[4]))
        started = _restart(env, played[-1])
    return first, played


def _restart(env: VectorEnv, step: Step) -> NDArray[np.bool_]:
    """Return which slots only start an episode in the next step; with DISABLED, restart them now."""
    done = np.logical_or(step.terminated, step.truncated)
    if _mode(env) is AutoresetMode.NEXT_STEP:
        return done
    if _mode(env) is AutoresetMode.DISABLED and done.any():
        observation, _ = env.reset(options={"reset_mask": done})
        for name, (before, after) in leaves_of_both(step.observation, observation):
            _expect(
                np.array_equal(before[~done], after[~done]),
                f"reset with a reset_mask changed {name} of a slot outside the mask",
            )
    return np.zeros(env.num_envs, bool)


def _check_unshared(last: Any, now: Any, kept: Any, t: int) -> None:
    for name, (before, copy) in leaves_of_both(last, kept):
        _expect(np.array_equal(before, copy), f"step {t} overwrote {name} that an earlier call had returned")
    for name, (before, after) in leaves_of_both(last, now):
        _expect(not np.shares_memory(before, after), f"step {t} returned the same array as the call before, as {name}")


def _check_values(env: VectorEnv, first: Any, played: Sequence[Step]) -> None:
    for t, observation in enumerate([first, *(step.observation for step in played)]):
        where = "reset" if t == 0 else f"step {t - 1}"
        _check_dtypes(env.observation_space, observation, where)
        _expect(observation in env.observation_space, f"the observation of {where} is not in observation_space")
    for t, step in enumerate(played):
        for name in ("reward", "terminated", "truncated"):
            column = getattr(step, name)
            _expect(column.shape == (env.num_envs,), f"{name} of step {t} must have shape ({env.num_envs},)")
            kind = "f" if name == "reward" else "b"
            wanted = "floating" if kind == "f" else "boolean"
            _expect(column.dtype.kind == kind, f"{name} of step {t} must be {wanted}, got {column.dtype}")
        _expect(np.isfinite(step.reward).all(), f"the reward of step {t} has NaN or infinity")
        _expect(isinstance(step.info, dict), f"the info of step {t} must be a dict")


def _check_dtypes(space: Any, observation: Any, where: str) -> None:
    if hasattr(space, "spaces"):
        _expect(
            isinstance(observation, Mapping) and set(observation) == set(space.spaces),
            f"the observation of {where} must have the keys of its space, {sorted(space.spaces)}",
        )
        for name, inner in space.spaces.items():
            _check_dtypes(inner, observation[name], f"{where} at {name!r}")
        return
    found = getattr(observation, "dtype", type(observation))
    _expect(found == space.dtype, f"the observation of {where} has dtype {found}, its space has {space.dtype}")


def _check_autoreset(env: VectorEnv, mode: AutoresetMode, played: Sequence[Step]) -> None:
    ends = np.any([step.terminated | step.truncated for step in played], axis=0)
    _expect(ends.all(), f"no episode of slot {int(np.argmin(ends))} ended in {len(played)} steps: pass more steps")
    for t, step in enumerate(played):
        done = step.terminated | step.truncated
        if step.started.any():
            silent = (step.reward == 0) & ~done
            _expect(silent[step.started].all(), f"step {t} starts an episode (NEXT_STEP): reward 0 and no end expected")
        if mode is AutoresetMode.SAME_STEP and done.any():
            _check_final(env, step, done, t)


def _check_final(env: VectorEnv, step: Step, done: NDArray[np.bool_], t: int) -> None:
    where = f"the info of step {t}, in which an episode ended (SAME_STEP),"
    for name in ("final_obs", "_final_obs", "final_info"):
        _expect(name in step.info, f"{where} lacks {name!r}")
    _expect(np.array_equal(step.info["_final_obs"], done), f"{where} must mark the ended slots in '_final_obs'")
    for slot in np.flatnonzero(done):
        final = step.info["final_obs"][slot]
        inside = final is not None and final in env.single_observation_space
        _expect(inside, f"{where} has no observation of the space in 'final_obs' of slot {slot}")
        new = slot_of(step.observation, int(slot))
        same = all(np.array_equal(a, b) for _, (a, b) in leaves_of_both(final, new))
        _expect(not same, f"{where} has the first observation of the next episode as 'final_obs' of slot {slot}")


def _check_repeats(env: VectorEnv, actions: Sequence[NDArray[Any]], seed: int, first: Any, played: list[Step]) -> None:
    again, replayed = _play(env, actions, seed)
    _expect_same(first, again, "the observation of a second reset with the same seed")
    for t, (one, two) in enumerate(zip(played, replayed, strict=True)):
        _expect_same_step(one, two, f"step {t} after a second reset with the same seed")


def _check_seed_list(env: VectorEnv, first: Any, seed: int) -> None:
    seeds: Any = [seed + i for i in range(env.num_envs)]
    observation, _ = env.reset(seed=seeds)
    _expect_same(first, observation, f"reset(seed=[{seed}, {seed + 1}, ...]): the observation, against seed={seed},")
    other, _ = env.reset(seed=seeds[::-1])
    turned = [slot_of(other, env.num_envs - 1 - i) for i in range(env.num_envs)]
    for i, observation in enumerate(turned):
        _expect_same(slot_of(first, i), observation, f"the observation of seed {seed + i} in another slot of the batch")
    env.close()


def _check_alone(
    make: MakeVectorEnv, actions: Sequence[NDArray[Any]], seed: int, first: Any, played: list[Step]
) -> None:
    for slot in (0, len(played[0].reward) - 1):
        env = make(1)
        alone, steps = _play(env, [action[slot : slot + 1] for action in actions], seed + slot)
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
    )


def _expect_same_step(one: Step, two: Step, where: str) -> None:
    _expect_same(one.observation, two.observation, f"{where}: the observation")
    for name in ("reward", "terminated", "truncated"):
        a, b = getattr(one, name), getattr(two, name)
        _expect(np.array_equal(a, b), f"{where}: {name} is {b}, expected {a}")


def _expect_same(one: Any, two: Any, what: str) -> None:
    for name, (a, b) in leaves_of_both(one, two):
        _expect(np.array_equal(a, b), f"{what} differs in {name}")
