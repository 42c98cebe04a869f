"""A logging policy that sees what the log does not: the hidden mood drives both what is shown and the response.

Wrapped around any policy, it is the dial behind `collect(confounding=c)`. It needs the mood, so it runs in a simulated
world only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.protocol import Decision, Policy, Request

ORACLE = "propensity_oracle"
"""Where the probability given the mood is kept, in `Decision.extra` and as a column of the log."""


class ConfoundedPolicy:
    """A policy whose logits gain c * tanh(mood) * comfort[a]; it reports the probability without that term.

    `Decision.probability` is the nominal one, pi(a | request): what the team that wrote the policy believes and logs.
    `Decision.extra["propensity_oracle"]` is the one that acted, pi_c(a | request, mood) in proportion to
    pi(a | request) * exp(c * tanh(mood) * comfort[a]). Averaged over moods pi_c is pi up to terms in c^2, not exactly.

    Parameters
    ----------
    policy
        Has `probabilities(request)`; the mood tilts them.
    env
        The environment it will act in, a `RecSysVectorEnv`: its hidden mood is read before each step.
    strength
        c; 0 leaves the policy's probabilities as they are.
    """

    def __init__(self, policy: Any, env: Any, strength: float) -> None:
        if not isinstance(policy, Policy):
            raise TypeError(
                f"confounding tilts a policy's probabilities, and {type(policy).__name__} has no probabilities(): "
                "give it that method, or pass 0"
            )
        if not np.isfinite(strength):
            raise ValueError(f"confounding must be a finite number, got {strength}")
        self.policy = policy
        self.strength = float(strength)
        self._env = env

    def probabilities(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) the nominal probabilities: those of the policy itself."""
        return self.policy.probabilities(request)

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Draw one item for each of B users, given their moods now; a log without exploration is refused."""
        if not explore:
            raise ValueError("confounding needs explore=True: without exploration there are no probabilities to tilt")
        nominal = self.probabilities(request)
        tilt = mood_tilt(self._env.core.state.mood, self._env.world.comfort, request.candidates, self.strength)
        acting = tilted(nominal, tilt)
        rows, place = np.arange(len(acting)), draw(acting, rng)
        return Decision(request.candidates[rows, place][:, None], nominal[rows, place], {ORACLE: acting[rows, place]})


def mood_tilt(
    mood: NDArray[np.float64], comfort: NDArray[np.float64], candidates: NDArray[np.int64], strength: float
) -> NDArray[np.float64]:
    """Return (B, C) c * tanh(mood) * comfort[a], what the mood (B,) adds to the logit of each candidate."""
    tilt: NDArray[np.float64] = strength * np.tanh(mood)[:, None] * comfort[candidates]
    return tilt


def tilted(probabilities: NDArray[np.float64], tilt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (B, C) probabilities * exp(tilt), each row summing to 1; a probability of 0 stays 0."""
    weight = probabilities * np.exp(tilt - tilt.max(1, keepdims=True))
    acting: NDArray[np.float64] = weight / weight.sum(1, keepdims=True)
    return acting


def draw(probabilities: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return (B,) columns drawn with these probabilities (B, C); one with probability 0 is never drawn."""
    cumulative = np.cumsum(probabilities, axis=1)
    # The last sum is 1 up to rounding: draw below it.
    below = rng.random(len(cumulative)) * cumulative[:, -1]
    place: NDArray[np.int64] = (cumulative <= below[:, None]).sum(1)
    return place


def odds_ratio(oracle: NDArray[np.float64], nominal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) the true odds ratio of each decision, with the mood against without; 1 where it was certain.

    [oracle / (1 - oracle)] / [nominal / (1 - nominal)], the quantity that the marginal sensitivity model bounds (Tan
    2006, `tan2006distributional`). Under `ConfoundedPolicy` it lies within exp(-2 |c|) and exp(2 |c|), since comfort
    lies in [-1, 1].
    """
    free = nominal < 1.0
    ratio = np.ones(len(nominal))
    with np.errstate(divide="ignore"):  # a mood so strong that it decides alone
        ratio[free] = oracle[free] * (1.0 - nominal[free]) / (nominal[free] * (1.0 - oracle[free]))
    return ratio
