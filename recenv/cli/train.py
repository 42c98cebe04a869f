"""`recenv train`: an agent learns in a world, or from a log."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from recenv.cli.console import Device, Horizon, Output, Reward, Seed, SlateSize, bar, console, wrote
from recenv.tracking import Logger, TensorBoardLogger, WandbLogger

if TYPE_CHECKING:
    from recenv.learning_curve import LearningCurve


def train_agent(
    agent: Annotated[
        str, typer.Argument(help="A name of `recenv agents`, module:Class or file.py:Class.", show_default=False)
    ],
    world: Annotated[
        str | None,
        typer.Option(help="Folder of a fitted world, or synthetic-SEED; with --log, where items come from."),
    ] = None,
    output: Output = Path("agent"),
    log: Annotated[
        Path | None, typer.Option(help="Learn from this logged feedback (Parquet), not in a world.", show_default=False)
    ] = None,
    gate: Annotated[
        float | None,
        typer.Option(help="Release only if surely (0.95: at 95%) better than what made the log.", show_default=False),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="User steps to learn from; default: the agent's own.", show_default=False)
    ] = None,
    envs: Annotated[int, typer.Option(help="Users at once.")] = 64,
    seed: Seed = 0,
    reward: Reward = "rating",
    horizon: Horizon = 20,
    slate_size: SlateSize = 1,
    device: Device = "cpu",
    validation: Annotated[
        bool, typer.Option("--validation", help="Learn from 80% of the users, measure on another 10%.")
    ] = False,
    patience: Annotated[
        int | None,
        typer.Option(
            help="Stop after so many measurements on the validation users without a better one; keep the best agent.",
            show_default=False,
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Folder of checkpoints, to go on from when stopped.", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the newest checkpoint, or begin anew.")] = True,
    tensorboard: Annotated[
        Path | None, typer.Option(help="Log to this folder for TensorBoard.", show_default=False)
    ] = None,
    wandb: Annotated[
        str | None,
        typer.Option(
            help="Log to this project of Weights & Biases: to files, unless WANDB_MODE=online.", show_default=False
        ),
    ] = None,
) -> None:
    """Train an agent in a world or from a log, and save it (arrays and JSON, nothing executable)."""
    following = {
        "--validation": validation,
        "--patience": patience,
        "--checkpoint": checkpoint,
        "--tensorboard": tensorboard,
        "--wandb": wandb,
    }
    if log is not None:
        _refuse_with_log(following)
        from recenv.cli.train_from_log import train_from_log

        train_from_log(agent, log, output, world=world, gate=gate, seed=seed, device=device)
        return
    if gate is not None:
        raise ValueError("--gate tests a policy that was learned from a log: pass --log feedback.parquet")
    if world is None:
        raise ValueError("an agent learns in a world or from a log: pass --world or --log")
    if checkpoint is not None and output.resolve() in (checkpoint.resolve(), *checkpoint.resolve().parents):
        raise ValueError(f"--checkpoint {checkpoint} is inside -o {output}, which the agent fills: name another folder")
    train_in_world(
        agent,
        world,
        output,
        steps=steps,
        envs=envs,
        seed=seed,
        reward=reward,
        horizon=horizon,
        slate_size=slate_size,
        device=device,
        validation=validation or patience is not None,
        patience=patience,
        checkpoint=checkpoint,
        resume=resume,
        loggers=_loggers(tensorboard, wandb, output.name),
    )


def _refuse_with_log(following: dict[str, Any]) -> None:
    for option, value in following.items():
        if value:
            raise ValueError(f"{option} is for training in a world; an agent that learns from --log does it at once")


def _loggers(tensorboard: Path | None, wandb: str | None, name: str) -> list[Logger]:
    loggers: list[Logger] = [] if tensorboard is None else [TensorBoardLogger(tensorboard)]
    if wandb is not None:
        loggers.append(WandbLogger(wandb, mode=os.environ.get("WANDB_MODE", "offline"), name=name))
    return loggers


def train_in_world(
    agent: str,
    world: str,
    output: Path,
    *,
    steps: int | None,
    envs: int,
    seed: int,
    reward: str,
    horizon: int,
    device: str,
    slate_size: int = 1,
    validation: bool = False,
    patience: int | None = None,
    checkpoint: Path | None = None,
    resume: bool = True,
    loggers: Sequence[Logger] = (),
) -> None:
    """Train an agent on the users of a world and save it with its learning curve."""
    from recenv.agents.finding import make_agent
    from recenv.cli.worlds import held_out_world
    from recenv.envs import EnvConfig, RecSysVectorEnv
    from recenv.training import default_steps, train

    config = EnvConfig(
        world=held_out_world(world),
        reward=reward,
        horizon=horizon,
        slate_size=slate_size,
        users="train" if validation else "all",
    )
    env = RecSysVectorEnv(envs, config)
    learner: Any = make_agent(agent, env.catalogue, seed=seed, device=device)
    with bar(f"Training {agent}") as advance:
        curve = train(
            learner,
            env,
            default_steps(learner) if steps is None else steps,
            rng=np.random.default_rng([seed, 50]),
            progress=advance,
            eval_env=dataclasses.replace(config, users="validation") if validation else None,
            checkpoint=checkpoint,
            resume=resume,
            patience=patience,
            loggers=loggers,
        )
    learner.save(output)
    _write_curve(curve, output, agent)
    console.print(curve.summary(), highlight=False)
    if curve.best_step != curve.done and patience is not None:
        console.print(f"Kept: the agent after {curve.best_step:,} user steps, its best", highlight=False)
    wrote(output, f"agent {agent}")


def _write_curve(curve: LearningCurve, folder: Path, agent: str) -> None:
    """Write the learning curve beside the agent as CSV, JSON and, where something was measured, as a picture."""
    curve.to_csv(folder / "learning_curve.csv")
    curve.to_json(folder / "learning_curve.json")
    points = curve.for_report()
    if not points[0]:
        return
    from recenv.report.learning_plot import learning_figure
    from recenv.report.picture import render
    from recenv.storage import atomic_file

    figure = learning_figure({agent: points}, unit=f"reward a session ({curve.measured})")
    with atomic_file(folder / "learning_curve.png") as temporary:
        temporary.write_bytes(render("learning_curve", curve.summary(), figure).png)
