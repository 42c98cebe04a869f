"""Worlds as the command line opens them: policies meet only ratings that they were not made from."""

from __future__ import annotations

from pathlib import Path

from recenv.causal.world import World
from recenv.envs.config import EnvConfig, resolve_world


def held_out_world(source: str | Path) -> World:
    """Return the world of a folder (or "synthetic-SEED"), in which only the second part of the log is replayed."""
    world = resolve_world(EnvConfig(world=source))
    return world.held_out()
