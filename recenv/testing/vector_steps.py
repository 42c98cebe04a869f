"""Playing a vector environment for its check, and keeping all that it returned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from recenv.testing.observations import array_of, copied, leaves_of_both, slot_of


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
    final: dict[int, Any]
    """Slot -> last observation of its episode, where the info has one (`SAME_STEP`)."""


def expect(condition: Any, message: str) -> None:
    """Refuse with a message what is not so."""
    if not condition:
        raise AssertionError(message)


def called(what: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Return what a call returns; what it raises is a broken promise, with `what` was called."""
    try:
        return function(*arguments, **options)
    except Exception as error:
        raise AssertionError(f"{what} raised {type(error).__name__}: {error}") from error


def mode_of(env: VectorEnv) -> AutoresetMode:
    """Return the declared autoreset mode."""
    mode = env.metadata.get("autoreset_mode")
    if not isinstance(mode, AutoresetMode):
        raise AssertionError(f'metadata["autoreset_mode"] must be an AutoresetMode, got {mode!r}')
    return mode


def actions_for(env: VectorEnv, steps: int, seed: int) -> list[NDArray[Any]]:
    """Return random actions, (B, ...) a step."""
    env.action_space.seed(seed)
    return [env.action_space.sample() for _ in range(steps)]


def play(env: VectorEnv, actions: Sequence[NDArray[Any]], seed: Any) -> tuple[Any, list[Step]]:
    """Return copies of what reset and each step returned; check on the way that steps share no arrays."""
    answer = called(f"reset(seed={seed})", env.reset, seed=seed)
    expect(isinstance(answer, tuple) and len(answer) == 2, "reset() must return (observation, info)")
    expect(isinstance(answer[1], dict), f"the info of reset() must be a dict, got {answer[1]!r}")
    first, last, played = copied(answer[0]), answer[0], []
    kept, started = copied(last), np.zeros(env.num_envs, bool)
    for t, action in enumerate(actions):
        asked = copied(action) if isinstance(action, np.ndarray) else action
        answer = called(f"step {t}, with actions of action_space,", env.step, action)
        expect(isinstance(answer, tuple) and len(answer) == 5, "step() must return five things")
        expect(asked is action or np.array_equal(asked, action), f"step {t} wrote into the actions that it was given")
        _check_columns(env, answer, t)
        _check_unshared(last, answer[0], kept, t)
        last, kept = answer[0], copied(answer[0])
        reward, terminated, truncated = (copied(column) for column in answer[1:4])
        final = _finals(answer[4])
        played.append(Step(action, started, kept, reward, terminated, truncated, answer[4], final))
        started = _restart(env, played[-1])
    return first, played


def _check_columns(env: VectorEnv, answer: tuple[Any, ...], t: int) -> None:
    kinds = {"reward": "floating", "terminated": "boolean", "truncated": "boolean"}
    for (name, wanted), column in zip(kinds.items(), answer[1:4], strict=True):
        expect(hasattr(column, "dtype"), f"{name} of step {t} must be an array, got {type(column).__name__}")
        array = array_of(column)
        expect(
            array.shape == (env.num_envs,), f"{name} of step {t} must have shape ({env.num_envs},), got {array.shape}"
        )
        expect(array.dtype.kind == wanted[0], f"{name} of step {t} must be {wanted}, got {array.dtype}")
    expect(isinstance(answer[4], dict), f"the info of step {t} must be a dict")


def _finals(info: Any) -> dict[int, Any]:
    """Return slot -> final observation; an array of objects holds one a slot, tensors hold all of them."""
    if not isinstance(info, dict) or not {"final_obs", "_final_obs"} <= set(info):
        return {}
    marked = np.flatnonzero(array_of(info["_final_obs"]))
    return {int(slot): copied(slot_of(info["final_obs"], int(slot))) for slot in marked}


def _restart(env: VectorEnv, step: Step) -> NDArray[np.bool_]:
    """Return which slots only start an episode in the next step; with DISABLED, restart them now."""
    done = np.logical_or(step.terminated, step.truncated)
    if mode_of(env) is AutoresetMode.NEXT_STEP:
        return done
    if mode_of(env) is AutoresetMode.DISABLED and done.any():
        restart = {"reset_mask": done}
        observation, _ = called("reset(options={'reset_mask': mask}) (DISABLED)", env.reset, options=restart)
        for name, (before, after) in leaves_of_both(step.observation, observation):
            expect(
                np.array_equal(before[~done], after[~done]),
                f"reset with a reset_mask changed {name} of a slot outside the mask",
            )
    return np.zeros(env.num_envs, bool)


def _check_unshared(last: Any, now: Any, kept: Any, t: int) -> None:
    for name, (before, copy) in leaves_of_both(last, kept):
        expect(np.array_equal(before, copy), f"step {t} overwrote {name} that an earlier call had returned")
    for name, (before, after) in leaves_of_both(last, now):
        expect(not np.shares_memory(before, after), f"step {t} returned the same array as the call before, as {name}")
