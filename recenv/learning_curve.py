"""Learning curve: how an agent fared while it learned."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from dataclasses import dataclass, replace
from pathlib import Path

from recenv.storage import atomic_file, write_json

COLUMNS = {"steps": int, "session_reward": float, "step_reward": float, "session_length": float, "sessions": int}


@dataclass(frozen=True)
class LearningCurve:
    """One entry a measurement.

    Sessions are greedy ones of the evaluation's users where an evaluation environment was given, else those that the
    agent finished in training, exploration included. NaN where no session ended between two measurements.
    """

    steps: tuple[int, ...]
    """User steps of training before the measurement."""
    session_reward: tuple[float, ...]
    """Mean total reward of a user session; the metric, since leaving early must not pay."""
    step_reward: tuple[float, ...]
    """Mean reward of a step of the users that are still there."""
    session_length: tuple[float, ...]
    """Mean steps of a session."""
    sessions: tuple[int, ...]
    """Sessions that were measured."""
    measured: str = "training"
    """"training" or "evaluation"."""

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        lengths = {name: len(getattr(self, name)) for name in COLUMNS}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"a learning curve needs columns of the same length, got {lengths}")

    @property
    def done(self) -> int:
        """User steps before the last measurement; 0 where nothing was measured."""
        return self.steps[-1] if self.steps else 0

    @property
    def best_step(self) -> int:
        """User steps before the measurement with the highest session reward, of equals the first; 0 where none is."""
        known = [(value, -step) for step, value in zip(self.steps, self.session_reward, strict=True) if value == value]
        return -max(known)[1] if known else 0

    @property
    def since_best(self) -> int:
        """Measurements since the best one."""
        return sum(step > self.best_step for step in self.steps)

    def with_point(
        self, steps: int, session_reward: float, step_reward: float, session_length: float, sessions: int
    ) -> LearningCurve:
        """Return the curve with one measurement more."""
        point = (steps, session_reward, step_reward, session_length, sessions)
        longer = {name: (*getattr(self, name), value) for name, value in zip(COLUMNS, point, strict=True)}
        return replace(self, **longer)  # type: ignore[arg-type]

    def summary(self) -> str:
        """Return one line for a person."""
        last = [place for place, value in enumerate(self.session_reward) if not math.isnan(value)]
        if not last:
            return "nothing was measured: no session ended"
        first, end = last[0], last[-1]
        return (
            f"{self.session_reward[end]:.2f} reward a session after {self.steps[end]:,} user steps "
            f"({self.session_reward[first]:.2f} after {self.steps[first]:,}; "
            f"{self.session_length[end]:.1f} steps a session, {self.measured} sessions)"
        )

    def for_report(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Return steps and session rewards, without the places where nothing was measured."""
        kept = [place for place, value in enumerate(self.session_reward) if not math.isnan(value)]
        return tuple(self.steps[place] for place in kept), tuple(self.session_reward[place] for place in kept)

    def to_json(self, path: str | Path) -> None:
        """Write as JSON; what was not measured is null."""
        content = dataclasses.asdict(self)
        for name in COLUMNS:
            content[name] = [None if math.isnan(value) else value for value in content[name]]
        write_json(path, content)

    def to_csv(self, path: str | Path) -> None:
        """Write as CSV, one row a measurement."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*COLUMNS, "measured"])
        for row in zip(*(getattr(self, name) for name in COLUMNS), strict=True):
            writer.writerow([*row, self.measured])
        with atomic_file(path) as temporary:
            temporary.write_text(stream.getvalue(), encoding="utf-8")

    @classmethod
    def read_csv(cls, path: str | Path) -> LearningCurve:
        """Read what `to_csv` wrote.

        Raises
        ------
        FileNotFoundError
            If the file is not there.
        ValueError
            If its columns are others, or a value is not a number; the row is named.
        """
        with Path(path).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
            names = list(rows[0]) if rows else [*COLUMNS, "measured"]
        if names != [*COLUMNS, "measured"]:
            raise ValueError(
                f"{path} is not a learning curve: its columns are {names}, expected {[*COLUMNS, 'measured']}"
            )
        columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
        for number, row in enumerate(rows):
            for name, kind in COLUMNS.items():
                try:
                    columns[name].append(kind(row[name]))
                except (TypeError, ValueError):
                    raise ValueError(f"{path}, row {number}: {name} is {row[name]!r}, not a number") from None
        filled = {name: tuple(column) for name, column in columns.items()}
        return cls(**filled, measured=rows[0]["measured"] if rows else "training")  # type: ignore[arg-type]
