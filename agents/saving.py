"""Saved agents: one folder of JSON and arrays; nothing in it can execute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.protocol import Catalogue
from recenv.storage import read_record, write_record

FORMAT_VERSION = 1


class SavedAgent(NamedTuple):
    """What a folder holds."""

    name: str
    """Registered name."""
    options: dict[str, Any]
    """Keyword arguments the agent was made with."""
    trained_on: tuple[int, ...]
    """Fingerprint of the user-item pairs that its catalogue was made from."""
    state: dict[str, Any]
    """Counters and generator state, as JSON."""
    arrays: dict[str, NDArray[Any]]
    """Parameters, optimiser state and replay."""


def write_agent(
    folder: str | Path,
    name: str,
    *,
    options: Mapping[str, Any],
    trained_on: tuple[int, ...],
    state: Mapping[str, Any] | None = None,
    arrays: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Write an agent, whole or not at all."""
    plain = {option: value.item() if isinstance(value, np.generic) else value for option, value in options.items()}
    meta = {"agent": name, "options": plain, "trained_on": [int(one) for one in trained_on]}
    meta["state"] = dict(state or {})
    write_record(folder, "agent", version=FORMAT_VERSION, meta=meta, arrays=arrays or {})


def read_agent(folder: str | Path, names: tuple[str, ...]) -> SavedAgent:
    """Read an agent that was saved under one of `names`.

    Raises
    ------
    FileNotFoundError
        If there is no agent in the folder.
    ValueError
        If it is another agent, damaged, or from a newer version.
    """
    meta, arrays = read_record(folder, "agent", version=FORMAT_VERSION)
    if meta.get("agent") not in names:
        raise ValueError(f"{folder} holds an agent {meta.get('agent')!r}, not {' or '.join(names)}: use load_agent")
    _check_contents(folder, meta)
    return SavedAgent(meta["agent"], meta["options"], tuple(meta["trained_on"]), meta["state"], arrays)


def _check_contents(folder: str | Path, meta: Mapping[str, Any]) -> None:
    for name, kind in (("options", dict), ("trained_on", list), ("state", dict)):
        if not isinstance(meta.get(name), kind):
            found = repr(meta[name]) if name in meta else "nothing"
            raise ValueError(f"{folder}/agent.json holds {found} as {name!r}: it is damaged; train the agent again")


def catalogue_arrays(catalogue: Catalogue) -> dict[str, NDArray[Any]]:
    """Return what a learning agent needs of its catalogue, so that it can be loaded without a world."""
    return {"catalogue.features": catalogue.features, "catalogue.popularity": catalogue.popularity}


def saved_catalogue(saved: SavedAgent) -> Catalogue:
    """Return the catalogue that `catalogue_arrays` kept; titles are left out."""
    return Catalogue(
        saved.arrays["catalogue.features"],
        saved.arrays["catalogue.popularity"],
        saved.state["observation_size"],
        fingerprint=saved.trained_on,
    )


def check_catalogue(
    folder: str | Path, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], catalogue: Catalogue
) -> None:
    """Refuse a saved agent that was made for another catalogue; one that kept nothing of it fits all.

    Raises
    ------
    ValueError
        If the number of items, their features or popularity, or the observation's width differ.
    """
    _check_contents(folder, meta)
    difference = _difference(meta["state"], arrays, catalogue)
    if difference:
        raise ValueError(
            f"{folder} holds an agent {meta['agent']!r} that was made for a catalogue of {difference}: "
            "train an agent for this world, or use the world that it was trained in"
        )


def _difference(state: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], catalogue: Catalogue) -> str:
    """Return in words how the kept catalogue differs; empty where it does not."""
    features = arrays.get("catalogue.features", catalogue.features)
    popularity = arrays.get("catalogue.popularity", catalogue.popularity)
    n_items = state.get("n_items", len(popularity if "catalogue.popularity" in arrays else features))
    width = state.get("observation_size", catalogue.observation_size)
    theirs, ours = (n_items, features.shape[1], width), (catalogue.n_items, *catalogue.features.shape[1:])
    ours = (*ours, catalogue.observation_size)
    if theirs != ours:
        return (
            f"{theirs[0]} items of {theirs[1]} features and observations of {theirs[2]} numbers; this one has "
            f"{ours[0]}, {ours[1]} and {ours[2]}"
        )
    for what, one, other in (
        ("features", features, catalogue.features),
        ("popularity", popularity, catalogue.popularity),
    ):
        if not np.array_equal(one, other):
            return f"as many items, but of other {what} (of another log, or another part of it)"
    return ""
