"""The act and update loop over all slots of a vector environment, for agents that do not own their loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.envs.observation import observe
from recenv.envs.state import State
from recenv.protocol import Agent, Feedback, Request
from recenv.sessions import decide, feedback_rows

Progress = Callable[[int, int], None]
"""Called with (user steps done, user steps in all)."""


class Rounds:
    """The loop, run in parts; sessions go on from one part to the next, and from one process to the next.

    Parameters
    ----------
    agent
        Its `act` and `update` are called.
    env
        A `RecSysVectorEnv` that starts sessions anew at the next step (the default).
    """

    def __init__(self, agent: Agent, env: Any) -> None:
        mode = env.metadata.get("autoreset_mode")
        if str(getattr(mode, "value", mode)) != "NextStep":
            raise ValueError(f"env must have autoreset_mode NEXT_STEP (the default), got {mode}")
        self.agent, self.env = agent, env
        self.request: Request | None = None
        self.fresh = np.zeros(env.num_envs, bool)
        self.total, self.length = np.zeros(env.num_envs), np.zeros(env.num_envs, np.int64)

    def learn(
        self, env: Any, steps: int, *, rng: np.random.Generator, progress: Progress | None = None
    ) -> dict[str, float]:
        """Take rounds until `steps` user steps are done.

        Returns
        -------
        dict
            Means over the sessions that ended and over the metrics of the updates; nothing where there were none.
        """
        if self.request is None:
            observation, _ = env.reset(seed=int(rng.integers(2**31)))
            self.request = env.request(observation)
        ended: list[NDArray[np.float64]] = []
        told: dict[str, list[float]] = {}
        done = 0
        while done < steps:
            done += self._round(self.request, rng, ended, told)
            if progress is not None:
                progress(min(done, steps), steps)
        return {**{name: float(np.mean(values)) for name, values in told.items()}, **_means(np.concatenate(ended))}

    def _round(
        self,
        request: Request,
        rng: np.random.Generator,
        sessions: list[NDArray[np.float64]],
        told: dict[str, list[float]],
    ) -> int:
        """Step all slots once; return how many of them gave feedback."""
        decision = decide(self.agent, request, rng)
        observation, reward, terminated, truncated, _ = self.env.step(self.env.actions_of(decision.items))
        following = self.env.request(observation)
        # In the step in which a slot starts anew its action is ignored: nothing can be learned from it.
        live = ~self.fresh
        feedback = Feedback(request, decision, reward, following, terminated, truncated, self.env.responses())
        for name, value in self.agent.update(feedback if live.all() else feedback_rows(feedback, live)).items():
            told.setdefault(name, []).append(value)
        self.total[live] += reward[live]
        self.length[live] += 1
        ended = terminated | truncated
        sessions.append(np.column_stack([self.total[ended], self.length[ended]]))
        self.total[ended], self.length[ended] = 0.0, 0
        self.request, self.fresh = following, ended
        return int(live.sum())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the sessions under way as arrays, to be saved between two parts.

        Raises
        ------
        TypeError
            If the environment cannot tell its state.
        """
        if not (hasattr(self.env, "get_state") and hasattr(self.env, "core")):
            raise TypeError(
                f"{type(self.env).__name__} cannot tell its state, so a training in it has no checkpoints: use "
                "RecSysVectorEnv, or train without checkpoint="
            )
        state = {f"state.{name}": column for name, column in self.env.get_state()._asdict().items()}
        return {**state, "fresh": self.fresh, "total": self.total, "length": self.length}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over what `arrays` returned: the sessions go on where they were."""
        self.env.set_state(State._make(arrays[f"state.{name}"] for name in State._fields))
        self.request = self.env.request(observe(self.env.core))
        self.fresh, self.total, self.length = (arrays[name] for name in ("fresh", "total", "length"))


def _means(sessions: NDArray[np.float64]) -> dict[str, float]:
    """Return the means over finished sessions, given as rows (total reward, length); nothing where none finished."""
    count = len(sessions)
    if not count:
        return {}
    total, length = sessions.sum(axis=0)
    return {
        "session_reward": float(total / count),
        "step_reward": float(total / length),
        "session_length": float(length / count),
        "sessions": count,
    }
