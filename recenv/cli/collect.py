"""`recenv collect`: a policy serves the users of a world, and the log is written down."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from recenv.cli.console import Device, Horizon, Output, Reward, Seed, SlateSize, WorldFolder, bar, console, wrote


def collect_log(
    world: WorldFolder,
    policy: Annotated[str, typer.Option(help="Folder of a trained agent, or an agent's name.", show_default=False)],
    output: Output = Path("feedback.parquet"),
    rounds: Annotated[int, typer.Option(help="Sessions of every user.")] = 1,
    seed: Seed = 0,
    reward: Reward = "rating",
    horizon: Horizon = 20,
    slate_size: SlateSize = 1,
    confounding: Annotated[
        float, typer.Option(help="How strongly the policy follows a mood that the log does not show; 0: not at all.")
    ] = 0.0,
    device: Device = "cpu",
) -> None:
    """Collect logged feedback with the probability of every decision."""
    from recenv.cli.policies import named_policies
    from recenv.cli.worlds import held_out_world
    from recenv.envs import EnvConfig, RecSysVectorEnv
    from recenv.feedback import collect

    opened = held_out_world(world)
    config = EnvConfig(world=opened, reward=reward, horizon=horizon, slate_size=slate_size)
    env = RecSysVectorEnv(opened.n_users, config)
    ((label, agent),) = named_policies([policy], env.catalogue, seed=seed, device=device).items()
    with bar(f"Collecting with {label}") as advance:
        log = collect(
            env,
            agent,
            rounds=rounds,
            seed=seed,
            users=np.arange(opened.n_users),
            policy_name=label,
            confounding=confounding,
            progress=lambda done, total: advance(done, total, f"{done}/{total} rounds"),
        )
    log.save(output)
    console.print(
        f"{len(log):,} decisions in {log.episodes:,} sessions, mean reward {log.reward.mean():.3f}", highlight=False
    )
    if confounding:
        ratio = log.odds_ratio()
        console.print(f"Hidden mood: odds of the decisions off by {ratio.min():.2f} to {ratio.max():.2f} times")
    wrote(output, "feedback")
