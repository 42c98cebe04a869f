"""Snapshot of the public API: a name that comes or goes is a decision, made here and in the changelog."""

import importlib
import pkgutil

import pytest

import recenv

API = {
    "recenv": [
        "Behaviour", "EnvConfig", "LoggedFeedback", "RatingsLog", "World", "__version__", "collect",
        "evaluate",
    ],
    "recenv.agents": [
        "BestFixedAgent", "BestOfNormals", "ConstantSchedule", "DQNAgent", "DQNConfig", "DiverseGreedyAgent",
        "EpsilonGreedy", "Exploration", "ExponentialSchedule", "FairExposure", "InverseGap", "LinUCBAgent",
        "LinearSchedule", "LinearSquareCBAgent", "LinearThompsonAgent", "LogReplayingAgent", "NeuralAgent",
        "NeuralConfig", "NeuralSquareCBAgent", "OfflineConfig", "OfflinePolicyAgent", "PPOAgent", "PPOConfig",
        "PlackettLuceAgent", "PopularityAgent", "ReinforceAgent", "ScoreAgent", "ScoreExplanation",
        "SlateQAgent", "Softmax", "TowerQPolicy", "UniformAgent", "agent_names", "bootstrapped_agent",
        "diverse_greedy_agent", "dm_learner", "dr_learner", "epsilon_greedy_agent", "fair_exposure_agent",
        "find_agent", "ips_learner", "load_agent", "make_agent", "make_schedule", "neural_thompson_agent",
        "neural_ucb_agent", "softmax_agent", "squarecb_agent", "text_features", "with_text",
    ],
    "recenv.causal": [
        "Behaviour", "BehaviourFit", "CausalGraph", "Ensemble", "FitConfig", "Interval", "LoggedPairs",
        "ObservedSessions", "World", "corrected", "fit_behaviour", "match_thresholds", "simulated_errors",
    ],
    "recenv.data": [
        "DATA_SETS", "DataSet", "FetchError", "OpenBanditLog", "RatingsLog", "data_home", "data_set",
        "fetch", "fingerprint", "load_coat", "load_log", "load_open_bandit", "overlap", "split_pairs",
    ],
    "recenv.envs": [
        "Counterfactual", "EXPECTED", "EnvConfig", "Explanation", "OUTCOME", "RecSysEnv", "RecSysVectorEnv",
        "ResponseExplanation", "TorchEnv", "TreatmentEffect",
    ],
    "recenv.feedback": [
        "FeedbackFile", "LoggedFeedback", "Uplift", "collect", "estimated_uplift", "from_mdp_dataset",
        "from_minari", "from_obp", "mdp_arrays", "to_mdp_dataset", "to_minari", "to_obp",
    ],
    "recenv.ope": [
        "BanditTerms", "BilinearRidge", "ClassifierPropensity", "Comparison", "Condensed", "ConfidenceSequence",
        "ContinuousTerms", "CrossFit", "CrossFitPropensity", "Diagnostics", "EmbeddingTerms", "Estimate",
        "FittedQ", "Gate", "ItemSharePropensity", "MultiLoggerTerms", "Release", "Reliability", "RewardModel",
        "Selection", "Sensitivity", "SklearnReward", "SlateTerms", "TabularModel", "TorchReward",
        "TrajectoryTerms", "Tuned", "Verdict", "against_log_sensitivity", "condense", "confidence_sequence",
        "cross_fit",
        "cross_fit_propensity", "diagnose", "difference_sensitivity", "empirical_likelihood_interval",
        "estimate", "estimators", "evaluate", "fit_q", "interval", "interval_names", "judge", "judge_estimate",
        "merge", "mrdr_weight", "pareto_k", "pas_if", "pseudo_inverse_weight", "reliability", "slate_terms", "slope",
        "slot_marginals", "tune", "tuned_estimate", "value_sensitivity",
    ],
    "recenv.report": [
        "ReportContext", "collect_versions", "describe_machine", "draw_graph", "graph_figure", "verdict_lines",
        "write_card", "write_report",
    ],
    "recenv.testing": [
        "check_agent", "check_vector_env", "indifferent", "replicating",
    ],
}  # fmt: skip


@pytest.mark.parametrize("module", API)
def test_the_public_names_are_these(module):
    assert sorted(importlib.import_module(module).__all__) == API[module]


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in API.items() for name in names])
def test_every_public_name_can_be_loaded(module, name):
    assert getattr(importlib.import_module(module), name) is not None


@pytest.mark.parametrize("module", API)
def test_a_name_that_is_not_there_is_an_attribute_error(module):
    with pytest.raises(AttributeError, match="no_such_name"):
        importlib.import_module(module).no_such_name  # noqa: B018


def test_every_subpackage_is_in_the_snapshot():
    packages = {f"recenv.{module.name}" for module in pkgutil.iter_modules(recenv.__path__) if module.ispkg}
    assert packages - {"recenv.cli"} <= set(API)  # the command line is its own interface


def test_subpackages_are_attributes_of_the_root():
    assert recenv.testing.check_vector_env.__name__ == "check_vector_env"
    assert recenv.causal.World is recenv.World
