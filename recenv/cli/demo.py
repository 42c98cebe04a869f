"""`recenv demo`: MovieLens-100k from nothing to a comparison report."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from recenv._version import __version__
from recenv.cli.compare import find_truths, session_env, shown_command, write_comparison
from recenv.cli.console import Seed, bar, console, errors, wrote
from recenv.storage import write_json

if TYPE_CHECKING:
    from recenv.causal.world import World

QUESTION = (
    "The system in production draws films by a softmax over predicted ratings and explores a lot (temperature 0.3). "
    "Should it explore less, or make way for another policy? Which candidate would earn a higher rating for each film "
    "shown, and how sure are we, before any user sees it?"
)
PRODUCTION, SHARPER = "production", "sharper"
TEMPERATURE, LOWER_TEMPERATURE = 0.3, 0.2
CANDIDATES = {
    PRODUCTION: f"Two-tower scorer trained for a while, softmax at temperature {TEMPERATURE}. It made the log.",
    SHARPER: f"The same scorer at temperature {LOWER_TEMPERATURE}: it explores less.",
    "epsilon_greedy": "Two-tower scorer trained longer; the best film with probability 0.9, else any.",
    "dqn": "Deep Q-network on user, session and film features; it looks beyond the next film.",
    "popularity": "The most rated film that was not shown yet.",
    "uniform": "Any film.",
}
LEARNED = (PRODUCTION, "epsilon_greedy", "dqn")


@dataclass(frozen=True)
class DemoPlan:
    """How much the demo does; the settings also say whether an unfinished run can be taken up again."""

    data: str
    seed: int
    rounds: int
    """Sessions of every user in the log."""
    truth_rounds: int
    steps: dict[str, int]
    """User steps that each learning policy is trained for."""
    horizon: int = 20
    envs: int = 64
    version: str = __version__


def run_demo(
    data: Annotated[str, typer.Option(help="ml-100k, another data set, a ratings file, or synthetic.")] = "ml-100k",
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the run.")] = Path("recenv-demo"),
    seed: Seed = 0,
    quick: Annotated[bool, typer.Option(help="A smaller run, to see that everything works.")] = False,
) -> None:
    """Fetch ratings, fit a world, train agents, collect a log, compare policies, write a report.

    A run that was stopped is taken up where it was.
    """
    steps = {PRODUCTION: 20_000, "epsilon_greedy": 150_000, "dqn": 150_000}
    plan = DemoPlan(data, seed, rounds=5, truth_rounds=2, steps=steps)
    if quick:
        plan = DemoPlan(data, seed, rounds=1, truth_rounds=1, steps=dict.fromkeys(LEARNED, 4_000))
    begin(output, plan)
    world = demo_world(output, plan)
    agents, curves = demo_agents(output, plan, world)
    log = demo_log(output, plan, world, agents[PRODUCTION])
    truths = find_truths(world, log.meta, agents, agents[PRODUCTION], rounds=plan.truth_rounds, seed=plan.seed)
    console.rule("Comparing policies")
    report = write_comparison(
        log,
        agents,
        output / "report",
        world=world,
        truths=truths,
        estimators=("ips", "snips", "dm", "dr"),
        interval="bootstrap",
        confidence=0.95,
        seed=plan.seed,
        context={
            "question": QUESTION,
            "data": data_facts(world, log),
            "agents": CANDIDATES,
            **units_and_terms(plan.data, world),
            "learning_curves": curves,
            "command": shown_command(),
            "seed": plan.seed,
        },
    )
    (output / "unfinished.json").unlink()
    wrote(report, "report")


def begin(output: Path, plan: DemoPlan) -> None:
    """Start a run in `output`, or take up one with the same plan that was not finished."""
    marker = output / "unfinished.json"
    settings = json.loads(json.dumps(asdict(plan)))
    if marker.exists():
        if json.loads(marker.read_text(encoding="utf-8")) == settings:
            console.print(f"Taking up the unfinished run in {output}", highlight=False)
            return
        console.print(f"The unfinished run in {output} had other settings: starting anew", highlight=False)
    elif output.exists() and any(output.iterdir()) and not (output / "report" / "report.html").exists():
        raise ValueError(f"{output} exists and is not a run of the demo; it is left alone: choose another -o")
    for name in ("world", "agents", "report"):
        shutil.rmtree(output / name, ignore_errors=True)
    (output / "feedback.parquet").unlink(missing_ok=True)
    write_json(marker, settings)


def demo_world(output: Path, plan: DemoPlan) -> World:
    """Return the world of the data, fitted now or by the run that was stopped."""
    from recenv.causal.world import World
    from recenv.cli.fit import print_card

    console.rule("The causal world")
    folder = output / "world"
    if (folder / "world.json").exists():
        return World.load(folder).held_out()
    log = demo_data(plan)
    if log is None:
        world = World.synthetic(plan.seed)
    else:
        with bar(f"Fitting {log.name}") as advance:
            world = World.fit(log, seed=plan.seed, progress=advance)
        print_card(world)
    world.save(folder)
    wrote(folder, "world")
    return world.held_out()


def demo_data(plan: DemoPlan) -> Any:
    """Return the ratings, fetched if need be, or None for the synthetic world."""
    from recenv.data import FetchError, fetch, load_log

    if plan.data == "synthetic":
        return None
    try:
        return load_log(plan.data)
    except FileNotFoundError:
        if plan.data not in ("ml-100k", "ml-1m"):
            raise
    try:
        fetch(plan.data)
    except FetchError as error:
        errors.print(f"[bold yellow]Notice:[/] {plan.data} could not be fetched, so this demo runs on SYNTHETIC data.")
        errors.print(str(error), markup=False, highlight=False)
        return None
    return load_log(plan.data)


def demo_agents(output: Path, plan: DemoPlan, world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the policies and the learning curves; agents that were saved are loaded."""
    from recenv.agents.finding import load_agent
    from recenv.training import LearningCurve, train

    console.rule("Agents")
    meta = {"horizon": plan.horizon, "reward": "rating"}
    agents: dict[str, Any] = {}
    curves: dict[str, Any] = {}
    for name in CANDIDATES:
        folder, curve_file = output / "agents" / name, output / "agents" / f"{name}.csv"
        if not (folder / "agent.json").exists():
            env = session_env(world, meta, plan.envs)
            agent = agents[PRODUCTION].exploring(LOWER_TEMPERATURE) if name == SHARPER else new_agent(name, env, plan)
            if name in LEARNED:
                with bar(f"Training {name}") as advance:
                    rng = np.random.default_rng([plan.seed, 50])
                    curve = train(agent, env, plan.steps[name], rng=rng, progress=advance)
                console.print(f"{name}: {curve.summary()}", highlight=False, soft_wrap=True)
                curve.to_csv(curve_file)  # before the agent: a run stopped in between trains it again
            agent.save(folder)
        agents[name] = load_agent(folder)
        if name in LEARNED:
            curves[name] = LearningCurve.read_csv(curve_file).for_report()
    return agents, curves


