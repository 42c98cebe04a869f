"""Other libraries' policies as agents of recenv; each needs its own package and nothing else."""

from __future__ import annotations

from recenv.lazy import lazy

_HOMES = {
    "D3rlpyAgent": "recenv.agents.adapters.d3rlpy",
    "FunctionPolicy": "recenv.agents.adapters.function",
    "MABWiserAgent": "recenv.agents.adapters.mabwiser",
    "MABWiserSamplingAgent": "recenv.agents.adapters.mabwiser",
    "OBPLearnerAgent": "recenv.agents.adapters.open_bandit_pipeline",
    "OBPPolicyAgent": "recenv.agents.adapters.open_bandit_pipeline",
    "PolicyAgent": "recenv.agents.adapters.function",
    "Proportional": "recenv.agents.adapters.proportional",
    "SB3Agent": "recenv.agents.adapters.sb3",
    "SklearnAgent": "recenv.agents.adapters.sklearn",
    "VowpalWabbitAgent": "recenv.agents.adapters.vowpal_wabbit",
}

__all__ = sorted(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
