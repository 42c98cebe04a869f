"""The checkpoint of a fit: where its training stands, so that a fit that was killed goes on to the same world.

A folder with one record, `fit`, replaced at the end of an epoch, whole or not at all. What decides the course of the
training (model, ratings, weights, generator) is summarised in it, and a fit of anything else is refused.
"""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.generators import generator_digest
from recenv.protocol import ResponseData, ResponseModel
from recenv.storage import read_record, write_record

FORMAT_VERSION = 1
KIND = "fit"
EVERY = 20.0
"""Seconds from one checkpoint to the next, at least."""


class Standing(NamedTuple):
    """Where a training stands."""

    meta: dict[str, Any]
    """Numbers and texts, as JSON."""
    arrays: dict[str, NDArray[Any]]
    """Parameters and what the optimiser remembers of them."""


class FitCheckpoint:
    """The checkpoint of one response model's training.

    Parameters
    ----------
    folder
        Where it is kept; made with the first one.
    settings
        What must be the same in a fit that goes on; see `settings_of`.
    resume
        Whether to go on from what the folder holds; False removes it and begins anew.

    Raises
    ------
    ValueError
        If the folder holds the checkpoint of another fit, or a damaged one; the first difference is named.
    """

    def __init__(self, folder: str | Path, settings: Mapping[str, str], *, resume: bool = True) -> None:
        self.folder, self.settings = Path(folder), dict(settings)
        self._kept_at = time.monotonic()
        self.standing = self._read(resume)
        """Where the newest checkpoint stands; None if there is none."""

    def _read(self, resume: bool) -> Standing | None:
        home = self.folder / KIND
        if not (home / f"{KIND}.json").is_file():
            return None
        if not resume:
            shutil.rmtree(home)
            return None
        meta, arrays = read_record(home, KIND, version=FORMAT_VERSION)
        for name, ours in self.settings.items():
            if (theirs := meta["settings"].get(name)) != ours:
                raise ValueError(
                    f"checkpoint {self.folder} is of a fit whose {name} is {theirs}, here it is {ours}: go on with "
                    "the same, begin anew with resume=False, or name another folder"
                )
        return Standing(meta["standing"], arrays)

    def due(self) -> bool:
        """Say whether the last checkpoint is old enough for another."""
        return time.monotonic() - self._kept_at >= EVERY

    def keep(self, standing: Standing) -> None:
        """Replace the checkpoint."""
        meta = {"settings": self.settings, "standing": standing.meta}
        write_record(self.folder / KIND, KIND, version=FORMAT_VERSION, meta=meta, arrays=standing.arrays)
        self._kept_at = time.monotonic()


def settings_of(model: ResponseModel, data: ResponseData, rng: np.random.Generator, device: str) -> dict[str, str]:
    """Return what decides the course of a training: the model, its options, the ratings and the first generator."""
    kind = type(model)
    return {
        "response model": f"{kind.__module__}:{kind.__qualname__}",
        "response model's options": _options(model),
        "device": device,
        "users and items": f"{data.n_users} x {data.n_items}",
        "seed": generator_digest(rng),
        "ratings": _digest(*(np.ascontiguousarray(array).tobytes() for array in _arrays(data))),
    }


def _options(model: ResponseModel) -> str:
    """Return the model's configuration in words; a function in it goes by its name."""
    config = getattr(model, "config", None)
    if not dataclasses.is_dataclass(config):
        return str(config)
    values = ((item.name, getattr(config, item.name)) for item in dataclasses.fields(config))
    return ", ".join(f"{name}={getattr(value, '__qualname__', value)}" for name, value in values)


def _arrays(data: ResponseData) -> list[NDArray[Any]]:
    """Return every array that a model may learn from."""
    arrays = [*data.train, *data.validation, data.scale, data.user_features, data.item_features]
    return [np.asarray(array) for array in arrays if array is not None]


def _digest(*parts: bytes) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()[:16]
