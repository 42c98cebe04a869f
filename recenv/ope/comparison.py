"""The result of an evaluation: tables for people and programs, and what may be said of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recenv.ope.verdict import Verdict
from recenv.storage import atomic_file, write_json

if TYPE_CHECKING:
    import pandas as pd

    from recenv.ope.reliability_result import Reliability

HEADLINE = (
    *("balanced_dr", "dr", "sndr", "sn_balanced_ips", "snips", "balanced_ips", "ips", "sn_mips"),
    *("cascade_dr", "sn_cascade_dr", "snsips", "sips", "kernel_dr", "kernel_snips", "sequential_dr", "wdr", "pdis"),
)
"""Which estimator speaks first in summaries, by preference."""
FORMAT_VERSION = 1


@dataclass(frozen=True, eq=False)
class Comparison:
    """How several policies do on one log."""

    policies: tuple[str, ...]
    """Names, in the order given."""
    table: pd.DataFrame
    """One row a policy and estimator: policy, estimator, estimand, value, std_error, lower, upper, ess, verdict,
    reason, propensity, truth, truth_std_error (NaN where unknown)."""
    differences: pd.DataFrame
    """One row an estimator and pair of policies: estimator, policy, versus, difference, std_error, lower, upper,
    lower_simultaneous, upper_simultaneous, p_adjusted, verdict."""
    against_log: pd.DataFrame
    """The same against the mean reward of the log itself; `versus` is "log"."""
    diagnostics: pd.DataFrame
    """One row a policy, see `Diagnostics`."""
    weights: pd.DataFrame
    """Histogram of each policy's weights: policy, low, high, rows and weight (shares)."""
    logged: Mapping[str, float]
    """What the log itself earned a row: value, std_error, lower, upper."""
    truth: Mapping[str, Mapping[str, tuple[float, float]]]
    """Policy -> estimand -> (value, std_error), as the caller knows it."""
    audits: pd.DataFrame | None = None
    """One row a test of what the evaluation rests on: policy ("" of the log itself), audit, value, std_error, p_value,
    finding; see `recenv.ope.audits`. None where only whole sessions were looked at."""
    sensitivity: pd.DataFrame | None = None
    """What hidden confounding could do to the leading policy's differences, see `overturning`; None if not asked."""
    reliability: Reliability | None = None
    """How the estimators did where the truth is known, if that chose the headline."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """How it was made: rows, users, items, estimators, interval, confidence, seed, reward model, ..."""

    @property
    def headline(self) -> str:
        """The estimator that speaks in `verdict` and `summary`: the one chosen by reliability, else the preferred."""
        return str(self.settings.get("selected") or headline(list(self.table["estimator"])))

    @property
    def estimand(self) -> str:
        """What the headline's values are of, such as `one_step`."""
        return str(self.table.loc[self.table["estimator"] == self.headline, "estimand"].iloc[0])

    @property
    def per(self) -> str:
        """What the headline's values are counted by, in words; "" where they are no mean of rewards."""
        return {"one_step": "a decision", "policy_value": "a session"}.get(self.estimand, "")

    def verdict(self, policy: str, estimator: str | None = None) -> Verdict:
        """Return the verdict on a policy by an estimator (the headline one if None).

        Raises
        ------
        ValueError
            If there is no such policy or estimator.
        """
        row = self.row(policy, estimator or self.headline)
        return Verdict(row["verdict"], row["reason"])

    def row(self, policy: str, estimator: str) -> Mapping[str, Any]:
        """Return one row of the table."""
        found = self.table[(self.table["policy"] == policy) & (self.table["estimator"] == estimator)]
        if found.empty:
            raise ValueError(
                f"there is no estimate of policy {policy!r} by {estimator!r}; policies: {', '.join(self.policies)}; "
                f"estimators: {', '.join(self.table['estimator'].unique())}"
            )
        return {str(name): value for name, value in found.iloc[0].items()}

    def summary(self) -> str:
        """Return up to five lines that a person can read."""
        from recenv.ope.summary import summarise

        return summarise(self)

    def to_csv(self, path: str | Path) -> None:
        """Write the table as CSV."""
        with atomic_file(path) as temporary:
            self.table.to_csv(temporary, index=False)

    def to_json(self, path: str | Path) -> None:
        """Write everything as JSON; what is NaN or infinite is null."""
        write_json(path, {"kind": "comparison", "format_version": FORMAT_VERSION, **self.as_dict()})

    def as_dict(self) -> dict[str, Any]:
        """Return everything as lists, mappings, text and numbers that JSON can hold."""
        frames = {
            name: getattr(self, name).to_dict("records")
            for name in ("table", "differences", "against_log", "diagnostics", "weights")
        }
        content = {"policies": self.policies, "headline": self.headline, **frames}
        if self.audits is not None:
            content["audits"] = self.audits.to_dict("records")
        if self.sensitivity is not None:
            content["sensitivity"] = self.sensitivity.to_dict("records")
        if self.reliability is not None:
            content["reliability"] = self.reliability.as_dict()
        content |= {"logged": self.logged, "truth": self.truth, "settings": self.settings, "summary": self.summary()}
        return {name: _jsonable(value) for name, value in content.items()}

    def report(self, folder: str | Path, **context: Any) -> Path:
        """Write the report to `folder` and return the path of its page; `context` is what else it should show."""
        import importlib  # the report takes results only, so it is looked up when one is asked for

        path: Path = importlib.import_module("recenv.report").write_report(self, folder, context=context or None)
        return path


def headline(estimators: Sequence[str]) -> str:
    """Return which of the estimators speaks first: the most trusted, else the first."""
    return next((name for name in HEADLINE if name in estimators), estimators[0])


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(inner) for inner in value]
    if is_dataclass(value) and not isinstance(value, type):
        return _jsonable(asdict(value))
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return json.loads(json.dumps(value))
