"""Evidence of a log of numbers, such as prices: actions, their densities, and what each policy would have done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.ope.bilinear_ridge import BilinearRidge
from recenv.ope.columns import Columns
from recenv.ope.continuous_terms import ContinuousTerms
from recenv.ope.cross_fit import CrossFit, cross_fit
from recenv.ope.evidence import Evidence, Question
from recenv.ope.extra_context import ExtraContext, with_context
from recenv.ope.gather import block_size
from recenv.ope.item_evidence import few_folds
from recenv.ope.reward_models import model_factory
from recenv.ope.terms import Terms
from recenv.ope.views import View, decision_view, units_of

Vector = NDArray[np.float64]


def action_evidence(question: Question) -> Evidence:
    """Return what a log of numbers says; a reward model reads the action and its square behind the observation."""
    models = _fit(question) if "q_target" in question.needs else None
    log, of_policy = _gathered(question, models)
    units = units_of(log["user"], question.rng)

    def terms(policy: str, bounds: Mapping[str, Any]) -> ContinuousTerms:
        if bounds.get("weight_max") is not None:
            raise ValueError("weight_max does not apply to continuous actions: their weights rest on the bandwidth")
        columns = {name: log.get(name) for name in ("reward", "action", "density", "q_logged", "fold")}
        known = {"cluster": units.codes, "reward_range": bounds.get("reward_range")}
        return ContinuousTerms(**columns, **of_policy[policy], **known)  # type: ignore[arg-type]

    views: dict[type[Terms], View] = {ContinuousTerms: decision_view(units, log["reward"], terms)}
    return Evidence(
        policies=tuple(question.policies),
        views=views,
        units=units,
        propensity_kind="logged",
        unlogged=dict.fromkeys(question.policies, np.nan),
        reward_model=None if models is None else type(models.models[0]).__name__,
    )


def action_columns(action: Vector) -> Vector:
    """Return (n, 2) the action and its square."""
    return np.stack([action, action**2], axis=1)


def _fit(question: Question) -> CrossFit:
    # All components are kept: among a few of them the action might be lost.
    default = (lambda: BilinearRidge(components=1_000)) if question.reward_model is None else question.reward_model
    extended = ExtraContext(question.source, lambda block: action_columns(_action(block)))
    return cross_fit(extended, model_factory(default), folds=few_folds(question), seed=question.seed)


def _action(block: LoggedFeedback) -> Vector:
    if block.action is None or block.density is None:
        missing = "action" if block.action is None else "density"
        raise ValueError(f"the log has no column {missing!r}: log the number that was chosen and its density")
    return block.action


def _gathered(
    question: Question, models: CrossFit | None
) -> tuple[dict[str, NDArray[Any]], dict[str, dict[str, Vector]]]:
    """Return the log's own columns (n,), and each policy's actions and predictions (n,)."""
    log, of_policy = Columns(), {name: Columns() for name in question.policies}
    size, done = block_size(1, question.block_rows), 0
    for whole in question.source.iter_blocks(size):
        for start in range(0, whole.rows, size):
            block = whole.subset(slice(start, start + size))
            action = _action(block)
            kept = {"reward": block.reward, "user": block.user, "action": action, "density": block.density}
            if models is not None:
                kept["q_logged"] = models.q_logged(with_context(block, action_columns(action)))
                kept["fold"] = models.fold_of(block.user)
            log.append(kept)
            for name, policy in question.policies.items():
                own = {"target_action": ask_action(name, policy, block, done)}
                if models is not None:
                    own["q_target"] = models.q_logged(with_context(block, action_columns(own["target_action"])))
                of_policy[name].append(own)
            done += block.rows
            question.advance(block.rows)
    return log.joined(), {name: own.joined() for name, own in of_policy.items()}


def ask_action(name: str, policy: Any, block: LoggedFeedback, first_row: int = 0) -> Vector:
    """Return the policy's actions (B,), checked.

    Raises
    ------
    ValueError
        If there is not one finite number a row; the message names the row.
    """
    answer = np.asarray(policy.actions(block.request()), dtype=np.float64)
    if answer.shape != (block.rows,):
        raise ValueError(
            f"policy {name!r} returned actions of shape {answer.shape} for {block.rows} rows (from {first_row}): "
            "return one number a row, (B,)"
        )
    bad = ~np.isfinite(answer)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"policy {name!r}: row {first_row + row} has action {answer[row]}: it must be finite")
    return answer
