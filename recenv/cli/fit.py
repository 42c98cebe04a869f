"""`recenv fit`: from a ratings log to a world."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recenv.cli.console import Device, Output, Seed, bar, console, wrote

if TYPE_CHECKING:
    from recenv.causal.ensemble import Ensemble
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
    response: Annotated[
        str,
        typer.Option(
            help="Model of the utility: factorisation, features, two_tower, autoencoder, transformer, posterior."
        ),
    ] = "factorisation",
    likelihood: Annotated[str, typer.Option(help="Of the factorisation: ordinal or gaussian.")] = "ordinal",
    deconfounded: Annotated[
        bool, typer.Option(help="Add a substitute confounder made of who rated what (a heuristic).")
    ] = False,
    weighting: Annotated[
        str,
        typer.Option(
            help="Against missing-not-at-random: snips, ips, dr, naive; or (full_)likelihood with --randomised."
        ),
    ] = "snips",
    exposure: Annotated[
        str, typer.Option(help="Propensities: rasch, popularity, poisson, features or self_selection.")
    ] = "rasch",
    randomised: Annotated[
        str | None, typer.Option(help="Ratings of randomly drawn pairs, same ids: they identify the selection.")
    ] = None,
    dims: Annotated[int | None, typer.Option(help="Taste dimensions of the factorisation.", show_default="16")] = None,
    ensemble: Annotated[
        int | None, typer.Option(help="Fit so many worlds, whose spread is what the log leaves open.")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Folder to keep the training in, to go on from when stopped.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the checkpoint, or begin anew.")] = True,
    ordered: Annotated[bool, typer.Option(help="The log's order is the order of consumption.")] = False,
    device: Device = "cpu",
) -> None:
    """Fit a causal world to a ratings log.

    The file needs the columns user, item and rating (usual names are recognised); timestamp is optional.
    """
    if checkpoint is not None and output.resolve() in (checkpoint.resolve(), *checkpoint.resolve().parents):
        raise ValueError(f"--checkpoint {checkpoint} is inside -o {output}, which the world fills: name another folder")
    log = read_log(source, column or [], items, home)
    if levels is not None:
        log = log.discretise(levels)
    options: dict[str, Any] = {
        "response": response,
        "likelihood": likelihood,
        "deconfounded": deconfounded,
        "weighting": weighting,
        "exposure": exposure,
        "first_share": first_share,
        "ordered": ordered,
        "checkpoint": checkpoint,
        "resume": resume,
        "randomised": None if randomised is None else read_log(randomised, column or [], None, home),
        **({} if dims is None else {"dims": dims}),
    }
    from recenv.causal.world import World

    with bar(f"Fitting {log.name}") as advance:
        if ensemble is None:
            made: World | Ensemble = World.fit(log, seed=seed, device=device, progress=advance, **options)
        else:
            made = World.ensemble(log, members=ensemble, seed=seed, device=device, progress=advance, **options)
    made.save(output)
    print_card(made if isinstance(made, World) else made[0])
    wrote(output, "world" if isinstance(made, World) else f"ensemble of {len(made)} worlds")


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
