"""A scene in a terminal: `render_mode="human"`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recenv.envs.render_scene import Scene

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.panel import Panel

LAST = 8
"""Earlier items that are listed."""
FULL, EMPTY, WIDTH = "█", "░", 5


def panel(scene: Scene) -> Panel:
    """Return a rich panel: the user, the history, what was shown with its response, and why."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    parts: list[RenderableType] = [Text(scene.outcome, style="bold")]
    if scene.likes:
        parts.append(Text(f"Liked topics of this session: {', '.join(scene.likes)}"))
    parts += [*_history(scene), *_slate(scene)]
    if scene.why:
        parts += [Text("\nWhy", style="bold"), *(Text(sentence) for sentence in scene.why)]
    return Panel(Group(*parts), title=Text(scene.heading), title_align="left")


def bar(felt: float) -> str:
    """Return a number in [0, 1] as a bar of five blocks; NaN, nothing consumed, is blank."""
    if felt != felt:
        return " " * WIDTH
    filled = round(felt * WIDTH)
    return FULL * filled + EMPTY * (WIDTH - filled)


def _history(scene: Scene) -> list[RenderableType]:
    from rich.text import Text

    if not scene.history:
        return []
    more = f", the last {LAST} of {len(scene.history)}" if len(scene.history) > LAST else ""
    lines = [Text(f"{bar(felt)} {title}") for title, felt in scene.history[-LAST:]]
    return [Text(f"\nHistory{more}", style="bold"), *lines]


def _slate(scene: Scene) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    if not scene.slate:
        return []
    table = Table("position", "shown", "response", "rating", box=None, padding=(0, 2, 0, 0))
    for position, shown in enumerate(scene.slate, 1):
        style = "green" if shown.liked else ""
        table.add_row(str(position), Text(shown.title), Text(shown.response, style=style), bar(shown.felt))
    return [Text("\nShown now", style="bold"), table]
