"""The report: one self-contained page that a product manager can read and a statistician can check."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "ReportContext": "recenv.report.context",
    "collect_versions": "recenv.report.versions",
    "describe_machine": "recenv.report.versions",
    "graph_figure": "recenv.report.graph_drawing",
    "verdict_lines": "recenv.report.plain_verdict",
    "write_report": "recenv.report.write",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
