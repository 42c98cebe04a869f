"""`recenv compare`: what would these policies have earned? From a log to a report."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from recenv.cli.console import Device, Output, Seed, bar, console, wrote
from recenv.cli.groups import ITEM_HELP, USER_HELP, item_groups, user_groups
from recenv.cli.own_log import Column, Observation, read_own_log
from recenv.cli.replicated_worlds import replicated_worlds

if TYPE_CHECKING:
    from recenv.causal.world import World
    from recenv.groups import Groups

TRUTH_SEED = 1_000_000
"""Added to the seed of truths, so that they do not share their noise with the log."""


def compare_policies(
    feedback: Annotated[Path, typer.Argument(help="Logged feedback (Parquet or CSV).", show_default=False)],
    policy: Annotated[
        list[str],
        typer.Option(
            help="LABEL=SPEC: a trained agent's folder, an agent's name, module:Class or file.py:Class.",
            show_default=False,
        ),
    ],
    output: Output = Path("report"),
    column: Column = None,
    observation: Observation = None,
    propensity: Annotated[
        str | None,
        typer.Option(help="A log without propensities: estimate them, by shares or logistic.", show_default=False),
    ] = None,
    world: Annotated[
        str | None, typer.Option(help="The world of the log: item features and the truth.", show_default=False)
    ] = None,
    logged_by: Annotated[
        str | None, typer.Option(help="The policy that made the log: adds the one-step truth, and what slates lack.")
    ] = None,
    estimators: Annotated[
        str | None, typer.Option(help="Names, separated by commas; those that suit the log.", show_default=False)
    ] = None,
    interval: Annotated[
        str, typer.Option(help="bootstrap, bca or student; the bounds need a known range and are for the library.")
    ] = "bootstrap",
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    gamma: Annotated[float, typer.Option(help="Estimators of sessions: discount of a step.")] = 1.0,
    horizon: Annotated[
        int | None, typer.Option(help="Estimators of sessions: steps of a session.", show_default="the log's")
    ] = None,
    item_group: Annotated[str | None, typer.Option(help=ITEM_HELP, show_default=False)] = None,
    user_group: Annotated[str | None, typer.Option(help=USER_HELP, show_default=False)] = None,
    truth_rounds: Annotated[int, typer.Option(help="Sessions of every user for the truth; 0 leaves it out.")] = 1,
    reliability: Annotated[
        int,
        typer.Option(
            help="Logs to make of each of three worlds, to choose the estimator that errs least there; 0: none."
        ),
    ] = 0,
    seed: Seed = 0,
    device: Device = "cpu",
) -> None:
    """Compare policies on a log, with intervals, diagnostics and a verdict, and write a report."""
    from recenv.cli.policies import named_policies, one_policy
    from recenv.cli.train_from_log import log_catalogue

    log = read_own_log(feedback, column or (), observation)
    asked = None if estimators is None else tuple(name.strip() for name in estimators.split(","))
    if asked is not None:
        refuse_unsuited(log, asked, interval)
    opened = None if world is None else open_world(world)
    catalogue = None if opened is None else session_env(opened, log.meta).catalogue
    if opened is not None and "item_names" in log.meta:
        raise ValueError("the log names its items by text, a world knows them by number: give the world's item ids")
    policies = named_policies(policy, catalogue, seed=seed, device=device, of_log=log_catalogue(log))
    logger = (
        None
        if logged_by is None
        else one_policy(logged_by, catalogue, seed=seed, device=device, of_log=log_catalogue(log))
    )
    replicate = replicated_worlds(opened, log, logger, policies, seed=seed + TRUTH_SEED) if reliability else None
    items = None if item_group is None else item_groups(item_group, opened, log.n_items)
    if opened is not None and truth_rounds > 0:
        users = None if user_group is None else user_groups(user_group, opened)
        truths = find_truths(
            opened, log.meta, policies, logger, rounds=truth_rounds, seed=seed, items=items, users=users
        )
    else:
        truths = Truths({}, {}, logged_fairness(log, policies, items, user_group))
    report = write_comparison(
        log,
        policies,
        output,
        world=opened,
        truths=truths,
        estimators=asked,
        logger=logger if log.has_slates or log.propensity_kind == "missing" else None,
        propensity_model=estimated_propensities(log, propensity, logger, seed),
        sessions={"gamma": gamma, "horizon": horizon},
        reliability={"select": "reliability", "replicate": replicate, "replications": reliability}
        if reliability
        else {},
        interval=interval,
        confidence=confidence,
        seed=seed,
        context={"command": shown_command(), "seed": seed},
    )
    wrote(report, "report")


def estimated_propensities(log: Any, how: str | None, logger: Any, seed: int) -> Any:
    """Return a model of the logging policy, cross-fitted by user and calibrated; None where it is not needed.

    Raises
    ------
    ValueError
        If the log lacks propensities and nothing says how to come by them, or `how` is unknown or needless.
    """
    from recenv.ope import ClassifierPropensity, ItemSharePropensity, cross_fit_propensity

    missing = log.propensity_kind == "missing"
    if how is None:
        if missing and logger is None:
            raise ValueError(
                "the log has no propensities: pass --logged-by, the policy that made it, or --propensity shares (what "
                "was shown did not depend on the user) or logistic (it depended on --observation); every number is "
                "then marked as resting on estimates"
            )
        return None
    if how not in ("shares", "logistic"):
        raise ValueError(f"--propensity must be shares or logistic, not {how!r}")
    if not missing:
        raise ValueError(f"--propensity {how} is for a log without propensities; this one has them")
    if how == "shares":
        return cross_fit_propensity(log, ItemSharePropensity(), seed=seed)
    if not log.observation:
        raise ValueError("--propensity logistic needs what the logging policy saw: name the columns in --observation")
    from sklearn.linear_model import LogisticRegression

    return cross_fit_propensity(log, ClassifierPropensity(LogisticRegression(max_iter=1000)), seed=seed)


def refuse_unsuited(log: Any, estimators: tuple[str, ...], interval: str) -> None:
    """Refuse estimators that are unknown or of another kind of log, before sessions are simulated for the truth."""
    from recenv.ope.evaluate_inputs import check_kind, choose, kind_of

    check_kind(kind_of(log), choose(estimators, {}, interval))


def logged_fairness(log: Any, policies: Any, items: Groups | None, user_group: str | None) -> dict[str, Any]:
    """Return what a log alone tells of fairness: the exposure that each policy would have given in its decisions.

    Raises
    ------
    ValueError
        If outcomes by user group are asked for: they are those of whole sessions in a world.
    """
    from recenv.fairness import exposure_in_log

    if user_group is not None:
        raise ValueError("--user-group reports whole sessions in a world: pass --world, and --truth-rounds 1 or more")
    if items is None:
        return {}
    return {name: exposure_in_log(log, policy, items).for_report() for name, policy in policies.items()}


def open_world(source: str) -> World:
    """Return the world in which logs are made: only its second part is replayed."""
    from recenv.cli.worlds import held_out_world

    return held_out_world(source)


def session_env(world: World, meta: Any, batch: int = 1) -> Any:
    """Return the environment that a log's metadata describes."""
    from recenv.envs import EnvConfig, RecSysVectorEnv

    names = ("horizon", "reward", "feedback", "repeat", "slate_size", "candidates")
    known = {name: meta[name] for name in names if name in meta}
    return RecSysVectorEnv(batch, EnvConfig(world=world, **known))


