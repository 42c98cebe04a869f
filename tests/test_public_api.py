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
        "DQNAgent", "EpsilonGreedy", "Exploration", "LinearSchedule", "PopularityAgent", "ScoreAgent",
        "Softmax", "TwoTowerAgent", "UniformAgent", "agent_names", "epsilon_greedy_agent", "find_agent",
        "load_agent", "make_agent", "softmax_agent",
    ],
    "recenv.causal": [
        "Behaviour", "CausalGraph", "FitConfig", "LoggedPairs", "World",
    ],
    "recenv.data": [
        "DATA_SETS", "DataSet", "FetchError", "OpenBanditLog", "RatingsLog", "data_home", "data_set",
        "fetch", "fingerprint", "load_coat", "load_log", "load_open_bandit", "overlap", "split_pairs",
    ],
    "recenv.envs": [
        "EnvConfig", "OUTCOME", "RecSysEnv", "RecSysVectorEnv",
    ],
    "recenv.feedback": [
        "FeedbackFile", "LoggedFeedback", "collect",
    ],
    "recenv.ope": [
        "BanditTerms", "BilinearRidge", "ClassifierPropensity", "Comparison", "CrossFit", "Diagnostics",
        "EmbeddingTerms", "Estimate", "ItemSharePropensity", "RewardModel", "SklearnReward", "Verdict",
        "cross_fit", "diagnose", "estimate", "estimators", "evaluate", "interval", "interval_names",
        "judge", "pareto_k",
    ],
    "recenv.report": [
        "ReportContext", "collect_versions", "describe_machine", "graph_figure", "verdict_lines",
        "write_report",
    ],
    "recenv.testing": [
        "check_agent", "check_vector_env",
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
