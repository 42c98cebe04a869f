"""Registration of the environment ids, as strings: nothing is imported before an environment is made."""

from __future__ import annotations


def register() -> None:
    """Register recenv's ids with Gymnasium; calling it again changes nothing."""
    import gymnasium

    if "RecSys-v0" not in gymnasium.registry:
        gymnasium.register(
            "RecSys-v0",
            entry_point="recenv.envs.single:RecSysEnv",
            vector_entry_point="recenv.envs.vector:RecSysVectorEnv",
        )
