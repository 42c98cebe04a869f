"""`render()` of the environments: which modes there are, and what each returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

if TYPE_CHECKING:
    from recenv.envs.core import BatchCore

MODES = ("human", "rgb_array")
"""A panel in a terminal at every reset and step; a picture (640, 960, 3) uint8 on demand."""
FPS = 2
"""Frames a second of a video: a person should be able to read each."""
MOST = 9
"""Frames that a vector environment returns at most, of its first slots."""


def checked_mode(mode: str | None) -> str | None:
    """Return a render mode, or refuse one that does not exist with the names of those that do."""
    if mode is not None and mode not in MODES:
        raise ValueError(f"render_mode must be None or one of {', '.join(MODES)}, got {mode!r}")
    return mode


def render(core: BatchCore, mode: str | None) -> tuple[NDArray[np.uint8], ...] | None:
    """Return a picture of each of the first slots, or print their panels and return None.

    Raises
    ------
    ValueError
        If no mode was chosen when the environment was made.
    gymnasium.error.ResetNeeded
        Before the first reset.
    """
    if mode is None:
        raise ValueError(f"render() needs a mode: make the environment with render_mode= one of {', '.join(MODES)}")
    if (core.state.done & (core.state.slot["step"] == 0)).any():
        raise ResetNeeded("no episode was begun: call reset() before render()")
    from recenv.envs.render_scene import scenes

    seen = scenes(core, range(min(core.batch, MOST)))
    if mode == "rgb_array":
        from recenv.envs.render_picture import picture

        return tuple(picture(scene) for scene in seen)
    from rich.console import Console

    from recenv.envs.render_terminal import panel

    console = Console()
    for scene in seen:
        console.print(panel(scene))
    return None
