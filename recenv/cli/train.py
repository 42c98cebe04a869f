"""`recenv train`: an agent learns in a world."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from recenv.cli.console import Device, Horizon, Output, Reward, Seed, WorldFolder, bar, console, wrote


def train_agent(
    agent: Annotated[
        str, typer.Argument(help="A name of `recenv agents`, module:Class or file.py:Class.", show_default=False)
    ],
    world: WorldFolder,
    output: Output = Path("agent"),
    steps: Annotated[
        int | None, typer.Option(help="User steps to learn from; default: the agent's own.", show_default=False)
    ] = None,
    envs: Annotated[int, typer.Option(help="Users at once.")] = 64,
    seed: Seed = 0,
    reward: Reward = "rating",
    horizon: Horizon = 20,
    device: Device = "cpu",
) -> None:
    """Train an agent in a world and save it (arrays and JSON, nothing executable)."""
    from recenv.agents.finding import make_agent
    from recenv.cli.worlds import held_out_world
    from recenv.envs import EnvConfig, RecSysVectorEnv
    from recenv.training import default_steps, train

    env = RecSysVectorEnv(envs, EnvConfig(world=held_out_world(world), reward=reward, horizon=horizon))
    learner = make_agent(agent, env.catalogue, seed=seed, device=device)
    with bar(f"Training {agent}") as advance:
        curve = train(
            learner, env, steps or default_steps(learner), rng=np.random.default_rng([seed, 50]), progress=advance
        )
    learner.save(output)
    curve.to_csv(output / "learning_curve.csv")
    console.print(curve.summary(), highlight=False)
    wrote(output, f"agent {agent}")
