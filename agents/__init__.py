"""Agents that ship with recenv, installed as `recenv.agents`, and how agents are found by name."""

from __future__ import annotations

from recenv.lazy import lazy

_HOMES = {
    "DQNAgent": "recenv.agents.dqn",
    "EpsilonGreedy": "recenv.agents.exploration",
    "Exploration": "recenv.agents.exploration",
    "LinearSchedule": "recenv.agents.schedules",
    "PopularityAgent": "recenv.agents.popularity",
    "ScoreAgent": "recenv.agents.scoring",
    "Softmax": "recenv.agents.exploration",
    "TwoTowerAgent": "recenv.agents.two_tower",
    "UniformAgent": "recenv.agents.uniform",
    "agent_names": "recenv.agents.finding",
    "epsilon_greedy_agent": "recenv.agents.two_tower",
    "find_agent": "recenv.agents.finding",
    "load_agent": "recenv.agents.finding",
    "make_agent": "recenv.agents.finding",
    "softmax_agent": "recenv.agents.two_tower",
}

__all__ = sorted(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