class Truths:
    """What the world knows of policies: the value of one step, of whole sessions, and who is shown and served."""

    def __init__(
        self, one_step: dict[str, Any], sessions: dict[str, Any], fairness: dict[str, Any] | None = None
    ) -> None:
        self.one_step = one_step
        self.sessions = sessions
        self.fairness = fairness or {}


def find_truths(
    world: World,
    meta: Any,
    policies: Any,
    logger: Any,
    *,
    rounds: int,
    seed: int,
    items: Groups | None = None,
    users: Groups | None = None,
) -> Truths:
    """Return truths under fresh noise, the same for every policy; fairness where groups are given."""
    from recenv.envs.truth import one_step_truth
    from recenv.fairness import Watched
    from recenv.training import evaluate_sessions

    env, everyone = session_env(world, meta, world.n_users), np.arange(world.n_users)
    sessions, fairness = {}, {}
    with bar("Whole sessions of each policy") as advance:
        for place, (name, policy) in enumerate(policies.items()):
            watched = Watched(policy, items)
            found = evaluate_sessions(watched, env, everyone, rounds=rounds, seed=seed + TRUTH_SEED, explore=True)
            sessions[name] = found.for_report()
            if items is not None or users is not None:
                fairness[name] = watched.fairness(found.user, found.reward, users).for_report()
            advance(place + 1, len(policies), name)
    one_step = {}
    if logger is not None:
        with bar("One-step truth") as advance:
            one_step = one_step_truth(
                env, logger, policies, rounds=rounds, seed=seed + 2 * TRUTH_SEED, users=everyone, progress=advance
            )
    return Truths(one_step, sessions, fairness)


def write_comparison(
    log: Any,
    policies: Any,
    output: Path,
    *,
    world: World | None,
    truths: Truths,
    estimators: tuple[str, ...] | None,
    interval: str,
    confidence: float,
    seed: int,
    context: dict[str, Any],
    logger: Any = None,
    propensity_model: Any = None,
    sessions: Mapping[str, Any] | None = None,
    reliability: Mapping[str, Any] | None = None,
) -> Path:
    """Evaluate (estimators None: those that suit the log), print the verdict and return the path of the report."""
    from recenv.ope import evaluate
    from recenv.ope.evaluate_inputs import suited

    asked = sessions or {}
    same = asked.get("gamma", 1.0) == 1 and asked.get("horizon") in (None, log.meta.get("horizon"))
    truth = {
        name: {
            **({"one_step": tuple(truths.one_step[name])} if name in truths.one_step else {}),
            **({"policy_value": _with_error(truths.sessions[name])} if name in truths.sessions and same else {}),
        }
        for name in policies
    }
    comparison = evaluate(
        log,
        policies,
        estimators=estimators or suited(log, logger),
        loggers=logger,
        propensity_model=propensity_model,
        **asked,
        **(reliability or {}),
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
    known = {"world": world, "sessions": truths.sessions, "fairness": truths.fairness, "verdict": lines}
    report: Path = comparison.report(output, **known, **made, **context)
    for line in lines:
        console.print(f"- {line}", highlight=False, soft_wrap=True, markup=False)
    return report


def _with_error(session: dict[str, float]) -> tuple[float, float]:
    return session["value"], (session["high"] - session["low"]) / (2 * 1.96)


def shown_command() -> str:
    """Return the command as the user typed it."""
    import shlex

    return shlex.join(["recenv", *sys.argv[1:]])
