"""What Gymnasium's interface promises of a vector environment's values: spaces, dtypes, masks, autoreset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from recenv.testing.observations import array_of, leaves_of_both, slot_of
from recenv.testing.vector_steps import Step, expect

_INTERFACE = (
    "num_envs", "metadata", "single_observation_space", "single_action_space", "observation_space", "action_space",
    "reset", "step", "close",
)  # fmt: skip


def check_spaces(env: VectorEnv, num_envs: int) -> None:
    """Check that all that the interface names is there, and that the spaces are those of one slot, batched."""
    for name in _INTERFACE:
        expect(hasattr(env, name), f"a vector environment has {name!r}, and {type(env).__name__} has not")
    expect(env.num_envs == num_envs, f"num_envs is {env.num_envs}, but {num_envs} slots were asked for")
    for kind in ("observation", "action"):
        single, batched = getattr(env, f"single_{kind}_space"), getattr(env, f"{kind}_space")
        expect(
            batched == batch_space(single, num_envs),
            f"{kind}_space must be single_{kind}_space batched {num_envs} times, got {batched}",
        )


def check_values(env: VectorEnv, first: Any, played: Sequence[Step]) -> None:
    """Check dtypes, shapes and ranges of observations, and that rewards are finite."""
    for t, observation in enumerate([first, *(step.observation for step in played)]):
        where = "reset" if t == 0 else f"step {t - 1}"
        _check_dtypes(env.observation_space, observation, where)
        expect(observation in env.observation_space, f"the observation of {where} is not in observation_space")
    for t, step in enumerate(played):
        expect(np.isfinite(step.reward).all(), f"the reward of step {t} has NaN or infinity")


def _check_dtypes(space: Any, observation: Any, where: str) -> None:
    if hasattr(space, "spaces"):
        expect(
            isinstance(observation, Mapping) and set(observation) == set(space.spaces),
            f"the observation of {where} must have the keys of its space, {sorted(space.spaces)}",
        )
        for name, inner in space.spaces.items():
            _check_dtypes(inner, observation[name], f"{where} at {name!r}")
        return
    found = getattr(observation, "dtype", type(observation))
    expect(found == space.dtype, f"the observation of {where} has dtype {found}, its space has {space.dtype}")


def check_autoreset(env: VectorEnv, mode: AutoresetMode, played: Sequence[Step]) -> None:
    """Check what happens at the ends of episodes, of which each slot must have one."""
    ends = np.any([step.terminated | step.truncated for step in played], axis=0)
    expect(ends.all(), f"no episode of slot {int(np.argmin(ends))} ended in {len(played)} steps: pass more steps")
    for t, step in enumerate(played):
        done = step.terminated | step.truncated
        if step.started.any():
            silent = (step.reward == 0) & ~done
            expect(silent[step.started].all(), f"step {t} starts an episode (NEXT_STEP): reward 0 and no end expected")
        if mode is AutoresetMode.SAME_STEP and done.any():
            _check_final(env, step, done, t)


def _check_final(env: VectorEnv, step: Step, done: NDArray[np.bool_], t: int) -> None:
    where = f"the info of step {t}, in which an episode ended (SAME_STEP),"
    for name in ("final_obs", "_final_obs", "final_info"):
        expect(name in step.info, f"{where} lacks {name!r}")
    expect(
        np.array_equal(array_of(step.info["_final_obs"]), done), f"{where} must mark the ended slots in '_final_obs'"
    )
    for slot in np.flatnonzero(done):
        final = step.final[int(slot)]
        inside = final is not None and final in env.single_observation_space
        expect(inside, f"{where} has no observation of the space in 'final_obs' of slot {slot}")
        new = slot_of(step.observation, int(slot))
        same = all(np.array_equal(a, b) for _, (a, b) in leaves_of_both(final, new))
        expect(not same, f"{where} has the first observation of the next episode as 'final_obs' of slot {slot}")


def check_masks(env: VectorEnv) -> None:
    """Check `action_masks()`, where there is one, right after a reset."""
    if not hasattr(env, "action_masks"):
        return
    masks, space = array_of(env.action_masks()), env.single_action_space
    wide = space.n if isinstance(space, spaces.Discrete) else masks.shape[-1]
    expect(
        masks.dtype == bool and masks.shape == (env.num_envs, wide),
        f"action_masks() must be boolean of shape ({env.num_envs}, {wide}), got {masks.dtype} of shape {masks.shape}",
    )
    expect(masks.any(1).all(), f"action_masks() leaves slot {int(np.argmin(masks.any(1)))} nothing to do after a reset")
