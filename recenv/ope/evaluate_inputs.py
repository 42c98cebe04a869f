"""What `evaluate` is given, checked before any work is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.ope.continuous_terms import ContinuousTerms
from recenv.ope.cross_fit import FeedbackSource
from recenv.ope.estimator import Estimator
from recenv.ope.hyper_grid import tuned_name
from recenv.ope.multi_logger_terms import MultiLoggerTerms
from recenv.ope.registry import find_estimator
from recenv.ope.sequential_registry import MARKOV, SEQUENTIAL
from recenv.ope.slate_terms import SlateTerms
from recenv.ope.terms import BanditTerms, EmbeddingTerms, Terms
from recenv.ope.trajectory_terms import TrajectoryTerms
from recenv.ope.tuning import Method
from recenv.protocol import Policy

Truth = Mapping[str, Mapping[str, tuple[float, float]]]
Hyper = Mapping[str, Mapping[str, float] | Method]
"""Estimator -> its hyper-parameters, or "slope" or "pas_if" to have them chosen for every policy."""
DEFAULT = ("ips", "snips", "dm", "dr")
DEFAULTS = {
    "items": DEFAULT,
    "slates": ("sips", "snsips", "rips", "snrips", "cascade_dr"),
    "actions": ("kernel_ips", "kernel_snips", "kernel_dr"),
}
"""What a log is of -> the estimators that a newcomer starts with."""
KINDS: dict[str, tuple[type[Terms], ...]] = {
    "items": (BanditTerms, TrajectoryTerms, EmbeddingTerms, MultiLoggerTerms),
    "slates": (SlateTerms,),
    "actions": (ContinuousTerms,),
}
"""What a log is of -> the families that it serves."""
WORDS = {"items": "one item a step", "slates": "slates of several items", "actions": "numbers (continuous actions)"}
ESTIMANDS = ("one_step", *dict.fromkeys(one.estimand for one in SEQUENTIAL))
"""What a truth can be of."""
_BOUNDED = ("ips", "dr", "tis", "pdis", "mips", "balanced_ips", "balanced_dr", "sips")
BOUNDED = {
    **dict.fromkeys(("hoeffding", "empirical_bernstein", "confidence_sequence"), _BOUNDED),
    "empirical_likelihood": ("empirical_likelihood",),
}
"""Which estimators an interval applies to, where it is not all."""


def choose(names: Sequence[str], hyper: Hyper, interval: str) -> list[Estimator]:
    """Return the estimators of these names.

    Raises
    ------
    ValueError
        If one is unknown, lacks a hyper-parameter, or has no such interval.
    """
    if isinstance(names, str) or not names:
        raise ValueError(f"estimators must be a sequence of names such as {DEFAULT}, not {names!r}")
    chosen = [find_estimator(name) for name in dict.fromkeys(names)]
    for one in chosen:
        _check_hyper(one, hyper.get(one.name, {}))
        if one.name not in BOUNDED.get(interval, (one.name,)):
            allowed = ", ".join(BOUNDED[interval])
            raise ValueError(f"interval {interval!r} does not apply to {one.name}: choose estimators among {allowed}")
    unused = set(hyper) - {one.name for one in chosen}
    if unused:
        raise ValueError(f"hyper names {sorted(unused)}, which are not among the estimators {list(names)}")
    return chosen


def _check_hyper(one: Estimator, given: Mapping[str, float] | str) -> None:
    if isinstance(given, str):
        if given not in get_args(Method):
            raise ValueError(
                f"hyper of {one.name} must be its hyper-parameters or {' or '.join(get_args(Method))}, not {given!r}"
            )
        tuned_name(one)
        return
    missing = set(one.hyper) - set(given)
    if missing:
        name = missing.pop()
        raise ValueError(
            f'{one.name} needs {name}=: pass hyper={{"{one.name}": {{"{name}": ...}}}}, or "slope" to have it chosen'
        )


def open_feedback(feedback: Any) -> FeedbackSource:
    """Return a log that can be read in blocks; a Parquet path is not read whole."""
    if isinstance(feedback, str | Path):
        if Path(feedback).suffix.lower() in (".csv", ".tsv"):
            return LoggedFeedback.read(feedback)
        return LoggedFeedback.stream(feedback)
    if not hasattr(feedback, "iter_blocks"):
        raise TypeError(f"feedback must be LoggedFeedback or a path, not {type(feedback).__name__}")
    source: FeedbackSource = feedback
    return source


def kind_of(source: FeedbackSource) -> str:
    """Return what the log is of: "items", "slates" or "actions"."""
    if not len(source):
        raise ValueError("the log is empty: it needs at least one row with item, reward and propensity")
    first = next(iter(source.iter_blocks()))
    if first.action is not None:
        return "actions"
    return "slates" if first.has_slates else "items"


def suited(source: FeedbackSource, loggers: Any = None) -> tuple[str, ...]:
    """Return the estimators that a newcomer starts with on this log; of slates, those that it has the numbers for."""
    names = DEFAULTS[kind_of(source)]
    known = loggers is not None or next(iter(source.iter_blocks())).propensity_prefix is not None
    return names if known else tuple(name for name in names if "propensity_prefix" not in find_estimator(name).needs)


def check_kind(kind: str, chosen: Sequence[Estimator]) -> None:
    """Refuse estimators that do not suit what the log is of.

    Raises
    ------
    ValueError
        With the estimator, what the log is of, and the remedy.
    """
    for one in chosen:
        if one.terms not in KINDS[kind]:
            wanted = next(other for other, families in KINDS.items() if one.terms in families)
            raise ValueError(
                f"{one.name} needs a log of {WORDS[wanted]}, and the log shows {WORDS[kind]}: choose estimators such "
                f"as {', '.join(DEFAULTS[kind])}"
            )


def check_family(
    kind: str, chosen: Sequence[Estimator], loggers: Sequence[Policy], model: Any, embedding: Any, n_items: int
) -> None:
    """Refuse estimators that do not suit the log, or lack what they need beside it.

    Raises
    ------
    ValueError
        With the estimator, what the log is of, and the remedy.
    """
    check_kind(kind, chosen)
    for one in chosen:
        if one.terms is MultiLoggerTerms and not loggers:
            raise ValueError(f"{one.name} needs every logger's probabilities: pass loggers={{name: policy, ...}}")
        if one.terms is EmbeddingTerms:
            _check_embedding(one.name, loggers, model, embedding, n_items)
    if kind == "slates" and len(loggers) > 1:
        raise ValueError(f"a log of slates has one logger, and {len(loggers)} are given: evaluate each logger's slates")
    if kind != "items" and model is not None:
        raise ValueError(
            f"propensity_model= is of single items, and the log shows {WORDS[kind]}: log the probabilities"
            + (", or pass loggers=" if kind == "slates" else "' density")
        )


def _check_embedding(name: str, loggers: Sequence[Policy], model: Any, embedding: Any, n_items: int) -> None:
    if embedding is None:
        raise ValueError(f"{name} needs item_embedding=: pass a label (N,) or labels (N, E) of each item")
    if len(embedding) != n_items:
        raise ValueError(f"item_embedding has {len(embedding)} rows, the catalogue has {n_items} items")
    if not loggers and model is None:
        raise ValueError(
            f"{name} needs the logging policy's probabilities of all items: pass loggers=, the policy that wrote the "
            "log, or propensity_model="
        )


def check_inputs(
    source: FeedbackSource,
    policies: Mapping[str, Policy],
    truth: Truth,
    item_features: Any,
    *,
    asked: str = "probabilities",
) -> None:
    """Refuse a log, policies, a truth or item features that cannot be used; policies are `asked` this method."""
    if not isinstance(policies, Mapping):
        raise TypeError(f"policies must be a mapping, such as {{'new': policy}}, not a {type(policies).__name__}")
    if not policies:
        raise ValueError("policies is empty: give at least one, as {name: policy}")
    for name, policy in policies.items():
        if isinstance(policy, type):
            raise TypeError(f"policy {name!r} is a class, {policy.__name__}: pass an object of it, {policy.__name__}()")
        if not callable(getattr(policy, asked, None)):
            answer = "(B,)" if asked == "actions" else "(B, C)"
            raise TypeError(f"policy {name!r} ({type(policy).__name__}) has no {asked}(request) -> {answer}")
    unknown = set(truth) - set(policies)
    if unknown:
        raise ValueError(f"truth names {sorted(unknown)}, which are not among the policies {list(policies)}")
    for name, entry in truth.items():
        if not isinstance(entry, Mapping) or set(entry) - set(ESTIMANDS):
            raise ValueError(f"truth[{name!r}] must map one_step or policy_value to (value, std_error), not {entry!r}")
    if item_features is not None and len(item_features) != source.n_items:
        raise ValueError(f"item_features has {len(item_features)} rows, the catalogue has {source.n_items} items")
    if len(np.unique(source.user)) < 2:
        raise ValueError(
            "the log has one user, who says nothing about how users differ: log at least two, or leave the user column "
            "out if the rows are independent"
        )


def is_sequential(one: Estimator) -> bool:
    """Return whether an estimator works on whole sessions."""
    return one.terms is TrajectoryTerms


def needs_state(one: Estimator) -> bool:
    """Return whether an estimator rests on a Markov state."""
    return not set(MARKOV).isdisjoint(one.needs)


def needs_model(one: Estimator) -> bool:
    """Return whether an estimator needs a reward or value model."""
    return "q_target" in one.needs


def check_estimand(gamma: float, horizon: int | None) -> None:
    """Refuse a discount outside [0, 1] or a horizon below 1."""
    if not 0 <= gamma <= 1:
        raise ValueError(f"gamma must be in [0, 1], not {gamma}: 1 counts every step of a session alike")
    if horizon is not None and horizon < 1:
        raise ValueError(f"horizon must be at least 1, not {horizon}")


def check_selection(select: str | None, replicate: Any) -> None:
    """Refuse a way of choosing the headline that is unknown, or lacks its worlds."""
    if select not in (None, "reliability"):
        raise ValueError(f'select must be "reliability" or None, not {select!r}')
    if select and replicate is None:
        raise ValueError(
            'select="reliability" needs replicate=: recenv.testing.replicating(world, ...) makes one of a fitted world'
        )
    if replicate is not None and select is None:
        raise ValueError('replicate= is used by select="reliability" only: pass both, or neither')
