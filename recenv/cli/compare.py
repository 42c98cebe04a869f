"""`recenv compare`: what would these policies have earned? From a log to a report."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from recenv.cli.console import Device, Output, Seed, bar, console, wrote

if TYPE_CHECKING:
    from recenv.causal.world import World

TRUTH_SEED = 1_000_000
"""Added to the seed of truths, so that they do not share their noise with the log."""


def compare_policies(
    feedback: Annotated[Path, typer.Argument(help="Logged feedback (Parquet).", show_default=False)],
    policy: Annotated[
        list[str], typer.Option(help="LABEL=SPEC: a trained agent's folder or an agent's name.", show_default=False)
    ],
    output: Output = Path("report"),
    world: Annotated[
        str | None, typer.Option(help="The world of the log: item features and the truth.", show_default=False)
    ] = None,
    logged_by: Annotated[
        str | None, typer.Option(help="The policy that made the log: adds the one-step truth.", show_default=False)
    ] = None,
    estimators: Annotated[str, typer.Option(help="Names, separated by commas.")] = "ips,snips,dm,dr",
    interval: Annotated[
        str, typer.Option(help="bootstrap, bca or student; the bounds need a known range and are for the library.")
    ] = "bootstrap",
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    truth_rounds: Annotated[int, typer.Option(help="Sessions of every user for the truth; 0 leaves it out.")] = 1,
    seed: Seed = 0,
    device: Device = "cpu",
) -> None:
    """Compare policies on a log, with intervals, diagnostics and a verdict, and write a report."""
    from recenv.cli.policies import named_policies, one_policy
    from recenv.feedback import LoggedFeedback

    log = LoggedFeedback.read(feedback)
    opened = None if world is None else open_world(world)
    catalogue = None if opened is None else session_env(opened, log.meta).catalogue
    policies = named_policies(policy, catalogue, seed=seed, device=device)
    logger = None if logged_by is None else one_policy(logged_by, catalogue, seed=seed, device=device)
    truths = Truths({}, {})
    if opened is not None and truth_rounds > 0:
        truths = find_truths(opened, log.meta, policies, logger, rounds=truth_rounds, seed=seed)
    report = write_comparison(
        log,
        policies,
        output,
        world=opened,
        truths=truths,
        estimators=tuple(name.strip() for name in estimators.split(",")),
        interval=interval,
        confidence=confidence,
        seed=seed,
        context={"command": shown_command(), "seed": seed},
    )
    wrote(report, "report")


def open_world(source: str) -> World:
    """Return the world in which logs are made: only its second part is replayed."""
    from recenv.cli.worlds import held_out_world

    return held_out_world(source)


def session_env(world: World, meta: Any, batch: int = 1) -> Any:
    """Return the environment that a log's metadata describes."""
    from recenv.envs import EnvConfig, RecSysVectorEnv

    known = {name: meta[name] for name in ("horizon", "reward", "feedback", "repeat") if name in meta}
    return RecSysVectorEnv(batch, EnvConfig(world=world, **known))


class Truths:
    """What the world knows of policies: the value of one step, and of whole sessions."""

    def __init__(self, one_step: dict[str, Any], sessions: dict[str, Any]) -> None:
        self.one_step = one_step
        self.sessions = sessions


def find_truths(world: World, meta: Any, policies: Any, logger: Any, *, rounds: int, seed: int) -> Truths:
    """Return truths under fresh noise, the same for every policy."""
    from recenv.envs.truth import one_step_truth
    from recenv.training import evaluate_sessions

    env, users = session_env(world, meta, world.n_users), np.arange(world.n_users)
    sessions = {}
    with bar("Whole sessions of each policy") as advance:
        for place, (name, policy) in enumerate(policies.items()):
            found = evaluate_sessions(policy, env, users, rounds=rounds, seed=seed + TRUTH_SEED, explore=True)
            sessions[name] = found.for_report()
            advance(place + 1, len(policies), name)
    one_step = {}
    if logger is not None:
        with bar("One-step truth") as advance:
            one_step = one_step_truth(
                env, logger, policies, rounds=rounds, seed=seed + 2 * TRUTH_SEED, users=users, progress=advance
            )
    return Truths(one_step, sessions)


def write_comparison(
    log: Any,
    policies: Any,
    output: Path,
    *,
    world: World | None,
    truths: Truths,
    estimators: tuple[str, ...],
    interval: str,
    confidence: float,
    seed: int,
    context: dict[str, Any],
) -> Path:
    """Evaluate, print the verdict and write the report; return the path of its HTML file."""
    from recenv.ope import evaluate

    truth = {
        name: {
            **({"one_step": tuple(truths.one_step[name])} if name in truths.one_step else {}),
            **({"policy_value": _with_error(truths.sessions[name])} if name in truths.sessions else {}),
        }
        for name in policies
    }
    comparison = evaluate(
        log,
        policies,
        estimators=estimators,
        interval=interval,
        confidence=confidence,
        item_features=None if world is None else world.item_features,
        truth={name: found for name, found in truth.items() if found} or None,
        seed=seed,
        sensitivity=True,
    )
    from recenv.report import describe_machine, verdict_lines

    lines = verdict_lines(comparison, unit=context.get("reward_unit", ""), sessions=truths.sessions)
    made = {"machine": describe_machine(), "created": datetime.now(UTC).isoformat(timespec="seconds")}
    report: Path = comparison.report(output, world=world, sessions=truths.sessions, verdict=lines, **made, **context)
    for line in lines:
        console.print(f"- {line}", highlight=False, soft_wrap=True, markup=False)
    return report


def _with_error(session: dict[str, float]) -> tuple[float, float]:
    return session["value"], (session["high"] - session["low"]) / (2 * 1.96)


def shown_command() -> str:
    """Return the command as the user typed it."""
    import shlex

    return shlex.join(["recenv", *sys.argv[1:]])
