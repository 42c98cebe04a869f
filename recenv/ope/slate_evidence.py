"""Evidence of a log of slates: one decision a slate, from the top position down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.ope.cross_fit import CrossFit, cross_fit
from recenv.ope.evidence import Evidence, Question
from recenv.ope.gather_slates import GatheredSlates, PositionLog, gather_slates
from recenv.ope.item_evidence import few_folds
from recenv.ope.reward_models import model_factory
from recenv.ope.slate_terms import SlateTerms
from recenv.ope.terms import BanditTerms, Terms
from recenv.ope.views import Units, View, decision_view, units_of


def slate_evidence(question: Question) -> Evidence:
    """Return what slates say: one reward model a position where one is asked for, then one pass over the log."""
    size = int(next(iter(question.source.iter_blocks())).position.max()) + 1
    models = _fit(question, size) if "q_target" in question.needs else ()
    found = gather_slates(question, size, models)
    units = units_of(found.user, question.rng)
    return Evidence(
        policies=tuple(question.policies),
        views=_views(found, units),
        units=units,
        propensity_kind="logged",
        unlogged=found.unlogged,
        counts=found.counts,
        reward_model=type(models[0].models[0]).__name__ if models else None,
    )


def _fit(question: Question, size: int) -> tuple[CrossFit, ...]:
    factory = model_factory(question.reward_model, question.item_features)
    folds, seed = few_folds(question), question.seed
    logs = [PositionLog(question.source, size, k) for k in range(size)]
    return tuple(cross_fit(log, factory, folds=folds, seed=seed) for log in logs)


def _views(found: GatheredSlates, units: Units) -> dict[type[Terms], View]:
    total = found.reward.sum(axis=1)

    def slates(policy: str, bounds: Mapping[str, Any]) -> SlateTerms:
        own: dict[str, Any] = dict(found.of_policy[policy])
        return SlateTerms(
            reward=found.reward,
            propensity=found.propensity,
            target=own["target_prefix"][:, -1],
            propensity_position=found.propensity_position,
            propensity_prefix=found.propensity_prefix,
            cluster=units.codes,
            fold=found.fold,
            **own,
            **bounds,
        )

    def whole(policy: str, bounds: Mapping[str, Any]) -> BanditTerms:
        """Return the record in which a whole slate is the decision, as audits and sensitivity look at it."""
        target: NDArray[np.float64] = found.of_policy[policy]["target_prefix"][:, -1]
        return BanditTerms(total, found.propensity, target, cluster=units.codes)

    return {SlateTerms: decision_view(units, total, slates), BanditTerms: decision_view(units, total, whole)}
