"""Registration of the environment ids, as strings: nothing is imported before an environment is made."""

from __future__ import annotations

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    "RecSys-v0": {},
    "RecSysSlate-v0": {"slate_size": 5},
    "RecSysReplay-v0": {"feedback": "logged", "candidates": 10},
    "RecSysUplift-v0": {"reward": "uplift"},
}
"""Id -> the arguments of the one environment that it stands for; others may be given beside them, or instead."""


def register() -> None:
    """Register recenv's ids with Gymnasium; calling it again changes nothing."""
    import gymnasium

    for name, arguments in PRESETS.items():
        if name not in gymnasium.registry:
            gymnasium.register(
                name,
                entry_point="recenv.envs.single:RecSysEnv",
                vector_entry_point="recenv.envs.vector:RecSysVectorEnv",
                kwargs=dict(arguments),
            )
