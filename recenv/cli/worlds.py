"""Worlds as the command line opens and shows them: policies meet only ratings that they were not made from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recenv.causal.world import World
from recenv.cli.console import console, wrote
from recenv.envs.config import EnvConfig, resolve_world

worlds_app = typer.Typer(help="Look at worlds: their validation card and their causal graph.", no_args_is_help=True)


@worlds_app.callback()
def _worlds() -> None:
    pass


@worlds_app.command("show")
def show_world(
    world: Annotated[str, typer.Argument(help="Folder of a fitted world, or synthetic-SEED.", show_default=False)],
    card: Annotated[Path | None, typer.Option(help="Write the card here: .html or .json.", show_default=False)] = None,
    graph: Annotated[Path | None, typer.Option(help="Draw the causal graph here: .svg, .png, .pdf.")] = None,
    randomised: Annotated[
        str | None, typer.Option(help="Ratings of randomly drawn pairs, same ids, to measure the error on.")
    ] = None,
) -> None:
    """Measure a world on the ratings that its fit has not seen, and print its validation card."""
    from recenv.causal.validation import validate
    from recenv.data import load_log

    opened = resolve_world(EnvConfig(world=world))
    measured = validate(opened, None if randomised is None else load_log(randomised))
    console.print(str(measured), highlight=False, markup=False, soft_wrap=True)
    if card is not None:
        from recenv.report import write_card

        wrote(write_card(measured, card), "card")
    if graph is not None:
        opened.graph.draw(graph)
        wrote(graph, "graph")


def held_out_world(source: str | Path) -> World:
    """Return the world of a folder (or "synthetic-SEED"), in which only the second part of the log is replayed."""
    world = resolve_world(EnvConfig(world=source))
    return world.held_out()
