"""Agents that ship with recenv, installed as `recenv.agents`, and how agents are found by name."""

from __future__ import annotations

from recenv.lazy import lazy

_HOMES = {
    "BestFixedAgent": "recenv.agents.best_fixed",
    "BestOfNormals": "recenv.agents.best_of_normals",
    "ConstantSchedule": "recenv.agents.schedules",
    "DQNAgent": "recenv.agents.dqn",
    "DiverseGreedyAgent": "recenv.agents.diverse_greedy",
    "EpsilonGreedy": "recenv.agents.exploration",
    "Exploration": "recenv.agents.exploration",
    "ExponentialSchedule": "recenv.agents.schedules",
    "FairExposure": "recenv.agents.fair_exposure",
    "InverseGap": "recenv.agents.inverse_gap",
    "LinUCBAgent": "recenv.agents.linucb",
    "LinearSchedule": "recenv.agents.schedules",
    "LinearSquareCBAgent": "recenv.agents.squarecb",
    "LinearThompsonAgent": "recenv.agents.linear_thompson",
    "LogReplayingAgent": "recenv.agents.log_replaying",
    "NeuralAgent": "recenv.agents.neural_agent",
    "NeuralConfig": "recenv.agents.neural_config",
    "NeuralSquareCBAgent": "recenv.agents.neural_squarecb",
    "OfflineConfig": "recenv.agents.offline_config",
    "OfflinePolicyAgent": "recenv.agents.offline_policy",
    "PPOAgent": "recenv.agents.ppo",
    "PlackettLuceAgent": "recenv.agents.plackett_luce",
    "PopularityAgent": "recenv.agents.popularity",
    "ReinforceAgent": "recenv.agents.reinforce",
    "ScoreAgent": "recenv.agents.scoring",
    "ScoreExplanation": "recenv.agents.score_explanation",
    "SlateQAgent": "recenv.agents.slateq",
    "Softmax": "recenv.agents.exploration",
    "UniformAgent": "recenv.agents.uniform",
    "agent_names": "recenv.agents.finding",
    "bootstrapped_agent": "recenv.agents.bootstrapped",
    "diverse_greedy_agent": "recenv.agents.diverse_greedy",
    "dm_learner": "recenv.agents.offline_policy",
    "dr_learner": "recenv.agents.offline_policy",
    "epsilon_greedy_agent": "recenv.agents.neural",
    "fair_exposure_agent": "recenv.agents.fair_exposure",
    "find_agent": "recenv.agents.finding",
    "ips_learner": "recenv.agents.offline_policy",
    "load_agent": "recenv.agents.finding",
    "make_agent": "recenv.agents.finding",
    "make_schedule": "recenv.agents.schedules",
    "neural_thompson_agent": "recenv.agents.neural_linear",
    "neural_ucb_agent": "recenv.agents.neural_linear",
    "softmax_agent": "recenv.agents.neural",
    "squarecb_agent": "recenv.agents.squarecb",
    "text_features": "recenv.agents.text",
    "with_text": "recenv.agents.text",
}

__all__ = sorted(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
