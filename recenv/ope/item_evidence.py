"""Evidence of a log of single items: one decision a row, and whole sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.ope.context import context
from recenv.ope.cross_fit import CrossFit, FeedbackSource, cross_fit
from recenv.ope.episode_sample import sample_episodes
from recenv.ope.estimator import Estimator
from recenv.ope.evaluate_inputs import is_sequential, needs_model, needs_state
from recenv.ope.evidence import Evidence, Question
from recenv.ope.fitted_q import FittedQ, fit_q
from recenv.ope.gather import Written, block_size, gather
from recenv.ope.reward_models import model_factory
from recenv.ope.terms import EmbeddingTerms, Terms
from recenv.ope.trajectory_terms import TrajectoryTerms
from recenv.ope.views import Sessions, View, item_views, session_view, units_of
from recenv.protocol import Policy

PROPENSITY_ROWS = 200_000
VALUE_ROWS = 200_000
"""Of whole sessions, kept in memory for fitted Q evaluation."""


def item_evidence(question: Question) -> Evidence:
    """Return what single items say: one pass over the log, after the models that it needs are fitted."""
    sequential = [one for one in question.chosen if is_sequential(one)]
    models = _fit(question, [one for one in question.chosen if not is_sequential(one)])
    values = _fit_values(question) if any(map(needs_model, sequential)) else {}
    logging_model = fit_propensity(question.source, question.propensity_model, question.seed)
    found = gather(
        question.source,
        question.policies,
        models=models,
        propensity_model=logging_model,
        block_rows=block_size(question.source.n_items, question.block_rows),
        advance=question.advance,
        values=values,
        state=question.state if any(map(needs_state, sequential)) else None,
        sessions=bool(sequential),
        written=_written(question, logging_model),
    )
    units = units_of(found.user, question.rng)
    views: dict[type[Terms], View] = item_views(found, units) if len(sequential) < len(question.chosen) else {}
    if sequential:
        sessions = Sessions(question.horizon, question.gamma, bool(question.state))
        views[TrajectoryTerms] = session_view(found, units, sessions)
    return Evidence(
        policies=tuple(question.policies),
        views=views,
        units=units,
        propensity_kind=found.propensity_kind,
        unlogged=found.unlogged,
        counts=found.counts,
        gap=found.gaps.audit(),
        reward_model=_model_name(models, values),
    )


def _written(question: Question, logging_model: Policy | None) -> Written:
    model = () if logging_model is None else (logging_model,)
    alike = None
    if any(one.terms is EmbeddingTerms for one in question.chosen):
        alike = embedding_codes(question.item_embedding, question.source.n_items)
    return Written(question.loggers or model, bool(question.loggers), alike)


def embedding_codes(embedding: NDArray[Any] | None, n_items: int) -> NDArray[np.int64]:
    """Return the code (N,) of each item's embedding, a row of `embedding` (N,) or (N, E): equal rows are alike."""
    assert embedding is not None  # `check_family` has checked it
    rows = np.asarray(embedding).reshape(n_items, -1)
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)


def _fit(question: Question, chosen: Sequence[Estimator]) -> CrossFit | None:
    if not any(map(needs_model, chosen)):
        return None
    factory = model_factory(question.reward_model, question.item_features)
    return cross_fit(question.source, factory, folds=few_folds(question), seed=question.seed)


def few_folds(question: Question) -> int:
    """Return the number of folds: no more than users."""
    return min(question.folds, len(np.unique(question.source.user)))


def _fit_values(question: Question) -> dict[str, FittedQ]:
    factory = model_factory(question.reward_model, question.item_features)
    sample = sample_episodes(question.source, max_rows=VALUE_ROWS, seed=question.seed)
    how: dict[str, Any] = {
        "horizon": question.horizon,
        "gamma": question.gamma,
        "folds": min(question.folds, len(np.unique(sample.user))),
        "seed": question.seed,
    }
    return {name: fit_q(sample, policy, factory, **how, name=name) for name, policy in question.policies.items()}


def _model_name(models: CrossFit | None, values: Mapping[str, FittedQ]) -> str | None:
    if models is not None:
        return type(models.models[0]).__name__
    return next((type(value.models[0][0]).__name__ for value in values.values()), None)


def fit_propensity(source: FeedbackSource, model: Any, seed: int) -> Policy | None:
    """Return the propensity model, fitted on the log if it can be."""
    if model is None or not hasattr(model, "fit"):
        return model
    keep = np.ones(len(source), dtype=bool)
    if len(source) > PROPENSITY_ROWS:
        keep[np.random.default_rng(seed).permutation(len(source))[PROPENSITY_ROWS:]] = False
    observation, item, done = [], [], 0
    for block in source.iter_blocks():
        rows = keep[done : done + block.rows]
        observation.append(context(block.observation, block.rows)[rows])
        item.append(block.item[rows])
        done += block.rows
    fitted: Policy = model.fit(np.concatenate(observation), np.concatenate(item), source.n_items)
    return fitted
