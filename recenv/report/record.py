"""The report as JSON and CSV, for programs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recenv.report.context import ReportContext

if TYPE_CHECKING:
    from recenv.ope.comparison import Comparison

FORMAT_VERSION = 1


def report_json(
    comparison: Comparison, context: ReportContext, verdict: Sequence[str], versions: Mapping[str, str]
) -> bytes:
    """Return everything as JSON; what is NaN or infinite is null, a world is its name, card and mechanisms."""
    skipped = ("world", "verdict", "versions")
    fields = {
        item.name: getattr(context, item.name) for item in dataclasses.fields(context) if item.name not in skipped
    }
    content = {
        "kind": "report",
        "format_version": FORMAT_VERSION,
        "verdict": list(verdict),
        "versions": dict(versions),
        **fields,
        "world": None if context.world is None else _world(context.world),
        "comparison": comparison.as_dict(),
    }
    return (json.dumps(_plain(content), indent=2, allow_nan=False) + "\n").encode()


def report_tables(comparison: Comparison) -> dict[str, bytes]:
    """Return file name -> CSV: estimates, differences (`log` too), diagnostics, audits, sensitivity, reliability."""
    import pandas as pd

    frames = [frame for frame in (comparison.differences, comparison.against_log) if len(frame)]
    tables = {
        "estimates": comparison.table,
        "differences": pd.concat(frames, ignore_index=True) if frames else comparison.differences,
        "diagnostics": comparison.diagnostics,
    }
    if comparison.audits is not None:
        tables["audits"] = comparison.audits
    if comparison.sensitivity is not None:
        tables["sensitivity"] = comparison.sensitivity
    if comparison.reliability is not None:
        tables["reliability"] = comparison.reliability.table
    return {f"{name}.csv": frame.to_csv(index=False, lineterminator="\n").encode() for name, frame in tables.items()}


def _world(world: Any) -> dict[str, Any]:
    return {
        "name": world.name,
        "seed": world.seed,
        "users": world.n_users,
        "items": world.n_items,
        "behaviour": dataclasses.asdict(world.behaviour),
        "held": dict(world.held),
        "card": dict(world.card),
    }


def _plain(value: Any) -> Any:
    """Return numbers, text, lists and mappings only."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | bool) or value is None else str(value)
