"""Let a policy run in an environment: every session from its beginning to its end, none favoured for being short."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.answers import checked_answer
from recenv.feedback.confounded import draw
from recenv.protocol import Decision, Policy, Request


class SessionEnv(Protocol):
    """What is asked of an environment of B users; `RecSysVectorEnv` is one."""

    num_envs: int

    @property
    def users(self) -> NDArray[np.int64]:
        """(B,) who is in each slot."""
        ...

    def reset(self, *, seed: int, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start a session in every slot."""
        ...

    def step(self, actions: Any) -> tuple[Any, NDArray, NDArray, NDArray, dict]:
        """Show one item, or a slate, to every user."""
        ...

    def actions_of(self, items: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the actions that show items (B, K)."""
        ...

    def request(self, observation: Any) -> Request:
        """Return what a policy is asked now."""
        ...


class Step(NamedTuple):
    """One step of B slots; only rows with `alive` belong to the round's sessions."""

    number: int
    """Step within the session, from 0."""
    alive: NDArray[np.bool_]
    """(B,) whether the slot's first session of this round still runs."""
    request: Request
    decision: Decision
    reward: NDArray[np.float64]
    next_observation: Any
    """What the next request will hold."""
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]


def rollout(
    env: SessionEnv,
    policy: Any,
    *,
    seed: int,
    users: NDArray[np.integer] | None = None,
    explore: bool = True,
) -> Iterator[Step]:
    """Yield the steps of one session in every slot, until all have ended.

    Slot i has the noise of (seed + i, episode 0), whatever the policy does: two policies run with one seed meet the
    same users under the same noise. A caller that looks at the environment between two steps sees it before the step.

    Parameters
    ----------
    env
        A vector environment in Gymnasium's default autoreset mode (`NEXT_STEP`).
    policy
        Has `act(request, rng=, explore=)`, or only `probabilities(request)`.
    seed
        Of the sessions, and of the generator that the policy draws from.
    users
        (B,) who to simulate; None draws them from the noise.
    explore
        Passed to `act`.
    """
    rng = np.random.default_rng([seed, 40])
    observation, _ = env.reset(seed=seed, options=None if users is None else {"users": np.asarray(users)})
    request = env.request(observation)
    alive = np.ones(env.num_envs, bool)
    number = 0
    while alive.any():
        decision = decide(policy, request, rng, explore)
        observation, reward, terminated, truncated, _ = env.step(env.actions_of(decision.items))
        following = env.request(observation)
        yield Step(number, alive.copy(), request, decision, reward, following.observation, terminated, truncated)
        alive &= ~(terminated | truncated)
        number, request = number + 1, following


def decide(policy: Any, request: Request, rng: np.random.Generator, explore: bool = True) -> Decision:
    """Return the policy's decision: its own `act`, or items drawn from its `probabilities`.

    A slate is drawn without replacement, position after position among what is left (Plackett 1975,
    `plackett1975analysis`); `extra["propensity_prefix"]` (B, K) holds the probability of its beginnings.
    """
    if hasattr(policy, "act"):
        return checked_answer(policy, policy.act(request, rng=rng, explore=explore), request)
    if not isinstance(policy, Policy):
        raise TypeError(f"{type(policy).__name__} has neither act() nor probabilities(): it is no policy")
    left = np.array(policy.probabilities(request), np.float64)
    rows = np.arange(len(left))
    items, prefix = np.full((len(left), request.slate_size), -1, np.int64), np.ones((len(left), request.slate_size))
    chance = np.ones(len(left))
    for k in range(request.slate_size):
        total = left.sum(1)
        some = total > 0.0
        left[~some, 0] = 1.0  # nothing is left to draw: whatever is drawn, the position stays empty
        place = draw(left, rng)
        items[some, k] = request.candidates[rows, place][some]
        chance[some] *= left[rows, place][some] / total[some]
        prefix[:, k] = chance
        left[rows, place] = 0.0
    return Decision(items, chance, {} if request.slate_size == 1 else {"propensity_prefix": prefix})
