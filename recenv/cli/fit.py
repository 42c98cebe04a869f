"""`recenv fit`: from a ratings log to a world."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recenv.cli.console import Device, Output, Seed, bar, console, wrote

if TYPE_CHECKING:
    from recenv.causal.world import World
    from recenv.data import RatingsLog

Source = Annotated[
    str, typer.Argument(help="A ratings file (CSV, TSV, Parquet) or the name of a data set.", show_default=False)
]


def fit_world(
    source: Source,
    output: Output = Path("world"),
    seed: Seed = 0,
    column: Annotated[
        list[str] | None, typer.Option(help="Rename a column: user=my_user_column. Repeat for more.")
    ] = None,
    items: Annotated[Path | None, typer.Option(help="Table of items: titles, genres.", show_default=False)] = None,
    home: Annotated[Path | None, typer.Option(help="Folder of data sets.", show_default=False)] = None,
    levels: Annotated[int | None, typer.Option(help="Cut a continuous scale into so many levels.")] = None,
    first_share: Annotated[
        float, typer.Option(help="Share of the ratings that policies and the fit may see; the rest checks the world.")
    ] = 0.7,
    weighting: Annotated[str, typer.Option(help="snips (inverse propensity) or naive.")] = "snips",
    dims: Annotated[int, typer.Option(help="Taste dimensions.")] = 16,
    ordered: Annotated[bool, typer.Option(help="The log's order is the order of consumption.")] = False,
    device: Device = "cpu",
) -> None:
    """Fit a causal world to a ratings log.

    The file needs the columns user, item and rating (usual names are recognised); timestamp is optional.
    """
    log = read_log(source, column or [], items, home)
    if levels is not None:
        log = log.discretise(levels)
    from recenv.causal.world import World

    with bar(f"Fitting {log.name}") as advance:
        world = World.fit(
            log,
            seed=seed,
            first_share=first_share,
            weighting=weighting,
            dims=dims,
            ordered=ordered,
            device=device,
            progress=advance,
        )
    world.save(output)
    print_card(world)
    wrote(output, "world")


def read_log(source: str, column: list[str], items: Path | None, home: Path | None) -> RatingsLog:
    """Return the log of a file or a data set's name."""
    from recenv.data import RatingsLog, load_log

    if not column and items is None:
        return load_log(source, home=home)
    renamed = dict(_pair(text) for text in column)
    return RatingsLog.read(source, items=items, columns=renamed or None)


def _pair(text: str) -> tuple[str, str]:
    name, equals, given = text.partition("=")
    if not (name and equals and given):
        raise ValueError(f"--column must be NAME=COLUMN, such as user=customer_id; got {text!r}")
    return name, given


def print_card(world: World) -> None:
    """Print the validation card's main numbers."""
    card = world.card
    console.print(
        f"{card['users']:,} users, {card['items']:,} items, {card['ratings']:,} ratings, "
        f"{len(world.topic_names)} topics; measured on the {card['measured_on']}:",
        highlight=False,
    )
    console.print(
        f"  error of the rating {card['rmse']:.3f} (the mean rating alone: {card['rmse_of_the_mean_rating']:.3f}), "
        f"weighted to random exposure {card['rmse_propensity_weighted']:.3f}, "
        f"log score {card['log_score']:.3f} (rating shares alone: {card['log_score_of_the_rating_shares']:.3f})",
        highlight=False,
        soft_wrap=True,
    )
