"""Train an agent on many users at once: with checkpoints, early stopping and loggers."""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recenv.batching import as_vector_env
from recenv.checkpoints import Checkpoints, settings_of
from recenv.learning_curve import COLUMNS, LearningCurve
from recenv.protocol import Agent
from recenv.rounds import Progress, Rounds
from recenv.sessions import Sessions, env_actions, evaluate_sessions, feedback_rows, request_rows
from recenv.tracking import Logger

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
    checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None,
    resume: bool = True,
    patience: int | None = None,
    loggers: Sequence[Logger] = (),
) -> LearningCurve:
    """Train for about `steps` user steps (whole rounds of all users), and return the learning curve.

    Parameters
    ----------
    agent
        Its own `learn(env, steps, rng=, progress=)` is used where it has one, else `act` and `update`.
    env
        A `RecSysVectorEnv` that starts sessions anew at the next step (the default), or a single environment, of which
        one with 64 users is made; seeds come from `rng`.
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
    checkpoint
        Folder of checkpoints (see `recenv.checkpoints`). A training that was killed and is called again in the same
        way, with a fresh agent and generator, goes on from the newest one and ends with the same result, bit for bit.
    checkpoint_every
        User steps from one checkpoint to the next; it is written at the first measurement after that. None: at each.
    resume
        Whether to go on from the folder's newest checkpoint; False removes those there and begins anew.
    patience
        Stop after this many measurements without a higher session reward, and leave the agent as it was at its best
        one. Measure on users that it does not learn from: `users="train"` in `env`, `users="validation"` in `eval_env`.
    loggers
        Each is told the numbers of each measurement, and closed at the end (see `recenv.tracking`).

    Raises
    ------
    ValueError
        If a budget is impossible, `patience` is given without `eval_env`, the environment starts sessions anew in
        another way, or the checkpoint is of another training.
    TypeError
        If the agent cannot be saved and loaded, and checkpoints or patience need it; or if `agent` is none, or `rng` is
        no generator.
    """
    _check_parts(agent, rng)
    steps = _check_budgets(steps, eval_every, checkpoint_every, patience)
    if patience is not None and eval_env is None:
        raise ValueError('patience needs eval_env to measure on, such as EnvConfig(..., users="validation")')
    env = as_vector_env(env)
    every = eval_every or max(-(-steps // MEASUREMENTS), 1)
    rounds = None if callable(getattr(agent, "learn", None)) else Rounds(agent, env)
    learn = agent.learn if rounds is None else rounds.learn  # type: ignore[attr-defined]
    curve = LearningCurve((), (), (), (), (), "training" if eval_env is None else "evaluation")
    with contextlib.ExitStack() as stack:
        for logger in loggers:
            stack.callback(logger.close)
        kept = None
        if checkpoint is not None or patience is not None:
            budgets = {"steps": steps, "eval_every": every, "eval_seed": eval_seed, "patience": patience}
            settings = settings_of(agent, env, rng=rng, eval_env=eval_env, **budgets)
            # The best agent is kept even where nobody asked for checkpoints.
            folder = checkpoint if checkpoint is not None else stack.enter_context(tempfile.TemporaryDirectory())
            kept = Checkpoints(
                folder, settings, agent, rounds, rng, every=checkpoint_every or 0, best=patience is not None
            )
            curve = kept.begin(curve, resume=resume)
        while not _is_over(curve, steps, patience):
            share = min(every, steps - curve.done)
            metrics = learn(env, share, rng=rng, progress=_shifted(progress, curve.done, steps)) or {}
            curve = curve.with_point(curve.done + share, *_measured(agent, eval_env, eval_seed, metrics))
            for logger in loggers:
                logger.log(curve.done, _numbers(curve, metrics))
            if kept is not None:
                kept.keep(curve, last=_is_over(curve, steps, patience))
        if kept is not None:
            kept.end(curve)
    return curve


def _check_parts(agent: Any, rng: Any) -> None:
    if isinstance(agent, type) or not any(callable(getattr(agent, name, None)) for name in ("act", "learn")):
        raise TypeError(f"agent must be an agent, got {agent!r}: make it first, make_agent({agent!r}, env.catalogue)")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {rng!r}: pass np.random.default_rng(seed)")


def _check_budgets(steps: float, eval_every: int | None, checkpoint_every: int | None, patience: int | None) -> int:
    """Return `steps` as a whole number, which 1e6 is too."""
    if steps < 0 or (eval_every is not None and eval_every < 1):
        raise ValueError(f"steps must be 0 or more and eval_every 1 or more, got {steps} and {eval_every}")
    if steps != math.floor(steps):
        raise ValueError(f"steps must be a whole number, got {steps}")
    for name, value in (("checkpoint_every", checkpoint_every), ("patience", patience)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be 1 or more, got {value}")
    return int(steps)


def _is_over(curve: LearningCurve, steps: int, patience: int | None) -> bool:
    return curve.done >= steps or (patience is not None and curve.since_best >= patience)


def _numbers(curve: LearningCurve, metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the last measurement as `training/...` or `evaluation/...`, and what the agent tells as `agent/...`."""
    told = {f"{'training' if name in COLUMNS else 'agent'}/{name}": float(value) for name, value in metrics.items()}
    last = {f"{curve.measured}/{name}": float(getattr(curve, name)[-1]) for name in COLUMNS if name != "steps"}
    return {name: value for name, value in {**told, **last}.items() if not math.isnan(value)}


def _measured(agent: Any, eval_env: Any, seed: int, metrics: Mapping[str, float]) -> tuple[float, float, float, int]:
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
