"""Measured reliability: how estimators do where the truth is known, on logs made again and again."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from recenv.ope.evaluate import evaluate
from recenv.ope.evaluate_inputs import DEFAULT
from recenv.ope.reliability_replication import Found, Plan, Replicate, run_replication
from recenv.ope.reliability_result import Reliability
from recenv.ope.reliability_scores import Outcomes, metrics, summarise
from recenv.protocol import Policy

if TYPE_CHECKING:
    import pandas as pd

OWN = ("feedback", "policies", "truth", "progress", "sensitivity")
"""Arguments of `evaluate` that are not for the caller here."""
BY_POLICY = ("bias", "rmse", "coverage", "coverage_ok", "width", "abstention", "unanswered")
WORLD = "world"
"""Name of a world that comes without one."""


def reliability(
    replicate: Replicate | Mapping[str, Replicate],
    *,
    estimators: Sequence[str] = DEFAULT,
    policies: Mapping[str, Policy] | None = None,
    replications: int = 100,
    seed: int = 0,
    hyper: Mapping[str, Mapping[str, float]] | None = None,
    interval: str = "bootstrap",
    confidence: float = 0.95,
    k: Sequence[int] = (1, 2),
    workers: int = 1,
    progress: bool = True,
    **options: Any,
) -> Reliability:
    """Measure how estimators do on replicated logs whose truth is known, in one or several worlds.

    Every replication makes a log anew, evaluates all policies on it with `evaluate`, and compares with the truth of
    each estimator's estimand. Several worlds (other model classes, perturbed mechanisms) show what happens when the
    world is not the one believed in; a world in which all policies are equal shows how often a winner is declared that
    is none. The result does not depend on the number of workers.

    Parameters
    ----------
    replicate : callable or mapping
        `replicate(rng) -> (feedback, policies, truths)`, or `(feedback, truths)` where `policies` is given;
        truths: policy -> {"one_step": value or (value, std_error), "policy_value": ...}. A mapping names several
        worlds. With `workers`, it must be a module-level function or an object that can be sent to another process.
    estimators, hyper, interval, confidence
        As in `evaluate`.
    policies : mapping, optional
        Name -> policy, where `replicate` returns none.
    replications : int
        R, logs of each world; at least 2.
    seed : int
        Replication r of every world has its own seed sequence (seed, r): more of them leave the first ones as they are.
    k : sequence of int
        Sizes of the tests that regret@k and SharpeRatio@k speak of; NaN where there are fewer policies.
    workers : int
        Processes, by joblib; -1 is all cores, `joblib.parallel_config(backend=...)` sends them elsewhere.
    **options
        Further arguments of `evaluate`, by name, such as `reward_model`, `replicates` (of its bootstrap) or `gamma`.

    Raises
    ------
    TypeError
        If an option is unknown, or `replicate` is no callable.
    ValueError
        If an argument is unusable, a truth is missing, or an evaluation fails; the message names world and replication.
    """
    worlds = dict(replicate) if isinstance(replicate, Mapping) else {WORLD: replicate}
    _check(worlds, replications, k, options)
    plan = Plan(
        {"estimators": tuple(estimators), "hyper": hyper, "interval": interval, "confidence": confidence, **options},
        policies,
        seed,
    )
    found = _run(worlds, replications, plan, workers, progress)
    answers = {name: _stack(found[w * replications :][:replications], name) for w, name in enumerate(worlds)}
    first = found[0]
    measures = metrics(tuple(k))
    scores = {
        name: np.array([[np.column_stack(metric.score(one)) for one in row] for row in answers.values()])
        for name, metric in measures.items()
    }
    settings = {
        "replications": replications,
        "seed": seed,
        "k": list(k),
        "interval": interval,
        "confidence": confidence,
        "hyper": {name: dict(values) for name, values in (hyper or {}).items()},
        "options": {
            name: value if isinstance(value, int | float | str) else repr(value) for name, value in options.items()
        },
        "policies": {name: list(found[w * replications].policies) for w, name in enumerate(worlds)},
    }
    return Reliability(
        worlds=tuple(worlds),
        estimators=first.estimators,
        estimands=first.estimands,
        scores=scores,
        by_policy=_by_policy(answers, first.estimators, settings),
        settings=settings,
    )


def _check(worlds: Mapping[str, Any], replications: int, k: Sequence[int], options: Mapping[str, Any]) -> None:
    if not worlds:
        raise ValueError("replicate is an empty mapping: give at least one world, as {name: callable}")
    for name, one in worlds.items():
        if not callable(one):
            raise TypeError(f"replicate of world {name!r} must be callable, replicate(rng), not {type(one).__name__}")
    if replications < 2:
        raise ValueError(f"replications must be at least 2, for a standard error; not {replications}")
    if not k or min(k) < 1:
        raise ValueError(f"k must hold numbers of policies of 1 or more, not {k}")
    known = [name for name in inspect.signature(evaluate).parameters if name not in OWN]
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise TypeError(f"reliability and evaluate have no option {name!r}{hint}; there are {', '.join(known)}")


def _run(worlds: Mapping[str, Replicate], replications: int, plan: Plan, workers: int, progress: bool) -> list[Found]:
    """Return the replications of the first world, then those of the second, ..."""
    from joblib import Parallel, delayed

    tasks = list(itertools.product(worlds.items(), range(replications)))
    with _progress(progress, len(tasks)) as advance:
        found = []
        for one in Parallel(n_jobs=workers, return_as="generator")(
            delayed(run_replication)(name, replicate, number, plan) for (name, replicate), number in tasks
        ):
            found.append(one)
            advance()
    return found


def _stack(found: Sequence[Found], world: str) -> list[Outcomes]:
    """Return the replications of one world by estimator."""
    for number, one in enumerate(found):
        if one.policies != found[0].policies:
            raise ValueError(
                f"world {world!r} has policies {list(one.policies)} in replication {number}, but "
                f"{list(found[0].policies)} in the first: return the same names in the same order"
            )
    return [
        Outcomes(**{field: np.stack([getattr(one, field)[e] for one in found]) for field in Outcomes._fields})
        for e in range(len(found[0].estimators))
    ]


def _by_policy(
    answers: Mapping[str, Sequence[Outcomes]], estimators: Sequence[str], settings: Mapping[str, Any]
) -> pd.DataFrame:
    import pandas as pd

    measures = metrics(())
    records = []
    for world, row in answers.items():
        for estimator, one in zip(estimators, row, strict=True):
            for p, policy in enumerate(settings["policies"][world]):
                record: dict[str, Any] = {"world": world, "estimator": estimator, "policy": policy}
                record["truth"] = float(one.truth[:, p].mean())
                alone = one._replace(**{name: getattr(one, name)[:, [p]] for name in Outcomes._fields[:6]})
                for name in BY_POLICY:
                    scores = np.column_stack(measures[name].score(alone))
                    record[name], record[f"{name}_std_error"] = summarise(scores, measures[name])
                records.append(record)
    return pd.DataFrame.from_records(records)


@contextmanager
def _progress(show: bool, total: int) -> Iterator[Callable[[], None]]:
    if not show:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Replicating", total=total)
        yield lambda: bar.advance(task)
