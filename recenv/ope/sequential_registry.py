"""The estimators of a policy's value over whole sessions, and of the distribution of returns and rewards."""

from __future__ import annotations

from recenv.ope import distribution, marginal
from recenv.ope.dual_dice import dual_dice
from recenv.ope.estimator import Estimator
from recenv.ope.magic import magic
from recenv.ope.sequential_dr import fqe, sequential_dr, wdr
from recenv.ope.terms import BanditTerms
from recenv.ope.trajectory_importance import pdis, snpdis, sntis, tis
from recenv.ope.trajectory_terms import TrajectoryTerms

POLICY_VALUE = "policy_value"
MARKOV = ("state_marginal_ratio", "state_action_marginal_ratio", "state")
"""Fields that rest on a declared Markov state."""
BLENDS = ("magic",)
"""Estimators whose value is partly the model's alone."""
_MODEL = ("q_logged", "q_target")
_STATE, _STATE_ACTION = MARKOV[:1], MARKOV[1:2]


def _sequential(
    contribute: object, needs: tuple[str, ...] = (), *, steps: bool = False, model_only: bool = False
) -> Estimator:
    return Estimator(
        contribute.__name__,  # type: ignore[attr-defined]
        contribute,  # type: ignore[arg-type]
        terms=TrajectoryTerms,
        needs=needs,
        estimand=POLICY_VALUE,
        optional=("gamma", "k") if steps else ("gamma",),
        model_only=model_only,
    )


def _of_distribution(contribute: object, hyper: tuple[str, ...]) -> Estimator:
    name: str = contribute.__name__  # type: ignore[attr-defined]
    sequential = name.startswith("return")
    return Estimator(
        name,
        contribute,  # type: ignore[arg-type]
        terms=TrajectoryTerms if sequential else BanditTerms,
        hyper=hyper,
        estimand=name,
        optional=("gamma",) if sequential else (),
    )


SEQUENTIAL: tuple[Estimator, ...] = (
    _sequential(tis),
    _sequential(pdis),
    _sequential(sntis),
    _sequential(snpdis),
    _sequential(fqe, needs=("q_target",), model_only=True),
    _sequential(sequential_dr, needs=_MODEL),
    _sequential(wdr, needs=_MODEL),
    _sequential(magic, needs=_MODEL),
    _sequential(marginal.state_marginal_is, needs=_STATE, steps=True),
    _sequential(marginal.state_marginal_snis, needs=_STATE, steps=True),
    _sequential(marginal.state_marginal_dr, needs=(*_STATE, *_MODEL), steps=True),
    _sequential(marginal.state_marginal_sndr, needs=(*_STATE, *_MODEL), steps=True),
    _sequential(marginal.state_action_marginal_is, needs=_STATE_ACTION, steps=True),
    _sequential(marginal.state_action_marginal_snis, needs=_STATE_ACTION, steps=True),
    _sequential(marginal.state_action_marginal_dr, needs=(*_STATE_ACTION, *_MODEL), steps=True),
    _sequential(marginal.state_action_marginal_sndr, needs=(*_STATE_ACTION, *_MODEL), steps=True),
    _sequential(marginal.drl, needs=(*_STATE_ACTION, *_MODEL)),
    _sequential(dual_dice, needs=("state",)),
    _of_distribution(distribution.return_cdf, ("at",)),
    _of_distribution(distribution.return_variance, ()),
    _of_distribution(distribution.return_quantile, ("level",)),
    _of_distribution(distribution.return_cvar, ("level",)),
    _of_distribution(distribution.reward_cdf, ("at",)),
    _of_distribution(distribution.reward_variance, ()),
    _of_distribution(distribution.reward_quantile, ("level",)),
    _of_distribution(distribution.reward_cvar, ("level",)),
)
