"""The report: one self-contained page that a product manager can read and a statistician can check."""

from __future__ import annotations

from recenv.lazy import lazy

_HOMES = {
    "ReportContext": "recenv.report.context",
    "collect_versions": "recenv.report.versions",
    "describe_machine": "recenv.report.versions",
    "draw_graph": "recenv.report.graph_drawing",
    "graph_figure": "recenv.report.graph_drawing",
    "verdict_lines": "recenv.report.plain_verdict",
    "write_card": "recenv.report.card_page",
    "write_report": "recenv.report.write",
}

__all__ = sorted(_HOMES)
__getattr__ = lazy(__name__, _HOMES)
