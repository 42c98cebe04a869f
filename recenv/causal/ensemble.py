"""Ensembles: worlds that explain the same log, and how much they disagree.

Members share the log's two parts and the opinion noise, so that they are compared pair by pair. They differ in the
ratings' bootstrap weights and start values, and in the class of the response model where several are given. What they
disagree about the log leaves open. The converse does not hold: what all members shrink to the mean they agree on, so
the spread is a lower bound of the error, good for ranking pairs and policies by it, not an interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from recenv.causal.fit import Resample, fit_world
from recenv.causal.world import World
from recenv.protocol import ResponseModel
from recenv.storage import atomic_folder, check_version, write_json

FORMAT_VERSION = 1


class MeanAndSpread(NamedTuple):
    """What the members say of the same pairs."""

    mean: NDArray[np.float64]
    """(n,) over the members."""
    spread: NDArray[np.float64]
    """(n,) standard deviation over the members."""


class Ensemble(Sequence[World]):
    """A sequence of worlds of the same users and items.

    Raises
    ------
    ValueError
        If there are fewer than two, or they are not of the same users, items and scale.
    """

    def __init__(self, worlds: Sequence[World]) -> None:
        if len(worlds) < 2:
            raise ValueError(f"an ensemble needs at least 2 members to disagree, got {len(worlds)}")
        for place, world in enumerate(worlds):
            for name in ("user_ids", "item_ids", "scale"):
                if not np.array_equal(getattr(world, name), getattr(worlds[0], name)):
                    raise ValueError(f"worlds[{place}].{name} differs from worlds[0]'s: members must be of one log")
        self._worlds = tuple(worlds)

    def __len__(self) -> int:
        """Return the number of members."""
        return len(self._worlds)

    @overload
    def __getitem__(self, place: int) -> World: ...
    @overload
    def __getitem__(self, place: slice) -> Ensemble: ...
    def __getitem__(self, place: int | slice) -> World | Ensemble:
        """Return one world, or an ensemble of some."""
        return Ensemble(self._worlds[place]) if isinstance(place, slice) else self._worlds[place]

    def __repr__(self) -> str:
        """Name the log and the number of members."""
        return f"Ensemble({len(self)} worlds of {self[0].name!r})"

    def expected_rating(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> MeanAndSpread:
        """Return mean and spread (n,) over the members of the mean rating of each pair, on the log's scale."""
        rating = np.stack([world.expected_rating(users, items) for world in self._worlds])
        return MeanAndSpread(rating.mean(0), rating.std(0, ddof=1))

    def save(self, folder: str | Path) -> None:
        """Write every world into a folder, whole or not at all."""
        with atomic_folder(folder, "ensemble") as temporary:
            names = [f"member-{place:03}" for place in range(len(self))]
            for name, world in zip(names, self._worlds, strict=True):
                world.save(temporary / name)
            write_json(temporary / "ensemble.json", {"format_version": FORMAT_VERSION, "members": names})

    @classmethod
    def load(cls, folder: str | Path) -> Ensemble:
        """Read a saved ensemble.

        Raises
        ------
        FileNotFoundError
            If there is none in the folder.
        ValueError
            If it is damaged or from a newer version.
        """
        import json

        header = Path(folder) / "ensemble.json"
        if not header.is_file():
            raise FileNotFoundError(f"{folder} is not a saved ensemble: there is no ensemble.json in it")
        try:
            meta = json.loads(header.read_text(encoding="utf-8"))
            names = [str(name) for name in meta["members"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{header} is damaged ({error}); make the ensemble again") from None
        check_version(meta.get("format_version"), FORMAT_VERSION, header)
        return cls([World.load(Path(folder) / name) for name in names])


def fit_ensemble(
    log: Any,
    *,
    members: int = 5,
    seed: int = 0,
    response: str | ResponseModel | Sequence[str | ResponseModel] = "factorisation",
    bootstrap: bool = True,
    progress: Callable[[int, int, str], None] | None = None,
    checkpoint: str | Path | None = None,
    **options: Any,
) -> Ensemble:
    """Fit an ensemble; see `World.ensemble`. A `checkpoint` has a folder for each member."""
    from recenv.data import load_log

    if members < 2:
        raise ValueError(f"members must be at least 2, got {members}")
    log = load_log(log)
    responses = [response] if isinstance(response, str) or not isinstance(response, Sequence) else list(response)
    if not responses:
        raise ValueError("response is an empty list: name at least one response model")
    worlds: list[World] = []
    for member in range(members):
        topics = (worlds[0].topic, worlds[0].topic_names) if worlds else None
        worlds.append(
            fit_world(
                log,
                seed=seed,
                response=responses[member % len(responses)],
                resample=Resample(member, bootstrap, topics),
                progress=_of_member(progress, member, members),
                checkpoint=None if checkpoint is None else Path(checkpoint) / f"member-{member:03}",
                **options,
            )
        )
    return Ensemble(worlds)


def _of_member(
    progress: Callable[[int, int, str], None] | None, member: int, members: int
) -> Callable[[int, int, str], None] | None:
    """Return the progress of one member as part of the whole."""
    if progress is None:
        return None
    return lambda step, steps, text: progress(member * steps + step, members * steps, f"member {member + 1}: {text}")
