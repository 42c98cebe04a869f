"""What a policy showed and what came of it: one row a shown item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from recenv.feedback import validation
from recenv.feedback.confounded import odds_ratio
from recenv.feedback.repeats import shown_before, without_shown
from recenv.protocol import Observation, Request

if TYPE_CHECKING:
    import pandas as pd

    from recenv.feedback.feedback_file import FeedbackFile

PropensityKind = Literal["logged", "estimated", "missing"]
OPTIONAL_PROPENSITIES = ("propensity_position", "propensity_prefix", "propensity_oracle")
OPTIONAL = ("candidates", *OPTIONAL_PROPENSITIES, "logger", "action", "density")
_DTYPES: dict[str, type] = {
    "episode": np.int64,
    "step": np.int64,
    "position": np.int64,
    "user": np.int64,
    "item": np.int64,
    "reward": np.float64,
    "propensity": np.float64,
    "terminated": np.bool_,
    "truncated": np.bool_,
}
COLUMNS = tuple(_DTYPES)


@dataclass(frozen=True, eq=False)
class LoggedFeedback:
    """A log of decisions with their probabilities, sorted by episode, step and position.

    Assumes that users do not influence each other; `user` is the unit that intervals resample.

    Raises
    ------
    ValueError
        If a column has another length, a reward is not finite, an item is outside the catalogue, a propensity is
        partly missing or outside (0, 1], or a row is there twice; the message names the row and the remedy.
    """

    episode: NDArray[np.int64]
    """(n,) session of the row."""
    step: NDArray[np.int64]
    """(n,) step within the episode."""
    position: NDArray[np.int64]
    """(n,) place in the slate; 0 where one item a step is shown."""
    user: NDArray[np.int64]
    """(n,) user id."""
    item: NDArray[np.int64]
    """(n,) catalogue id of the shown item."""
    reward: NDArray[np.float64]
    """(n,) what came of it."""
    propensity: NDArray[np.float64]
    """(n,) probability of the decision (for a slate: of the whole slate); all NaN where nobody logged it."""
    terminated: NDArray[np.bool_]
    """(n,) the user left after this row."""
    truncated: NDArray[np.bool_]
    """(n,) the record stops after this row, the user went on."""
    observation: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Name -> (n, ...) what the policy saw; a flat observation is {"features": (n, O)}; may be empty."""
    next_observation: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Name -> (n, ...) what it saw after the row; may be empty."""
    candidates: NDArray[np.int64] | None = None
    """(n, C) catalogue ids that could be shown, -1 pads; None is the whole catalogue."""
    n_items: int = -1
    """N, the size of the catalogue; -1 infers the largest id plus one."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Where the log comes from: world, policy, seed, versions; `repeat` False says no item is shown twice."""
    propensity_kind: PropensityKind = "logged"
    """"logged", "estimated" (by a model, afterwards) or "missing"."""
    propensity_position: NDArray[np.float64] | None = None
    """(n,) slates: probability of the item at its position; None where not logged."""
    propensity_prefix: NDArray[np.float64] | None = None
    """(n,) slates: probability of the slate up to this position; None where not logged."""
    propensity_oracle: NDArray[np.float64] | None = None
    """(n,) simulated confounded logs: the probability that acted, given the hidden mood; no estimator reads it."""
    logger: NDArray[np.int64] | None = None
    """(n,) which of several policies wrote the row, 0..L-1; `meta["loggers"]` may name them. None: one policy."""
    action: NDArray[np.float64] | None = None
    """(n,) the number that was chosen, such as a price, where actions are numbers and not items; `item` is then 0."""
    density: NDArray[np.float64] | None = None
    """(n,) the logging policy's density of `action`, per unit of it; it may exceed 1."""

    def __post_init__(self) -> None:
        self._convert()
        self._check()
        order = self._sort()
        validation.check_unique(self.episode, self.step, self.position, order)
        validation.check_ends(self.episode, self.step, self.terminated | self.truncated)

    def _convert(self) -> None:
        for name, dtype in _DTYPES.items():
            object.__setattr__(self, name, validation.number_column(name, getattr(self, name), dtype))
        for name in OPTIONAL_PROPENSITIES:
            if getattr(self, name) is not None:
                object.__setattr__(self, name, validation.number_column(name, getattr(self, name), np.float64))
        for name, dtype in (("logger", np.int64), ("action", np.float64), ("density", np.float64)):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, validation.number_column(name, getattr(self, name), dtype))
        if self.candidates is not None:
            object.__setattr__(self, "candidates", np.asarray(self.candidates, dtype=np.int64))
        for name in ("observation", "next_observation"):
            object.__setattr__(self, name, {key: np.asarray(value) for key, value in getattr(self, name).items()})
        object.__setattr__(self, "meta", dict(self.meta))

    def _check(self) -> None:
        for name, array in self.arrays():
            if len(array) != len(self.item):
                raise ValueError(f"{name} has {len(array)} rows, item has {len(self.item)}: give one value a row")
        if not len(self.item):
            raise ValueError("the log is empty: it needs at least one row with item, reward and propensity")
        if self.n_items < 0:
            largest = self._largest_id()
            row = int(self.item.argmax()) if int(self.item.max()) == largest else None
            object.__setattr__(self, "n_items", validation.guessed_items(largest, row))
        validation.check_item(self.item, self.n_items)
        validation.check_reward(self.reward)
        if self.candidates is not None:
            validation.check_candidates(self.candidates, self.item, self.n_items)
        self._check_propensities()
        validation.check_logger(self.logger)
        validation.check_action(self.action, self.density)

    def _largest_id(self) -> int:
        offered = -1 if self.candidates is None else int(self.candidates.max(initial=-1))
        return max(int(self.item.max()), offered)

    def _check_propensities(self) -> None:
        if self.propensity_kind not in ("logged", "estimated", "missing"):
            raise ValueError(
                f'propensity_kind must be "logged", "estimated" or "missing", not {self.propensity_kind!r}'
            )
        if not validation.check_propensity(self.propensity):
            object.__setattr__(self, "propensity_kind", "missing")
        elif self.propensity_kind == "missing":
            raise ValueError('propensity_kind is "missing", but there are propensities: say "logged" or "estimated"')
        for name in OPTIONAL_PROPENSITIES:
            values = getattr(self, name)
            if values is not None:
                validation.check_propensity(values, name)

    def _sort(self) -> NDArray[np.int64]:
        """Sort the rows by session, and return (n,) where each of them stood."""
        order = np.lexsort((self.position, self.step, self.episode))
        if (np.diff(order) < 0).any():
            for name, value in vars(self._take(order)).items():
                object.__setattr__(self, name, value)
        return order

    def _take(self, rows: NDArray[np.int64] | slice) -> LoggedFeedback:
        """Return these rows without checking them again: they were checked when this log was made."""
        part = object.__new__(LoggedFeedback)
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, np.ndarray):
                value = value[rows]
            elif entry.name in ("observation", "next_observation"):
                value = {key: array[rows] for key, array in value.items()}
            object.__setattr__(part, entry.name, value)
        return part

    def arrays(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield every array with its column name, such as `observation.features`."""
        for name in (*COLUMNS, *OPTIONAL):
            if getattr(self, name) is not None:
                yield name, getattr(self, name)
        for group in ("observation", "next_observation"):
            for key, array in getattr(self, group).items():
                yield f"{group}.{key}", array

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        columns: Mapping[str, str] | None = None,
        observation: Sequence[str] = (),
        n_items: int | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> LoggedFeedback:
        """Make a log from a DataFrame; see `recenv.feedback.frame.from_frame`."""
        from recenv.feedback.frame import from_frame

        return from_frame(frame, columns=columns, observation=observation, n_items=n_items, meta=meta)

    @classmethod
    def joined(cls, parts: Mapping[str, LoggedFeedback]) -> LoggedFeedback:
        """Join the logs of several policies by name; see `recenv.feedback.joining.joined`."""
        from recenv.feedback.joining import joined

        return joined(parts)

    @classmethod
    def read(
        cls,
        path: str | Path,
        *,
        columns: Mapping[str, str] | None = None,
        observation: Sequence[str] = (),
        n_items: int | None = None,
    ) -> LoggedFeedback:
        """Read a Parquet or CSV file, written by recenv or by anyone; arguments as in `from_frame`."""
        from recenv.feedback.parquet import read

        return read(path, columns=columns, observation=observation, n_items=n_items)

    @classmethod
    def stream(
        cls, path: str | Path, *, n_items: int | None = None, columns: Mapping[str, str] | None = None
    ) -> FeedbackFile:
        """Open a Parquet log that need not fit in memory; it is read block by block. Arguments as in `from_frame`."""
        from recenv.feedback.feedback_file import FeedbackFile

        return FeedbackFile(path, n_items=n_items, columns=columns)

    def save(self, path: str | Path) -> None:
        """Write one Parquet file, whole or not at all."""
        from recenv.feedback.parquet import write

        write(self, path)

    def __len__(self) -> int:
        return len(self.item)

    @property
    def rows(self) -> int:
        """n, the number of shown items."""
        return len(self.item)

    @property
    def episodes(self) -> int:
        """Number of sessions."""
        return int(1 + np.count_nonzero(np.diff(self.episode)))

    @property
    def has_slates(self) -> bool:
        """Whether a step shows more than one item."""
        return bool(((np.diff(self.episode) == 0) & (np.diff(self.step) == 0)).any())

    def subset(self, rows: NDArray[Any] | slice) -> LoggedFeedback:
        """Return the log of these rows (a slice, indices or a mask); the catalogue stays."""
        part = self._take(rows if isinstance(rows, slice) else np.arange(self.rows)[np.asarray(rows)])
        if not len(part.item):
            raise ValueError("no row is left: choose at least one")
        return part

    def with_propensity(self, propensity: NDArray[np.float64], kind: PropensityKind = "estimated") -> LoggedFeedback:
        """Return the log with these propensities (n,), marked as estimated unless told otherwise."""
        return replace(self, propensity=propensity, propensity_kind=kind)

    def iter_blocks(self, rows: int = 65_536) -> Iterator[LoggedFeedback]:
        """Yield consecutive blocks of about `rows` rows; an episode is never cut."""
        if rows < 1:
            raise ValueError(f"rows must be at least 1, not {rows}")
        start = 0
        while start < self.rows:
            stop = min(start + rows, self.rows)
            if stop < self.rows:
                first = int(np.searchsorted(self.episode, self.episode[stop]))
                stop = first if first > start else int(np.searchsorted(self.episode, self.episode[stop], "right"))
            yield self._take(slice(start, stop))
            start = stop

    def request(self, rows: NDArray[np.int64] | slice | None = None) -> Request:
        """Return what a policy is asked at these rows (None: all).

        The candidates are the logged ones, or else the whole catalogue as a read-only view; where the log says
        `repeat` False, items shown at an earlier step of the episode are -1.
        """
        part = self if rows is None else self._take(rows)
        return Request(part._observation(), self._candidates(rows), int(self.meta.get("slate_size", 1)), part.user)

    def _observation(self) -> Observation:
        if not self.observation:
            return np.zeros((self.rows, 0), dtype=np.float32)
        if set(self.observation) == {"features"}:
            return self.observation["features"]
        return dict(self.observation)

    def _candidates(self, chosen: NDArray[np.int64] | slice | None) -> NDArray[np.int64]:
        rows = np.arange(self.rows)[slice(None) if chosen is None else chosen]
        if self.candidates is None:
            offered = np.broadcast_to(np.arange(self.n_items), (len(rows), self.n_items))
        else:
            offered = self.candidates[rows]
        if self.meta.get("repeat", True):
            return offered
        place, shown = shown_before(self.episode, self.step, self.item, rows)
        return without_shown(offered, place, shown, whole_catalogue=self.candidates is None)

    def odds_ratio(self) -> NDArray[np.float64]:
        """Return (n,) the true odds ratio of each decision, given the mood against nominal; 1 where nothing is hidden.

        An oracle quantity, known in a simulated log only: what a sensitivity analysis has to guess.
        """
        if self.propensity_oracle is None:
            return np.ones(self.rows)
        return odds_ratio(self.propensity_oracle, self.propensity)

    def summary(self) -> str:
        """Return the log in one line for people."""
        users = len(np.unique(self.user))
        return (
            f"{self.rows:,} shown items in {self.episodes:,} episodes of {users:,} users, catalogue of "
            f"{self.n_items:,}; mean reward {self.reward.mean():.4g}; propensities {self.propensity_kind}"
        )
