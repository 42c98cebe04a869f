"""Policies against a log: one pass, one cross-fit, one resample for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv._version import __version__
from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.ope.action_evidence import action_evidence
from recenv.ope.assemble import Plan, assemble
from recenv.ope.comparison import Comparison
from recenv.ope.cross_fit import FeedbackSource
from recenv.ope.evaluate_inputs import (
    DEFAULT,
    Hyper,
    Truth,
    check_estimand,
    check_family,
    check_inputs,
    check_selection,
    choose,
    is_sequential,
    kind_of,
    open_feedback,
)
from recenv.ope.evidence import Evidence, Question
from recenv.ope.headline_choice import by_reliability
from recenv.ope.intervals import check_interval
from recenv.ope.item_evidence import item_evidence
from recenv.ope.loggers import in_order
from recenv.ope.sensitivity import STRENGTHS
from recenv.ope.slate_evidence import slate_evidence
from recenv.protocol import Policy

FAMILIES: dict[str, Callable[[Question], Evidence]] = {
    "items": item_evidence,
    "slates": slate_evidence,
    "actions": action_evidence,
}
"""What a log is of -> how it is read."""


def evaluate(
    feedback: LoggedFeedback | FeedbackSource | str | Path,
    policies: Mapping[str, Policy],
    *,
    estimators: Sequence[str] = DEFAULT,
    hyper: Hyper | None = None,
    reward_model: Any = None,
    item_features: NDArray[np.floating] | None = None,
    interval: str = "bootstrap",
    confidence: float = 0.95,
    replicates: int = 1_000,
    folds: int = 3,
    block_rows: int | None = None,
    seed: int = 0,
    propensity_model: Any = None,
    loggers: Any = None,
    item_embedding: NDArray[Any] | None = None,
    reward_range: tuple[float, float] | None = None,
    weight_max: float | None = None,
    truth: Truth | None = None,
    gamma: float = 1.0,
    horizon: int | None = None,
    state: str | Sequence[str] | None = None,
    sensitivity: bool | Sequence[float] = False,
    select: str | None = None,
    replicate: Any = None,
    replications: int = 100,
    progress: bool = True,
) -> Comparison:
    """Estimate what policies would have earned on the users and steps of a log.

    The log may be of single items, of slates or of numbers (continuous actions); `estimators()` of another family are
    refused by name. The estimators decide on the estimand, row by row. `one_step`: the mean reward of one decision
    (of slates: the sum over positions), in the states as the logging policy met them. `policy_value`: the discounted
    reward of a whole session, in the target's own states. Memory is a few vectors of the log's length a policy plus one
    block of about 2 million row-item cells.

    Parameters
    ----------
    feedback : LoggedFeedback, FeedbackFile or path
        The log; a Parquet path is streamed.
    policies : mapping
        Name -> object with `probabilities(request) -> (B, C)`; on a log of numbers with `actions(request) -> (B,)`. Of
        slates: position after position without replacement, as `collect` draws them.
    estimators : sequence of str
        Names, see `estimators()`; all of families that suit the log.
    hyper : mapping, optional
        Estimator -> its hyper-parameters, such as {"clipped_ips": {"clip": 10}}; or "slope" or "pas_if": each policy's
        are then chosen on the other folds of users, so that the interval accounts for the choice.
    reward_model : optional
        None for `BilinearRidge`, or what `model_factory` takes; fitted out of fold by user. Sequential estimators
        have it fitted to the value of the steps to go, by fitted Q evaluation.
    item_features : (N, Q) array, optional
        For the reward model.
    interval : str
        One of `interval_names()`: "bootstrap" (by user), "bca", "student", "empirical_likelihood" (of the estimator
        of that name), or the bounds "hoeffding", "empirical_bernstein" and "confidence_sequence".
    folds, replicates, seed : int
        Of the cross-fit and the resample.
    propensity_model : optional
        Object with `probabilities(request)`, used in place of logged propensities; if it has
        `fit(observation, item, n_items)`, it is fitted on the log first. Everything is then marked as estimated.
    loggers : policy, sequence or mapping, optional
        The policies that wrote the log, in the order of its `logger` or by the names of its `meta["loggers"]`. Several
        are needed by `balanced_ips` and the like, one by `mips`, and by slate estimators for what the log lacks.
    item_embedding : (N,) or (N, E) array, optional
        What `mips` takes an item for: items with equal rows are alike.
    reward_range, weight_max : optional
        A-priori bounds, for intervals that are bounds.
    truth : mapping, optional
        Policy -> {"one_step": (value, std_error), ...}, shown beside the estimates.
    gamma, horizon : float, int
        Of `policy_value`: discount of a step, and steps of a session (None: the log's own, by its meta or else its
        longest session).
    state : str or sequence of str, optional
        Observation columns that make up a Markov state, for marginal and DICE estimators; without it they take the
        whole observation, and say so.
    sensitivity : bool or sequence of float
        Whether, or for which odds ratios, to bound what hidden confounding could do to the leader's differences.
    select : str, optional
        "reliability": the headline is the estimator whose worst case over the worlds of `replicate` is best.
    replicate, replications
        What `reliability` takes, or a `Reliability` that is there already; used with `select`. The worlds' logs are
        evaluated with the arguments given here: `loggers` must be the policies that write them too.

    Raises
    ------
    ValueError
        If an argument, the log or a policy's answer is unusable; the message names the row and the remedy.
    """
    check_interval(interval, confidence)
    chosen = choose(estimators, hyper or {}, interval)
    check_selection(select, replicate)
    source = open_feedback(feedback)
    kind = kind_of(source)
    check_inputs(
        source, policies, truth or {}, item_features, asked="actions" if kind == "actions" else "probabilities"
    )
    writers = in_order(loggers, dict(getattr(source, "meta", {})))
    check_family(kind, chosen, writers, propensity_model, item_embedding, source.n_items)
    check_estimand(gamma, horizon)
    sequential = [one for one in chosen if is_sequential(one)]
    steps = _horizon(source, horizon) if sequential else 0
    declared = (state,) if isinstance(state, str) else tuple(state or ())
    rng = np.random.default_rng(seed)
    with _progress(progress, len(source)) as advance:
        question = Question(
            source=source,
            policies=policies,
            chosen=chosen,
            loggers=writers,
            advance=advance,
            rng=rng,
            seed=seed,
            folds=folds,
            reward_model=reward_model,
            item_features=item_features,
            item_embedding=item_embedding,
            propensity_model=propensity_model,
            block_rows=block_rows,
            gamma=gamma,
            horizon=steps,
            state=declared,
        )
        found = FAMILIES[kind](question)
    settings = {
        "recenv": __version__,
        "rows": found.decisions,
        "items": source.n_items,
        "estimators": [one.name for one in chosen],
        "hyper": {name: own if isinstance(own, str) else dict(own) for name, own in (hyper or {}).items()},
        "interval": interval,
        "confidence": confidence,
        "replicates": replicates,
        "folds": folds,
        "seed": seed,
        "propensity": found.propensity_kind,
        "reward_model": found.reward_model,
        "sensitivity": list(STRENGTHS) if sensitivity is True else list(sensitivity or ()),
        "log": dict(getattr(source, "meta", {})),
    }
    if sequential:
        settings |= {"gamma": gamma, "horizon": steps, "state": list(declared)}
    bounds = {"reward_range": reward_range, "weight_max": weight_max}
    measured = None
    if select is not None:
        options: dict[str, Any] = {
            "reward_model": reward_model,
            "item_features": item_features,
            "item_embedding": item_embedding,
            "loggers": loggers,
            "propensity_model": propensity_model,
            "gamma": gamma,
            "horizon": horizon,
            "state": state,
            **bounds,
        }
        options |= {"hyper": hyper, "interval": interval, "confidence": confidence, "folds": folds, "seed": seed}
        measured, selection = by_reliability(replicate, chosen, replications, progress=progress, **options)
        settings |= {"selected": selection.estimator, "selection": str(selection)}
    return assemble(found, Plan(chosen, hyper or {}, bounds, truth or {}, settings, bool(declared), measured), rng)


def _horizon(source: FeedbackSource, horizon: int | None) -> int:
    declared = horizon or dict(getattr(source, "meta", {})).get("horizon")
    return int(declared) if declared else 1 + max(int(block.step.max()) for block in source.iter_blocks())


@contextmanager
def _progress(show: bool, rows: int) -> Iterator[Callable[[int], None]]:
    if not show:
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Evaluating policies", total=rows)
        yield lambda done: bar.advance(task, done)
