"""Off-policy evaluation: what a policy would have earned, how sure that is, and when the log cannot say."""

from recenv.ope.bilinear_ridge import BilinearRidge
from recenv.ope.comparison import Comparison
from recenv.ope.condense import Condensed, condense
from recenv.ope.confidence_sequence import ConfidenceSequence, confidence_sequence
from recenv.ope.continuous_terms import ContinuousTerms
from recenv.ope.cross_fit import CrossFit, cross_fit
from recenv.ope.cross_fit_propensity import CrossFitPropensity, cross_fit_propensity
from recenv.ope.diagnostics import Diagnostics, diagnose
from recenv.ope.empirical_likelihood import empirical_likelihood_interval
from recenv.ope.estimate import Estimate, estimate
from recenv.ope.evaluate import evaluate
from recenv.ope.fitted_q import FittedQ, fit_q
from recenv.ope.gate import Gate
from recenv.ope.intervals import interval, interval_names
from recenv.ope.merging import merge
from recenv.ope.mrdr import mrdr_weight
from recenv.ope.multi_logger_terms import MultiLoggerTerms
from recenv.ope.pareto_k import pareto_k
from recenv.ope.pas_if import pas_if
from recenv.ope.propensity import ClassifierPropensity, ItemSharePropensity
from recenv.ope.pseudo_inverse import pseudo_inverse_weight, slot_marginals
from recenv.ope.registry import estimators
from recenv.ope.release import Release
from recenv.ope.reliability import reliability
from recenv.ope.reliability_result import Reliability
from recenv.ope.reliability_selection import Selection
from recenv.ope.reward_models import RewardModel
from recenv.ope.sensitivity import Sensitivity, against_log_sensitivity, difference_sensitivity, value_sensitivity
from recenv.ope.sklearn_reward import SklearnReward
from recenv.ope.slate_log import slate_terms
from recenv.ope.slate_terms import SlateTerms
from recenv.ope.slope import slope
from recenv.ope.tabular_model import TabularModel
from recenv.ope.terms import BanditTerms, EmbeddingTerms
from recenv.ope.torch_reward import TorchReward
from recenv.ope.trajectory_terms import TrajectoryTerms
from recenv.ope.tuning import Tuned, tune, tuned_estimate
from recenv.ope.verdict import Verdict, judge, judge_estimate

__all__ = [
    "BanditTerms",
    "BilinearRidge",
    "ClassifierPropensity",
    "Comparison",
    "Condensed",
    "ConfidenceSequence",
    "ContinuousTerms",
    "CrossFit",
    "CrossFitPropensity",
    "Diagnostics",
    "EmbeddingTerms",
    "Estimate",
    "FittedQ",
    "Gate",
    "ItemSharePropensity",
    "MultiLoggerTerms",
    "Release",
    "Reliability",
    "RewardModel",
    "Selection",
    "Sensitivity",
    "SklearnReward",
    "SlateTerms",
    "TabularModel",
    "TorchReward",
    "TrajectoryTerms",
    "Tuned",
    "Verdict",
    "against_log_sensitivity",
    "condense",
    "confidence_sequence",
    "cross_fit",
    "cross_fit_propensity",
    "diagnose",
    "difference_sensitivity",
    "empirical_likelihood_interval",
    "estimate",
    "estimators",
    "evaluate",
    "fit_q",
    "interval",
    "interval_names",
    "judge",
    "judge_estimate",
    "merge",
    "mrdr_weight",
    "pareto_k",
    "pas_if",
    "pseudo_inverse_weight",
    "reliability",
    "slate_terms",
    "slope",
    "slot_marginals",
    "tune",
    "tuned_estimate",
    "value_sensitivity",
]
