"""One pass over the log: from blocks of rows times items to a few vectors of one number a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.ope.ask_policy import ask, column_of
from recenv.ope.context import context
from recenv.ope.cross_fit import CrossFit, FeedbackSource
from recenv.ope.episode_gaps import EpisodeGaps
from recenv.ope.fitted_q import FittedQ
from recenv.ope.item_counts import ItemCounts, add_mass
from recenv.ope.loggers import check_wrote, codes_of
from recenv.ope.trajectory_grid import state_code
from recenv.protocol import Policy, Request

CELLS = 2_000_000
"""Rows times items of a block: 16 MB for each array of probabilities or predictions."""

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Valued:
    """What a policy's value model says of each row."""

    logged: Vector
    """(n,) out-of-fold value of the logged item at its step."""
    target: Vector
    """(n,) expectation under the policy."""
    fold: NDArray[np.int32]
    """(n,) fold whose model said so."""


@dataclass(frozen=True, eq=False)
class Gathered:
    """All that the estimators need of the log and the policies."""

    reward: Vector
    """(n,) logged rewards."""
    propensity: Vector
    """(n,) logged or estimated propensities."""
    user: NDArray[np.int64]
    """(n,) user of each row."""
    item: NDArray[np.int64]
    """(n,) logged item."""
    episode: NDArray[np.int64]
    """(n,) session of each row."""
    step: NDArray[np.int64]
    """(n,) step within it."""
    terminated: NDArray[np.bool_]
    """(n,) whether the user left after the row."""
    target: Mapping[str, Vector]
    """Policy -> (n,) its probability of the logged item."""
    q_logged: Vector | None
    """(n,) out-of-fold prediction at the logged item; None without a reward model."""
    q_target: Mapping[str, Vector]
    """Policy -> (n,) expectation of the predictions under the policy; empty without a reward model."""
    fold: NDArray[np.int32] | None
    """(n,) fold whose model made the predictions."""
    unlogged: Mapping[str, float]
    """Policy -> share of its choices that are items which never occur in the log."""
    values: Mapping[str, Valued]
    """Policy -> its value model's answers; empty without value models."""
    state: NDArray[Any] | None
    """(n,) code or (n, F) features of the state; None where no estimator asks for it."""
    counts: ItemCounts
    """How often each item was shown, and should have been."""
    gaps: EpisodeGaps
    """Where a session lacks a step."""
    propensity_kind: str
    """"logged" or "estimated"."""
    logger: NDArray[np.int64]
    """(n,) which logger wrote each row; empty without loggers."""
    by_logger: Vector
    """(n, L) every logger's probability of the logged item; L is 0 without loggers."""
    logged_alike: Vector
    """(n, L) every logger's probability of all items of the logged item's embedding; L is 0 without embeddings."""
    target_alike: Mapping[str, Vector]
    """Policy -> (n,) the same of the policy; empty without embeddings."""


class Written(NamedTuple):
    """Who wrote the log, and which items are alike."""

    loggers: tuple[Policy, ...] = ()
    """In the order of the log's `logger`; each is asked about every block."""
    checked: bool = True
    """Whether they must agree with the logged propensities; False of a model of them."""
    alike: NDArray[np.int64] | None = None
    """(N,) code of each item's embedding; None where no estimator asks for it."""


