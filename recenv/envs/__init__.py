"""Environments: one batch core, thin adapters."""

from __future__ import annotations

from recenv.lazy import lazy

_HOMES = {
    "Counterfactual": "recenv.envs.counterfactual",
    "EXPECTED": "recenv.envs.expected",
    "EnvConfig": "recenv.envs.config",
    "Explanation": "recenv.envs.explaining",
    "OUTCOME": "recenv.envs.state",
    "RecSysEnv": "recenv.envs.single",
    "RecSysVectorEnv": "recenv.envs.vector",
    "ResponseExplanation": "recenv.envs.explaining",
    "TorchEnv": "recenv.envs.torch_env",
    "TreatmentEffect": "recenv.envs.treatment",
}

__all__ = sorted(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
