"""What the commands share on the screen: progress bars, notices, and options that mean the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

errors = Console(stderr=True)
console = Console()

Output = Annotated[Path, typer.Option("-o", "--output", help="Where to write.", show_default=False)]
WorldFolder = Annotated[
    Path,
    typer.Option("--world", help="Folder of a fitted world (`recenv fit`), or synthetic-SEED.", show_default=False),
]
Seed = Annotated[int, typer.Option(help="Seed; the same seed gives the same result.")]
Device = Annotated[str, typer.Option(help="Torch device: cpu, cuda, mps.")]
Reward = Annotated[str, typer.Option(help="rating, like, click, purchase, uplift or satisfaction.")]
Horizon = Annotated[int, typer.Option(help="Steps after which a session is cut.")]
SlateSize = Annotated[int, typer.Option(help="Items shown at once.")]


@contextmanager
def bar(title: str) -> Iterator[Callable[..., None]]:
    """Show a progress bar; yields a function of (done, total, text="")."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task(title, total=None, text="")

        def advance(done: int, total: int, text: str = "") -> None:
            progress.update(task, completed=done, total=total, text=text)

        yield advance


def wrote(path: Path, what: str) -> None:
    """Say what was written and where."""
    console.print(f"{what} -> {path}", soft_wrap=True, highlight=False)
