"""How far estimators can be trusted: tables, the worst case over worlds, and the choice that follows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.ope.reliability_scores import Metric, loss, metrics, summarise
from recenv.ope.reliability_selection import Selection, select
from recenv.storage import write_json

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
SHOWN = ("rmse", "bias", "coverage", "coverage_ok", "abstention", "rank_correlation", "regret@1", "false_winner_rate")
"""What the text shows; everything is in the tables."""
UNSURE_TRUTH = 0.25
"""From this share of the RMSE on, the truth's own error blurs what is measured."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """How estimators did on replicated logs of worlds whose truth is known."""

    worlds: tuple[str, ...]
    """W names."""
    estimators: tuple[str, ...]
    """E names."""
    estimands: tuple[str, ...]
    """(E,) what each estimates; it was compared with that truth only."""
    scores: Mapping[str, NDArray[np.float64]]
    """Metric -> (W, E, R, 2) sums and counts of every replication."""
    by_policy: pd.DataFrame
    """One row a world, estimator and policy: bias, rmse, coverage, coverage_ok, width, abstention, unanswered."""
    settings: Mapping[str, Any]
    """How it was made: replications, seed, k, interval, confidence, hyper, ..."""

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """The measures, by name; see `recenv.ope.reliability_scores`."""
        return metrics(self.settings["k"])

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a world and estimator: world, estimator, estimand, and each metric with its standard error.

        Errors are taken over policies and replications together: `bias` is signed, and may cancel over policies (see
        `by_policy`). `coverage_ok` is over verdicts `ok`, `abstention` the share of "not enough overlap", `unanswered`
        of estimates that are no number. `false_winner_rate` is the share of replications in which `differences`
        declares a winner that is none, by the simultaneous interval (`_ok`: among the pairs with verdict `ok`;
        `_p`: by the adjusted p value). NaN where a metric has no cases.
        """
        import pandas as pd

        records = []
        for w, world in enumerate(self.worlds):
            for e, estimator in enumerate(self.estimators):
                record: dict[str, Any] = {"world": world, "estimator": estimator, "estimand": self.estimands[e]}
                for name, metric in self.metrics.items():
                    record[name], record[f"{name}_std_error"] = summarise(self.scores[name][w, e], metric)
                records.append(record)
        return pd.DataFrame.from_records(records)

    @cached_property
    def worst(self) -> pd.DataFrame:
        """One row an estimator: each metric in the world where it is worst, its standard error and that world."""
        import pandas as pd

        records = []
        for estimator, rows in self.table.groupby("estimator", sort=False):
            record: dict[str, Any] = {"estimator": estimator, "estimand": rows["estimand"].iloc[0]}
            for name, metric in self.metrics.items():
                bad = loss(rows[name].to_numpy(dtype=np.float64), metric, name)
                place = int(np.argmax(np.where(np.isnan(bad), -np.inf, bad)))
                record[name], record[f"{name}_std_error"] = (
                    rows[name].iloc[place],
                    rows[f"{name}_std_error"].iloc[place],
                )
                record[f"{name}_world"] = rows["world"].iloc[place]
            records.append(record)
        return pd.DataFrame.from_records(records)

    def select(self, metric: str = "rmse", *, estimand: str | None = None, confidence: float = 0.95) -> Selection:
        """Return the estimator whose worst case over the worlds is best, by how much, and whether that is clear.

        Parameters
        ----------
        metric : str
            A column of `table`.
        estimand : str, optional
            Which estimators to compare; needed where they estimate different things.
        confidence : float
            Share of resampled replications in which it must be the best to be clear.

        Raises
        ------
        ValueError
            If the metric or estimand is unknown, estimands are mixed, or no estimator can be compared.
        """
        if metric not in self.metrics:
            raise ValueError(f"there is no metric {metric!r}; there are {', '.join(self.metrics)}")
        known = tuple(dict.fromkeys(self.estimands))
        if estimand is None and len(known) > 1:
            raise ValueError(f"the estimators estimate {' and '.join(known)}, which do not compare: pass estimand=")
        if estimand not in (None, *known):
            raise ValueError(f"no estimator estimates {estimand!r}; there are {', '.join(known)}")
        places = [e for e, own in enumerate(self.estimands) if estimand in (None, own)]
        unanswered = self.scores["unanswered"][:, places]
        return select(
            self.scores[metric][:, places],
            unanswered[..., 0].sum(axis=2) / unanswered[..., 1].sum(axis=2),
            name=metric,
            metric=self.metrics[metric],
            worlds=self.worlds,
            estimators=[self.estimators[e] for e in places],
            confidence=confidence,
            seed=self.settings["seed"],
        )

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the single replications as what JSON can hold; what is NaN is null."""
        frames = {"table": self.table, "worst": self.worst, "by_policy": self.by_policy}
        return {
            "worlds": list(self.worlds),
            "estimators": list(self.estimators),
            **{
                name: json.loads(frame.to_json(orient="records", double_precision=15)) for name, frame in frames.items()
            },
            "selected": {estimand: str(self.select(estimand=estimand)) for estimand in self._comparable()},
            "settings": json.loads(json.dumps(self.settings, default=float)),
        }

    def to_json(self, path: str | Path) -> None:
        """Write `as_dict` as JSON."""
        write_json(path, {"kind": "reliability", "format_version": FORMAT_VERSION, **self.as_dict()})

    def __str__(self) -> str:
        """Return the worst cases, the choice, and what to mind."""
        many = self.settings["replications"]
        lines = [
            f"{many} replications in {len(self.worlds)} worlds ({', '.join(self.worlds)}); the worst world of each:"
        ]
        lines += ["", *_columns(self.worst), ""]
        lines += [f"Choose by {one}: {self.select(estimand=one)}." for one in self._comparable()]
        return "\n".join([*lines, *self._warnings()])

    def _comparable(self) -> list[str]:
        """Return the estimands of which some estimator always gave a number."""
        unanswered = self.scores["unanswered"][..., 0].sum(axis=(0, 2))
        return list(dict.fromkeys(own for own, lost in zip(self.estimands, unanswered, strict=True) if lost == 0))

    def _warnings(self) -> list[str]:
        blurred = self.table[self.table["truth_std_error"] > UNSURE_TRUTH * self.table["rmse"]]
        lost = self.table[self.table["unanswered"] > 0]
        return [
            *(
                f"Mind: the truth of world {row['world']} is known to {row['truth_std_error']:.2g} only, against "
                f"an RMSE of {row['rmse']:.2g} of {row['estimator']}: simulate more sessions."
                for _, row in blurred.iterrows()
            ),
            *(
                f"Mind: {row['estimator']} gave no number in {row['unanswered']:.1%} of the cases in {row['world']}."
                for _, row in lost.iterrows()
            ),
        ]


def _columns(worst: pd.DataFrame) -> Sequence[str]:
    """Return the lines of a table, each number with its standard error."""
    shown = [name for name in SHOWN if name in worst]
    cells = [["estimator", *shown]]
    for _, row in worst.iterrows():
        cells.append([str(row["estimator"]), *(_cell(row[name], row[f"{name}_std_error"]) for name in shown)])
    width = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(text.rjust(size) for text, size in zip(line, width, strict=True)) for line in cells]


def _cell(value: float, error: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3g} ({error:.2g})"