def new_agent(name: str, env: Any, plan: DemoPlan) -> Any:
    """Return an untrained agent of the demo."""
    from recenv.agents.finding import make_agent

    if name == PRODUCTION:
        return make_agent("softmax", env.catalogue, seed=plan.seed, temperature=TEMPERATURE)
    return make_agent(name, env.catalogue, seed=plan.seed)


def demo_log(output: Path, plan: DemoPlan, world: World, logger: Any) -> Any:
    """Return the log of the policy in production."""
    from recenv.feedback import LoggedFeedback, collect

    console.rule("The log")
    path = output / "feedback.parquet"
    if not path.exists():
        env = session_env(world, {"horizon": plan.horizon, "reward": "rating"}, world.n_users)
        with bar("Collecting") as advance:
            log = collect(
                env,
                logger,
                rounds=plan.rounds,
                seed=plan.seed,
                users=np.arange(world.n_users),
                policy_name=PRODUCTION,
                progress=advance,
            )
        log.save(path)
    log = LoggedFeedback.read(path)
    console.print(
        f"{len(log):,} decisions in {log.episodes:,} sessions, mean reward {log.reward.mean():.3f}", highlight=False
    )
    wrote(path, "feedback")
    return log


def data_facts(world: World, log: Any) -> dict[str, Any]:
    """Return what the report says of the data."""
    return {
        "ratings": world.name,
        "users": world.n_users,
        "items": world.n_items,
        "logged ratings replayed (held out from policies)": len(world.pairs),
        "log": f"{len(log):,} decisions in {log.episodes:,} sessions of the policy in production",
        "reward": "rating of the film shown, 1 to 5",
    }


def units_and_terms(data: str, world: World) -> dict[str, str]:
    """Return units, and the terms and citation of a data set that has them."""
    from recenv.data.registry import DATA_SETS

    units = {"reward_unit": "stars", "session_unit": "stars a session", "learning_unit": "stars a session"}
    known = {entry.name: entry for entry in DATA_SETS}
    if world.name != data or data not in known:
        return units
    return {**units, "terms": known[data].terms, "citation": known[data].citation}
