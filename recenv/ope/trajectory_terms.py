"""The arrays of the sequential estimators: one row an episode, one column a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recenv.ope.terms import Terms

if TYPE_CHECKING:
    from recenv.feedback.logged_feedback import LoggedFeedback
    from recenv.protocol import Policy

BLOCK = 4_096
"""Episodes of a temporary."""
_GRIDS = ("reward", "propensity", "target")
_MODELS = ("q_logged", "q_target")
_RATIOS = ("state_marginal_ratio", "state_action_marginal_ratio")
_VALUES = ("initial_value", "final_value")

Grid = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TrajectoryTerms(Terms):
    """One episode a row, padded to T steps.

    After an episode's `length` the reward is 0, the ratio target / propensity is 1 and the models are 0, whatever the
    arrays hold there: weights are carried forward and nothing is earned. A marginal ratio is carried by the state of
    having left, so it is given there too.

    Raises
    ------
    ValueError
        If shapes differ, an entry is NaN or infinite, a propensity is outside (0, 1], a target probability outside
        [0, 1], or a length outside 1..T; the message names episode and step.
    """

    reward: Grid
    """(n, T) logged reward of each step."""
    propensity: Grid
    """(n, T) the logging policy's probability of the logged item."""
    target: Grid
    """(n, T) the target policy's probability of the logged item."""
    q_logged: Grid | None = None
    """(n, T) value model at the logged item: reward from this step on, discounted to this step."""
    q_target: Grid | None = None
    """(n, T) its expectation under the target policy, the model's value of the state."""
    state_marginal_ratio: Grid | None = None
    """(n, T) how much more often the target is in this state at this step than the logging policy."""
    state_action_marginal_ratio: Grid | None = None
    """(n, T) the same of state and item."""
    state: NDArray[Any] | None = None
    """(n, T) integer code of the declared Markov state, or (n, T, F) features of it, for `dual_dice`."""
    action: NDArray[np.int64] | None = None
    """(n, T) logged item; `dual_dice` then estimates the logging policy from a state's own rows."""
    initial_value: NDArray[np.float64] | None = None
    """(n,) the model's value of the first state; None is q_target's first column."""
    final_value: NDArray[np.float64] | None = None
    """(n,) the model's value after the last logged step; None is 0: the session is over, or the horizon reached."""
    length: NDArray[np.int64] | None = None
    """(n,) logged steps; None is T for all."""
    terminated: NDArray[np.bool_] | None = None
    """(n,) whether the user left after the last step; None: whoever has fewer than T steps has."""
    gamma: float = 1.0
    """Discount; step t counts gamma^t, the first step 1."""
    cluster: NDArray[Any] | None = None
    """(n,) unit that is independent of the others, the user; None is the episode itself."""
    fold: NDArray[Any] | None = None
    """(n,) fold whose episodes the models of this row have not seen."""
    reward_range: tuple[float, float] | None = None
    """A-priori (low, high) of the reward of one step."""
    weight_max: float | None = None
    """A-priori largest product of ratios up to any step."""

    def __post_init__(self) -> None:
        shape = np.shape(self.reward)
        if len(shape) != 2:
            raise ValueError(f"reward must be (n, T), one row an episode and one column a step; its shape is {shape}")
        if 0 in shape:
            raise ValueError("reward is empty: there is nothing to estimate from; give at least one episode of a step")
        self._fill("length", self._lengths(shape))
        for name in (*_GRIDS, *_MODELS):
            self._fill(name, self._padded(name, shape))
        for name in _RATIOS:
            self._fill(name, self._ratio(name, shape))
        for name in (*_VALUES, "cluster", "fold", "terminated"):
            self._fill(name, self._column(name, shape[0]))
        for name in ("state", "action"):
            self._fill(name, self._labels(name, shape))
        self._check_values()
        self._check_bounds()

    def _fill(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _lengths(self, shape: tuple[int, ...]) -> NDArray[np.int64]:
        if self.length is None:
            return np.full(shape[0], shape[1])
        length = np.asarray(self.length)
        if length.shape != shape[:1]:
            raise ValueError(f"length must be (n,) = {shape[:1]}; its shape is {length.shape}")
        bad = ~((length >= 1) & (length <= shape[1]) & (length == np.floor(length)))
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(f"length must be from 1 to T = {shape[1]}; episode {row} has {length[row]}")
        return length.astype(np.int64)

    def _grid(self, name: str, shape: tuple[int, ...]) -> Grid | None:
        value = getattr(self, name)
        if value is None:
            return None
        array = np.asarray(value, dtype=np.float64)
        if array.shape != shape:
            raise ValueError(f"{name} must have reward's shape {shape}; its shape is {array.shape}: pad the episodes")
        return array

    def _padded(self, name: str, shape: tuple[int, ...]) -> Grid | None:
        """Return the grid with what stands in the padding made harmless."""
        array = self._grid(name, shape)
        if array is None:
            return None
        if self.is_padded:
            if name == "reward":
                _refuse(~self.valid & (array != 0) & ~np.isnan(array), array, "reward after an episode's end must be 0")
            array = np.where(self.valid, array, 1.0 if name in ("propensity", "target") else 0.0)
        _refuse(~np.isfinite(array), array, f"{name} must be finite", "drop the episode, or estimate the value first")
        return array

    def _ratio(self, name: str, shape: tuple[int, ...]) -> Grid | None:
        array = self._grid(name, shape)
        if array is not None:
            bad = ~(np.isfinite(array) & (array >= 0))
            _refuse(bad, array, f"{name} must be finite and at least 0", "give it after an episode's end too")
        return array

    def _column(self, name: str, rows: int) -> NDArray[Any] | None:
        value = getattr(self, name)
        if value is None:
            return None
        array = np.asarray(value)
        if array.shape != (rows,):
            raise ValueError(f"{name} must be (n,) = ({rows},), one value an episode; its shape is {array.shape}")
        if name in _VALUES:
            array = array.astype(np.float64)
            _refuse(~np.isfinite(array), array, f"{name} must be finite")
        return array

    def _labels(self, name: str, shape: tuple[int, ...]) -> NDArray[Any] | None:
        value = getattr(self, name)
        if value is None:
            return None
        array = np.asarray(value)
        if array.shape[:2] != shape or array.ndim > (3 if name == "state" else 2):
            raise ValueError(f"{name} must have reward's shape {shape}; its shape is {array.shape}")
        if array.ndim == 2 and array.dtype.kind not in "iu":
            raise ValueError(f"{name} must hold integer codes, not {array.dtype}: number the distinct ones from 0")
        return array

    def _check_values(self) -> None:
        if not (self.propensity.min() > 0 and self.propensity.max() <= 1):
            low = ~((self.propensity > 0) & (self.propensity <= 1))
            _refuse(low, self.propensity, "propensity must be in (0, 1]", "log the probability of the shown item")
        if not (self.target.min() >= 0 and self.target.max() <= 1 + 1e-9):
            outside = ~((self.target >= 0) & (self.target <= 1 + 1e-9))
            _refuse(outside, self.target, "target must be in [0, 1]", "pass the target policy's probability")
        if not 0 <= self.gamma <= 1:
            raise ValueError(f"gamma must be in [0, 1], not {self.gamma}")

    def _check_bounds(self) -> None:
        if self.reward_range is not None:
            low, high = map(float, self.reward_range)
            if not (np.isfinite([low, high]).all() and low < high):
                raise ValueError(f"reward_range must be (low, high) with low < high, not {self.reward_range}")
            outside = self.valid & ((self.reward < low) | (self.reward > high))
            _refuse(outside, self.reward, f"reward must lie in reward_range [{low}, {high}]")
        if self.weight_max is not None:
            if not (np.isfinite(self.weight_max) and self.weight_max > 0):
                raise ValueError(f"weight_max must be a positive number, not {self.weight_max}")
            product = self.cumulative
            _refuse(product > self.weight_max * (1 + 1e-12), product, f"weight must be at most {self.weight_max}")

    @property
    def steps(self) -> int:
        """T, the horizon."""
        return int(np.shape(self.reward)[1])

    @cached_property
    def is_padded(self) -> bool:
        """Whether some episode has fewer than T steps."""
        assert self.length is not None  # filled on construction
        return bool((self.length < self.steps).any())

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """(n, T) whether the step was logged; the rest is padding."""
        assert self.length is not None  # filled on construction
        return np.arange(self.steps) < self.length[:, None]

    @property
    def truncated(self) -> NDArray[np.bool_]:
        """(n,) whether the record stops before the horizon although the user went on."""
        assert self.length is not None
        short = self.length < self.steps
        return np.zeros_like(short) if self.terminated is None else short & ~self.terminated

    @cached_property
    def ratio(self) -> Grid:
        """(n, T) target / propensity; 1 in the padding."""
        return self.target / self.propensity

    @cached_property
    def cumulative(self) -> Grid:
        """(n, T) product of the ratios up to each step, carried forward after the end."""
        result = np.empty(self.reward.shape)
        for start in range(0, self.rows, BLOCK):  # few rows at a time, which stay in the cache while the steps go by
            rows = slice(start, start + BLOCK)
            product = np.divide(self.target[rows], self.propensity[rows], out=result[rows])
            for t in range(1, self.steps):
                product[:, t] *= product[:, t - 1]
        return result

    @cached_property
    def weight(self) -> NDArray[np.float64]:
        """(n,) product of all ratios of the episode."""
        return np.ascontiguousarray(self.cumulative[:, -1])

    @classmethod
    def from_feedback(
        cls,
        feedback: LoggedFeedback,
        policy: Policy,
        *,
        gamma: float = 1.0,
        horizon: int | None = None,
        state: str | tuple[str, ...] | None = None,
        value_model: Any = None,
        options: Mapping[str, Any] | None = None,
    ) -> TrajectoryTerms:
        """Ask a policy about every step of a log; see `recenv.ope.trajectory_grid.terms_from_feedback`."""
        from recenv.ope.trajectory_grid import terms_from_feedback

        return terms_from_feedback(
            feedback, policy, gamma=gamma, horizon=horizon, state=state, value_model=value_model, **(options or {})
        )


def _refuse(bad: NDArray[np.bool_], values: NDArray[Any], problem: str, remedy: str = "correct the entry") -> None:
    if bad.any():
        place = np.unravel_index(int(np.argmax(bad)), bad.shape)
        where = f"episode {place[0]}" + (f", step {place[1]}" if len(place) > 1 else "")
        raise ValueError(f"{problem}; {where} has {values[place]}: {remedy} (both count from 0)")
