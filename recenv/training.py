"""Train an agent on many users at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.learning_curve import LearningCurve
from recenv.protocol import Agent, Feedback, Request
from recenv.sessions import Sessions, env_actions, evaluate_sessions, feedback_rows, request_rows

__all__ = [
    "LearningCurve",
    "Sessions",
    "default_steps",
    "env_actions",
    "evaluate_sessions",
    "feedback_rows",
    "request_rows",
    "train",
]

Progress = Callable[[int, int], None]
"""Called with (user steps done, user steps in all)."""
STEPS_OF_A_STRANGER = 100_000
"""Training budget of an agent that does not say its own."""
MEASUREMENTS = 10
"""Points of a learning curve where `eval_every` is not given."""


def default_steps(agent: Any) -> int:
    """Return the user steps that an agent is trained for by default: its own `training_steps`, if it has them."""
    return int(getattr(agent, "training_steps", STEPS_OF_A_STRANGER))


def train(
    agent: Agent,
    env: Any,
    steps: int,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
    eval_env: Any = None,
    eval_every: int | None = None,
    eval_seed: int = 0,
) -> LearningCurve:
    """Train for about `steps` user steps (whole rounds of all users), and return the learning curve.

    Parameters
    ----------
    agent
        Its own `learn(env, steps, rng=, progress=)` is used where it has one, else `act` and `update`.
    env
        A `RecSysVectorEnv` that starts sessions anew at the next step (the default); seeds come from `rng`.
    steps
        User steps: one item (or slate) shown to one user. 0 trains nothing.
    rng
        All randomness of the training but the agent's own.
    progress
        Called with the user steps done and in all.
    eval_env
        Environment (or `EnvConfig`) whose users, all of them, are run greedily at each measurement.
    eval_every
        User steps between measurements; None measures ten times.
    eval_seed
        Seed of the evaluation's noise, the same at each measurement.

    Raises
    ------
    ValueError
        If `steps` is negative, `eval_every` below 1, or the environment starts sessions anew in another way.
    """
    if steps < 0 or (eval_every is not None and eval_every < 1):
        raise ValueError(f"steps must be 0 or more and eval_every 1 or more, got {steps} and {eval_every}")
    learn = getattr(agent, "learn", None) or _Rounds(agent, env).learn
    every = eval_every or max(-(-steps // MEASUREMENTS), 1)
    points = []
    for done in range(0, steps, every):
        share = min(every, steps - done)
        metrics = learn(env, share, rng=rng, progress=_shifted(progress, done, steps))
        points.append((done + share, *_measured(agent, eval_env, eval_seed, metrics or {})))
    measured = "training" if eval_env is None else "evaluation"
    at, session_reward, step_reward, length, count = zip(*points, strict=True) if points else [()] * 5
    return LearningCurve(at, session_reward, step_reward, length, count, measured)


class _Rounds:
    """The act and update loop over all slots, run in parts; sessions go on from one part to the next."""

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
        """Take rounds until `steps` user steps are done; return means over the sessions that ended."""
        if self.request is None:
            observation, _ = env.reset(seed=int(rng.integers(2**31)))
            self.request = env.request(observation)
        ended: list[NDArray[np.float64]] = []
        done = 0
        while done < steps:
            done += self._round(self.request, rng, ended)
            if progress is not None:
                progress(min(done, steps), steps)
        return _session_means(np.concatenate(ended))

    def _round(self, request: Request, rng: np.random.Generator, sessions: list[NDArray[np.float64]]) -> int:
        """Step all slots once; return how many of them gave feedback."""
        decision = self.agent.act(request, rng=rng, explore=True)
        observation, reward, terminated, truncated, _ = self.env.step(env_actions(decision))
        following = self.env.request(observation)
        # In the step in which a slot starts anew its action is ignored: nothing can be learned from it.
        live = ~self.fresh
        feedback = Feedback(request, decision, reward, following, terminated, truncated)
        self.agent.update(feedback if live.all() else feedback_rows(feedback, live))
        self.total[live] += reward[live]
        self.length[live] += 1
        ended = terminated | truncated
        sessions.append(np.column_stack([self.total[ended], self.length[ended]]))
        self.total[ended], self.length[ended] = 0.0, 0
        self.request, self.fresh = following, ended
        return int(live.sum())


def _session_means(sessions: NDArray[np.float64]) -> dict[str, float]:
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


def _measured(agent: Any, eval_env: Any, seed: int, metrics: dict[str, float]) -> tuple[float, float, float, int]:
    """Return session reward, step reward, session length and how many sessions: evaluated, or as met in training."""
    if eval_env is not None:
        sessions = evaluate_sessions(agent, eval_env, seed=seed)
        return sessions.session_reward, sessions.step_reward, float(sessions.length.mean()), len(sessions.user)
    means = [float(metrics.get(name, math.nan)) for name in ("session_reward", "step_reward", "session_length")]
    return means[0], means[1], means[2], int(metrics.get("sessions", 0))


def _shifted(progress: Progress | None, done: int, steps: int) -> Progress | None:
    """Return a progress that counts on from `done`, for one part of the whole."""
    if progress is None:
        return None
    return lambda part, _: progress(done + part, steps)
