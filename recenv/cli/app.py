"""The commands of `recenv`, and what happens when one fails."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from recenv._version import __version__
from recenv.cli.agents import list_agents
from recenv.cli.collect import collect_log
from recenv.cli.compare import compare_policies
from recenv.cli.console import errors
from recenv.cli.data import data_app
from recenv.cli.demo import run_demo
from recenv.cli.fit import fit_world
from recenv.cli.train import train_agent
from recenv.cli.worlds import worlds_app

app = typer.Typer(
    name="recenv",
    help="Which recommendation policy is better, and how sure are we, before any user sees it?",
    epilog="ratings log -> fit -> world -> train, collect -> logged feedback -> compare -> report",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(data_app, name="data")
app.add_typer(worlds_app, name="worlds")
app.command("demo")(run_demo)
app.command("fit")(fit_world)
app.command("train")(train_agent)
app.command("collect")(collect_log)
app.command("compare")(compare_policies)
app.command("agents")(list_agents)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"recenv {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    pass


def run() -> None:
    """Run the command line and exit: 0 done, 1 refused or failed, 2 wrong usage, 130 stopped by the user."""
    try:
        app()
    except KeyboardInterrupt:
        errors.print("Stopped. Finished files are whole; run the same command again to go on.")
        sys.exit(130)
    except Exception as error:
        if os.environ.get("RECENV_DEBUG"):
            raise
        errors.print(f"[bold red]Error:[/] {_text(error)}", soft_wrap=True)
        sys.exit(1)


def _text(error: Exception) -> str:
    from rich.markup import escape

    if isinstance(error, (ValueError, TypeError, OSError, RuntimeError, ImportError)) and str(error):
        return escape(str(error))
    return escape(f"{type(error).__name__}: {error} (set RECENV_DEBUG=1 to see where; this is a fault of recenv)")
