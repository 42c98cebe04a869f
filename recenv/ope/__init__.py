"""Off-policy evaluation: what a policy would have earned, how sure that is, and when the log cannot say."""

from recenv.ope.bilinear_ridge import BilinearRidge
from recenv.ope.comparison import Comparison
from recenv.ope.cross_fit import CrossFit, cross_fit
from recenv.ope.diagnostics import Diagnostics, diagnose
from recenv.ope.estimate import Estimate, estimate
from recenv.ope.evaluate import evaluate
from recenv.ope.intervals import interval, interval_names
from recenv.ope.pareto_k import pareto_k
from recenv.ope.propensity import ClassifierPropensity, ItemSharePropensity
from recenv.ope.registry import estimators
from recenv.ope.reward_models import RewardModel
from recenv.ope.sklearn_reward import SklearnReward
from recenv.ope.terms import BanditTerms, EmbeddingTerms
from recenv.ope.verdict import Verdict, judge

__all__ = [
    "BanditTerms",
    "BilinearRidge",
    "ClassifierPropensity",
    "Comparison",
    "CrossFit",
    "Diagnostics",
    "EmbeddingTerms",
    "Estimate",
    "ItemSharePropensity",
    "RewardModel",
    "SklearnReward",
    "Verdict",
    "cross_fit",
    "diagnose",
    "estimate",
    "estimators",
    "evaluate",
    "interval",
    "interval_names",
    "judge",
    "pareto_k",
]