def block_size(n_items: int, block_rows: int | None) -> int:
    """Return how many rows of `n_items` candidates to take at once."""
    if block_rows is not None:
        if block_rows < 1:
            raise ValueError(f"block_rows must be at least 1, not {block_rows}")
        return block_rows
    return int(np.clip(CELLS // max(n_items, 1), 1, 65_536))


def gather(
    feedback: FeedbackSource,
    policies: Mapping[str, Policy],
    *,
    models: CrossFit | None,
    propensity_model: Policy | None,
    block_rows: int,
    advance: Callable[[int], None],
    values: Mapping[str, FittedQ] | None = None,
    state: tuple[str, ...] | None = None,
    sessions: bool = True,
    written: Written | None = None,
) -> Gathered:
    """Ask every policy, the reward model and the value models about each block, keep one number a row.

    `state` names the observation columns that make up the state; empty takes all that a model would read. Without
    `sessions` item, episode, step and terminated, which only sequential estimators read, are left out (empty).
    Loggers also fill in propensities that the log lacks.

    Raises
    ------
    ValueError
        If the log has slates, propensities are missing and nothing estimates them, or a policy's answer is unusable.
    """
    work = _Pass(
        len(feedback),
        feedback.n_items,
        policies,
        models,
        propensity_model,
        values or {},
        state,
        sessions,
        written or Written(),
    )
    for block in feedback.iter_blocks(block_rows):
        # A long episode may exceed the block; it is then read in pieces, since memory is what counts.
        for start in range(0, block.rows, block_rows):
            work.take(block, np.arange(start, min(start + block_rows, block.rows)))
            advance(min(block_rows, block.rows - start))
    return work.result()


class _Pass:
    """The vectors as they fill."""

    def __init__(
        self,
        rows: int,
        n_items: int,
        policies: Mapping[str, Policy],
        models: CrossFit | None,
        propensity_model: Any,
        values: Mapping[str, FittedQ],
        state: tuple[str, ...] | None,
        sessions: bool,
        written: Written,
    ) -> None:
        self.policies, self.models, self.propensity_model = policies, models, propensity_model
        self.done = 0
        self.kind = "logged"
        self.reward, self.propensity = np.empty(rows), np.empty(rows)
        self.user, self.fold = np.empty(rows, dtype=np.int64), np.empty(rows if models else 0, dtype=np.int32)
        self.target = {name: np.empty(rows) for name in policies}
        self.q_logged = np.empty(rows if models else 0)
        self.q_target = {name: np.empty(rows) for name in policies} if models else {}
        self.sessions, kept = sessions, rows if sessions else 0
        self.item, self.episode, self.step = (np.empty(kept, dtype=np.int64) for _ in range(3))
        self.terminated = np.empty(kept, dtype=bool)
        self.models_of_value, self.state_names = values, state
        self.values = {name: Valued(np.empty(rows), np.empty(rows), np.empty(rows, np.int32)) for name in values}
        self.written, many = written, len(written.loggers)
        self.logger = np.empty(rows if many else 0, dtype=np.int64)
        self.by_logger = np.empty((rows, many))
        embedded = written.alike is not None
        self.logged_alike = np.empty((rows, many if embedded else 0))
        self.target_alike = {name: np.empty(rows) for name in policies} if embedded else {}
        self.states: list[NDArray[np.float64]] = []
        self.mass = {name: np.zeros(n_items) for name in policies}
        self.seen = np.zeros(n_items, dtype=bool)
        self.counts = ItemCounts(*np.zeros((4, n_items)))
        self.gaps = EpisodeGaps()

    def take(self, block: LoggedFeedback, rows: NDArray[np.int64]) -> None:
        if block.has_slates:
            raise ValueError("the log shows slates of several items: bandit estimators need one item a step")
        request = block.request(None if len(rows) == block.rows else rows)
        place = column_of(block.item[rows], request.candidates, self.done)
        here = slice(self.done, self.done + len(rows))
        self.reward[here], self.user[here] = block.reward[rows], block.user[rows]
        if self.sessions:
            for kept, logged in ((self.item, block.item), (self.episode, block.episode), (self.step, block.step)):
                kept[here] = logged[rows]
            self.terminated[here] = block.terminated[rows]
        self.seen[block.item[rows]] = True
        self.gaps.take(block.episode[rows], block.step[rows])
        self._keep_state(block, rows)
        alike = self._alike(request.candidates, block.item[rows])
        self._ask_loggers(block, rows, request, place, alike)
        self.propensity[here] = self._propensity(block, rows, request, place)
        self.counts.take(request.candidates, block.item[rows], self.propensity[here])
        prediction = self._predict(block, rows, request, place, here)
        for name, policy in self.policies.items():
            answer = ask(name, policy, request, self.done)
            self.target[name][here] = np.minimum(answer[np.arange(len(rows)), place], 1.0)
            add_mass(self.mass[name], request.candidates, answer)
            if alike is not None:
                self.target_alike[name][here] = _mass(answer, alike)
            if prediction is not None:
                self.q_target[name][here] = np.einsum("bc,bc->b", answer, prediction, dtype=np.float64)
            if name in self.values:
                self._value(name, block, rows, request, place, answer, here)
        self.done += len(rows)

    def _propensity(
        self, block: LoggedFeedback, rows: NDArray[np.int64], request: Request, place: NDArray[np.int64]
    ) -> Vector:
        if self.propensity_model is None:
            if block.propensity_kind == "missing":
                if self.written.loggers:
                    return self._own(slice(self.done, self.done + len(rows)))
                raise ValueError(
                    "the log has no propensities: log the probability of the shown item, or pass propensity_model= "
                    "(every number is then marked as resting on estimated propensities), or loggers=, the policies "
                    "that wrote it"
                )
            self.kind = "estimated" if block.propensity_kind == "estimated" else self.kind
            return block.propensity[rows]
        self.kind = "estimated"
        estimated = ask("propensity_model", self.propensity_model, request, self.done)[np.arange(len(rows)), place]
        if not estimated.min() > 0:
            row = self.done + int(np.argmin(estimated))
            raise ValueError(f"propensity_model gives the shown item of row {row} probability 0: smooth the model")
        return np.minimum(estimated, 1.0)

    def _ask_loggers(
        self,
        block: LoggedFeedback,
        rows: NDArray[np.int64],
        request: Request,
        place: NDArray[np.int64],
        alike: NDArray[np.bool_] | None,
    ) -> None:
        if not self.written.loggers:
            return
        here = slice(self.done, self.done + len(rows))
        logger = None if block.logger is None else block.logger[rows]
        self.logger[here] = codes_of(logger, len(rows), len(self.written.loggers), self.done)
        for number, policy in enumerate(self.written.loggers):
            answer = ask(f"logger {number}", policy, request, self.done)
            self.by_logger[here, number] = np.minimum(answer[np.arange(len(rows)), place], 1.0)
            if alike is not None:
                self.logged_alike[here, number] = _mass(answer, alike)
        if self.written.checked and block.propensity_kind == "logged":
            check_wrote(self._own(here), block.propensity[rows], self.done)

    def _own(self, here: slice) -> Vector:
        own = np.take_along_axis(self.by_logger[here], self.logger[here, None], axis=1)[:, 0]
        if not own.min() > 0:
            row = here.start + int(np.argmin(own))
            raise ValueError(
                f"the logger of row {row} gives what it shows probability 0: pass the policy that wrote it"
            )
        return own

    def _alike(self, candidates: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """Return (B, C) which candidates have the logged item's embedding."""
        codes = self.written.alike
        if codes is None:
            return None
        return np.asarray((codes[candidates] == codes[item][:, None]) & (candidates >= 0))

    def _predict(
        self, block: LoggedFeedback, rows: NDArray[np.int64], request: Request, place: NDArray[np.int64], here: slice
    ) -> Vector | None:
        if self.models is None:
            return None
        part = block if len(rows) == block.rows else block.subset(rows)
        prediction = self.models.q_all(part, request.candidates)
        self.fold[here] = self.models.fold_of(part.user)
        self.q_logged[here] = prediction[np.arange(len(rows)), place]
        return prediction

    def _value(
        self,
        name: str,
        block: LoggedFeedback,
        rows: NDArray[np.int64],
        request: Request,
        place: NDArray[np.int64],
        answer: NDArray[np.floating],
        here: slice,
    ) -> None:
        model, kept = self.models_of_value[name], self.values[name]
        part = block if len(rows) == block.rows else block.subset(rows)
        prediction = model.q_all(part, request.candidates)
        kept.logged[here] = prediction[np.arange(len(rows)), place]
        kept.target[here] = np.einsum("bc,bc->b", answer, prediction, dtype=np.float64)
        kept.fold[here] = model.fold_of(part.user)

    def _keep_state(self, block: LoggedFeedback, rows: NDArray[np.int64]) -> None:
        if self.state_names is None:
            return
        if not self.state_names:
            self.states.append(context(block.observation, block.rows)[rows].astype(np.float64))
            return
        unknown = set(self.state_names) - set(block.observation)
        if unknown:
            raise ValueError(f"state names {sorted(unknown)}; the log's observation has {sorted(block.observation)}")
        columns = [block.observation[name][rows].reshape(len(rows), -1) for name in self.state_names]
        self.states.append(np.hstack(columns).astype(np.float64))

    def result(self) -> Gathered:
        rows = max(self.done, 1)
        return Gathered(
            reward=self.reward,
            propensity=self.propensity,
            user=self.user,
            target=self.target,
            q_logged=self.q_logged if self.models else None,
            q_target=self.q_target,
            fold=self.fold if self.models else None,
            unlogged={name: float(mass[~self.seen].sum() / rows) for name, mass in self.mass.items()},
            counts=self.counts,
            gaps=self.gaps,
            propensity_kind=self.kind,
            item=self.item,
            episode=self.episode,
            step=self.step,
            terminated=self.terminated,
            values=self.values,
            state=state_code(np.concatenate(self.states)) if self.states else None,
            logger=self.logger,
            by_logger=self.by_logger,
            logged_alike=self.logged_alike,
            target_alike=self.target_alike,
        )


def _mass(answer: NDArray[np.floating], alike: NDArray[np.bool_]) -> Vector:
    return np.einsum("bc,bc->b", answer, alike, dtype=np.float64)
