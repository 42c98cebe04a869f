"""An agent learns from logged feedback, and is released or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import typer

from recenv.cli.console import console, wrote
from recenv.cli.gate_ledger import GateLedger
from recenv.cli.own_log import read_own_log
from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.protocol import Catalogue
from recenv.storage import write_json

REFUSED = "-refused"
"""Added to the name of the folder of an agent that is not released."""


def train_from_log(
    name: str, log: Path, output: Path, *, world: str | None, gate: float | None, seed: int, device: str
) -> None:
    """Fit an agent to a log and save it; with a gate, to one part of the users, and under another name if refused.

    Raises
    ------
    ValueError
        If the agent does not learn from logs, or the log is unusable.
    typer.Exit
        With code 1 if the agent is not released.
    """
    from recenv.agents.finding import make_agent

    feedback = read_own_log(log)
    catalogue = log_catalogue(feedback) if world is None else world_catalogue(world, feedback)
    agent: Any = make_agent(name, catalogue, seed=seed, device=device)
    if not callable(getattr(agent, "fit", None)):
        raise ValueError(
            f"agent {name!r} has no fit(log), it learns in a world: pass --world alone, or train dr_learner or "
            "ips_learner from the log"
        )
    if gate is None:
        found = agent.fit(feedback)
        agent.save(output)
        console.print(f"learned from {feedback.summary()}; {_metrics(found)}", highlight=False)
        wrote(output, f"agent {name}")
        return
    features = None if world is None else catalogue.features
    _train_gated(agent, name, log, feedback, output, confidence=gate, features=features, seed=seed)


def _train_gated(
    agent: Any,
    name: str,
    path: Path,
    log: LoggedFeedback,
    output: Path,
    *,
    confidence: float,
    features: Any,
    seed: int,
) -> None:
    from recenv.ope.gate import Gate

    ledger = GateLedger(path)
    gate = Gate(log, confidence, tested=ledger.tests, seed=seed)
    agent.fit(gate.train)
    release = gate.test(agent, item_features=features)
    ledger.add({"agent": name, **release.as_dict()})
    folder = output if release.released else output.with_name(output.name + REFUSED)
    agent.save(folder)
    write_json(folder / "gate.json", release.as_dict())
    console.print(release.summary(), highlight=False, soft_wrap=True, markup=False)
    wrote(folder, f"agent {name}")
    if not release.released:
        raise typer.Exit(1)


def log_catalogue(log: LoggedFeedback) -> Catalogue:
    """Return what a log alone tells of its items: how often each was shown."""
    features = log.observation.get("features", np.zeros((log.rows, 0)))
    shown = np.bincount(log.item, minlength=log.n_items).astype(np.float64)
    return Catalogue(np.zeros((log.n_items, 1), np.float32), shown, features.shape[1])


def world_catalogue(world: str, log: LoggedFeedback) -> Catalogue:
    """Return the catalogue of the world of a log.

    Raises
    ------
    ValueError
        If the log has another catalogue or other observations than the world.
    """
    from recenv.cli.compare import session_env
    from recenv.cli.worlds import held_out_world

    catalogue: Catalogue = session_env(held_out_world(world), log.meta).catalogue
    if catalogue.n_items != log.n_items:
        raise ValueError(
            f"--world has {catalogue.n_items} items, the log {log.n_items}: pass the world that the log was made in"
        )
    return catalogue


def _metrics(found: Any) -> str:
    return ", ".join(f"{key} {value:.4g}" for key, value in dict(found or {}).items())
