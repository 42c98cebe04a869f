"""`recenv data`: which data sets there are, fetching one, and what is in one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from recenv.data.fetching import fetch
from recenv.data.home import data_home
from recenv.data.loading import LOADERS, load_named
from recenv.data.locating import fetch_command, find, is_intact
from recenv.data.open_bandit import CAMPAIGNS, POLICIES, load_open_bandit
from recenv.data.registry import DATA_SETS, DataSet, data_set

data_app = typer.Typer(help="List, fetch and describe data sets.", no_args_is_help=True)

Home = Annotated[
    Path | None,
    typer.Option(help="Folder of data sets, or of this one; else RECENV_DATA, else your cache.", show_default=False),
]
Name = Annotated[str, typer.Argument(help="A name of `recenv data list`.", show_default=False)]
_BAR = 30


@data_app.command("list")
def list_data_sets(home: Home = None) -> None:
    """List the data sets known by name."""
    table = Table(title=f"Data sets (in {data_home(home)})", title_justify="left")
    table.add_column("name", no_wrap=True)
    for heading in ("users", "items", "ratings", "MB"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("scale")
    table.add_column("here?", no_wrap=True)
    for entry in DATA_SETS:
        size = sum(member.size for member in entry.members) / 1e6
        users = "-" if entry.users is None else f"{entry.users:,}"
        counts = (users, f"{entry.items:,}", f"{entry.ratings:,}", f"{size:.1f}")
        table.add_row(entry.name, *counts, entry.scale, _state(entry, home))
    console = Console()
    console.print(table)
    console.print("Terms, citation and histogram: recenv data info NAME")


@data_app.command("fetch")
def fetch_data_set(name: Name, home: Home = None) -> None:
    """Fetch a data set through your own pip, verify it and say where it lies."""
    folder = fetch(name, home=home)
    Console().print(f"{name} is in {folder}", soft_wrap=True)


@data_app.command("info")
def describe_data_set(name: Name, home: Home = None) -> None:
    """Show a data set's source, terms, citation and, if it is here, its counts and rating histogram."""
    entry = data_set(name)
    console = Console()
    console.print(_description(entry, home))
    if find(entry, home) is None:
        console.print(_how_to_get(entry, home), soft_wrap=True)
    elif name in LOADERS:
        _show_ratings(console, load_named(name, home=home).summary())
    else:
        _show_bandit_logs(console, home)


def _state(entry: DataSet, home: Path | None) -> str:
    if find(entry, home) is not None:
        return "yes"
    return "no" if entry.source is not None else "no (local)"


def _how_to_get(entry: DataSet, home: Path | None) -> str:
    if entry.source is not None:
        return f"Not here yet; fetch it with: {fetch_command(entry, home)}"
    files = ", ".join(member.target + ("" if member.required else " (optional)") for member in entry.members)
    return f"Not here; it is not downloaded. Put {files} into a folder and name it: --home FOLDER"


def _description(entry: DataSet, home: Path | None) -> Table:
    table = Table(title=entry.title, title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("source", "a folder of yours" if entry.source is None else f"{entry.source.requirement} (wheel)")
    if entry.source is not None:
        table.add_row("sha256", entry.source.sha256)
    table.add_row("terms", entry.terms)
    table.add_row("cite", entry.citation)
    if (folder := find(entry, home)) is not None:
        table.add_row("folder", str(folder))
        table.add_row("files", _checked(entry, folder))
    return table


def _checked(entry: DataSet, folder: Path) -> str:
    """Return how many files equal the registered ones; a local copy may differ and still be right."""
    here = [member for member in entry.members if (folder / member.target).is_file()]
    intact = sum(is_intact(member, folder) for member in here)
    return f"{intact} of {len(here)} have the registered checksum"


def _show_ratings(console: Console, summary: dict[str, Any]) -> None:
    console.print(
        f"\n{summary['users']:,} users x {summary['items']:,} items, {summary['ratings']:,} ratings "
        f"({summary['density']:.2%} of all pairs), mean {summary['mean']:.3f}"
    )
    table = Table("rating", title="Ratings", title_justify="left")
    table.add_column("count", justify="right")
    table.add_column("share", justify="right")
    table.add_column("")
    most = max(summary["histogram"].values())
    for level, count in summary["histogram"].items():
        bar = "#" * round(_BAR * count / most)
        table.add_row(level, f"{count:,}", f"{count / summary['ratings']:.1%}", bar)
    console.print(table)


def _show_bandit_logs(console: Console, home: Path | None) -> None:
    table = Table("policy", "campaign", title="Logs", title_justify="left")
    for heading in ("rounds", "items", "click rate", "smallest propensity"):
        table.add_column(heading, justify="right")
    for policy in POLICIES:
        for campaign in CAMPAIGNS:
            log = load_open_bandit(policy, campaign, home)
            rate, smallest = f"{log.reward.mean():.2%}", f"{log.pscore.min():.2g}"
            table.add_row(policy, campaign, f"{len(log):,}", str(log.n_actions), rate, smallest)
    console.print(table)
