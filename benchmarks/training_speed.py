"""Training speed: user steps a second of recenv's batch loop against Stable-Baselines3's own DQN loop.

    python benchmarks/training_speed.py [--quick] [--device cuda] [--out FILE.json]

Both train the same two-tower Q-network with the same number of gradient steps of the same batch size on the same
world: `dqn` in `recenv.training.train` at 64 users at once, DQN of Stable-Baselines3 with `TowerQPolicy` at one user
and at 64. The loops take turns, and the ratio is the median over turns. Then a profile of the batch loop says where its
time goes. The time of a first short run, which compiles, is not counted.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from result_table import Row, markdown, publish

from recenv.agents.planning.dqn import DQNAgent
from recenv.causal import World
from recenv.envs import EnvConfig, RecSysVectorEnv
from recenv.training import train

USERS, BATCH, EVERY = 64, 256, 16
"""Users at once, rows of a gradient step, user steps from one gradient step to the next."""
STARTS = 256
"""User steps before the first gradient step."""
OURS = f"recenv, {USERS} users"
PARTS = {
    "deciding": ("scoring.py", "act"),
    "the environment's step": ("vector.py", "step"),
    "gradient steps": ("slate_learner.py", "_step"),
    "keeping experience": ("slate_learner.py", "_rows"),
}
"""Part of the loop -> the function that it is spent in, callees included."""


def batch_loop(config: EnvConfig, device: str) -> Callable[[int], int]:
    """Return a run of the batch loop over so many user steps; it returns the gradient steps taken."""
    env = RecSysVectorEnv(USERS, config)
    ratio = BATCH / EVERY
    agent = DQNAgent(env.catalogue, device=device, batch_size=BATCH, replay_ratio=ratio, learning_starts=STARTS)

    def run(steps: int) -> int:
        before = agent.gradient_steps
        train(agent, env, steps, rng=np.random.default_rng(0), eval_every=steps)
        return agent.gradient_steps - before

    return run


def sb3_loop(config: EnvConfig, device: str, users: int) -> Callable[[int], int]:
    """Return the same for Stable-Baselines3's loop."""
    from stable_baselines3 import DQN

    from recenv.agents.planning.sb3_dqn import TowerQPolicy
    from recenv.sb3 import RecSysVecEnv

    env = RecSysVecEnv(users, config)
    model = DQN(
        TowerQPolicy,
        env,
        learning_rate=3e-3,
        batch_size=BATCH,
        buffer_size=100_000,
        learning_starts=STARTS,
        train_freq=max(EVERY // users, 1),
        gradient_steps=max(users // EVERY, 1),
        policy_kwargs={"catalogue": env.catalogue},
        seed=0,
        device=device,
    )

    def run(steps: int) -> int:
        before = model._n_updates
        model.learn(steps, log_interval=1_000_000, reset_num_timesteps=False)
        return int(model._n_updates - before)

    return run


def timed(run: Callable[[int], int], steps: int) -> tuple[float, float]:
    """Return user steps a second, and user steps from one gradient step to the next."""
    begin = time.perf_counter()
    updates = run(steps)
    return steps / (time.perf_counter() - begin), steps / max(updates, 1)


def profile(run: Callable[[int], int], steps: int) -> list[list[str]]:
    """Return the share of each part of the batch loop in its time, as lines of a table."""
    profiler = cProfile.Profile()
    profiler.runcall(run, steps)
    stats = pstats.Stats(profiler)
    total, lines = stats.total_tt, []  # type: ignore[attr-defined]
    for part, (file, function) in PARTS.items():
        spent = sum(
            row[3]
            for (path, _, name), row in stats.stats.items()  # type: ignore[attr-defined]
            if name == function and Path(path).name == file and not (file == "vector.py" and "gymnasium" in path)
        )
        lines.append([part, f"{100.0 * spent / total:.0f}%"])
    return lines


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two short turns, nothing committed")
    parser.add_argument("--device", default="cpu", help="where the networks live: cpu, cuda, ...")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    turns, steps = (2, 1_024) if arguments.quick else (7, 8_192)
    config = EnvConfig(world=World.synthetic(0), horizon=20)
    loops = {OURS: batch_loop(config, arguments.device)}
    loops |= {
        f"Stable-Baselines3, {n} user{'s' if n > 1 else ''}": sb3_loop(config, arguments.device, n) for n in (1, USERS)
    }
    for run in loops.values():
        run(2 * STARTS)
    played: dict[str, list[tuple[float, float]]] = {name: [] for name in loops}
    for _ in range(turns):
        for name, run in loops.items():
            played[name].append(timed(run, steps))
    rows, lines = [], []
    ours = np.array([speed for speed, _ in played[OURS]])
    for name, runs in played.items():
        speed, every = np.array(runs).T
        times = ours / speed
        setting = {"device": arguments.device, "steps": steps, "turns": turns, "steps_an_update": float(every.mean())}
        rows.append(Row(name, "speed", float(np.median(speed)), speed.min(), speed.max(), "user steps/s", setting))
        rows.append(Row(name, "slower_than_recenv", float(np.median(times)), times.min(), times.max(), "x", setting))
        cells = f"{rows[-1].value:.2f} [{rows[-1].low:.2f}, {rows[-1].high:.2f}]"
        lines.append([name, f"{rows[-2].value:,.0f}", f"{every.mean():.1f}", cells])
    headings = ("loop", "user steps/s", "user steps a gradient step", "times as slow as recenv's")
    parts = markdown(("part of the batch loop", "share of its time"), profile(loops[OURS], steps))
    publish(
        "training_speed",
        f"The same network, 500 items, batches of {BATCH}, device {arguments.device}; median [least, most] of {turns} "
        f"turns of {steps:,} user steps.",
        markdown(headings, lines) + "\n\n" + parts,
        rows,
        packages=["recenv", "numpy", "numba", "torch", "stable-baselines3"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
