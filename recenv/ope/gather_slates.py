"""One pass over a log of slates: from blocks to a few numbers a position, nothing that grows with the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.feedback.logged_feedback import LoggedFeedback
from recenv.ope.ask_policy import column_of
from recenv.ope.columns import Columns
from recenv.ope.cross_fit import CrossFit, FeedbackSource
from recenv.ope.evidence import Question
from recenv.ope.gather import block_size
from recenv.ope.item_counts import ItemCounts, add_mass
from recenv.ope.loggers import check_wrote
from recenv.ope.slate_draws import ROWS, check_draws
from recenv.ope.slate_log import slate_propensity, slate_rows
from recenv.ope.slate_policy import Array, is_plain, next_item, slots
from recenv.ope.slot_duals import slot_duals
from recenv.protocol import Request

Table = NDArray[np.float64]
LOGGED: tuple[str, ...] = ("propensity_position", "propensity_prefix")
"""What a log of slates may hold beside the propensity of the whole slate."""


@dataclass(frozen=True, eq=False)
class GatheredSlates:
    """All that the slate estimators need of the log and the policies."""

    reward: Table
    """(n, K) logged reward of each position."""
    user: NDArray[np.int64]
    """(n,) user of each slate."""
    propensity: NDArray[np.float64]
    """(n,) the logging policy's probability of the whole slate."""
    propensity_position: Table | None
    """(n, K) its probability of position k showing its item; None where no estimator asks for it."""
    propensity_prefix: Table | None
    """(n, K) its probability of positions 0..k together; None where nobody knows it."""
    of_policy: Mapping[str, Mapping[str, NDArray[np.float64]]]
    """Policy -> field of `SlateTerms` -> its numbers."""
    fold: NDArray[np.int64] | None
    """(n,) fold whose models made the predictions."""
    unlogged: Mapping[str, float]
    """Policy -> share of the positions in which it shows items that never occur in the log."""
    counts: ItemCounts | None
    """Of the top position; None where its propensities are not known."""


@dataclass(frozen=True, eq=False)
class PositionLog:
    """The rows of one position, as a log of single items: what a reward model of that position learns from."""

    source: FeedbackSource
    size: int
    """K."""
    position: int

    @property
    def user(self) -> NDArray[np.int64]:
        """(n,) user of each row."""
        return self.source.user[self.position :: self.size]

    @property
    def n_items(self) -> int:
        """N, the size of the catalogue."""
        return self.source.n_items

    def __len__(self) -> int:
        return len(self.source) // self.size

    def iter_blocks(self, rows: int = 65_536) -> Iterator[LoggedFeedback]:
        """Yield the log in order."""
        for block in self.source.iter_blocks(rows):
            yield block.subset(slate_rows(block, self.size)[:, self.position])


def gather_slates(question: Question, size: int, models: tuple[CrossFit, ...]) -> GatheredSlates:
    """Ask every policy and reward model about each block of slates of `size` positions.

    Raises
    ------
    ValueError
        If slates are not usable, the log and the loggers lack what an estimator needs, or a policy's answer is
        unusable.
    """
    work = _Pass(question, size, models)
    # A block holds one answer a position, and the slots of all positions.
    block_rows = block_size(question.source.n_items * size, question.block_rows)
    for block in question.source.iter_blocks(block_rows * size):
        lines = slate_rows(block, size)
        for start in range(0, len(lines), block_rows):
            piece = lines[start : start + block_rows]
            work.take(block, piece)
            question.advance(piece.size)
    return work.result()


class _Pass:
    """The pieces as they come."""

    def __init__(self, question: Question, size: int, models: tuple[CrossFit, ...]) -> None:
        self.question, self.size, self.models = question, size, models
        self.needs = question.needs
        self.rng = np.random.default_rng([question.seed, 1])
        self.done = 0
        self.log, self.of_policy = Columns(), {name: Columns() for name in question.policies}
        self.seen = np.zeros(question.source.n_items, dtype=bool)
        self.mass = {name: np.zeros(len(self.seen)) for name in question.policies}
        self.counts = ItemCounts(*np.zeros((4, len(self.seen))))

    def take(self, block: LoggedFeedback, lines: NDArray[np.int64]) -> None:
        request = block.request(lines[:, 0])._replace(slate_size=self.size)
        columns = np.stack([column_of(items, request.candidates, self.done) for items in block.item[lines].T], axis=1)
        if not self.done:
            self._check_draws(block.request(lines[:ROWS, 0])._replace(slate_size=self.size))
        user = block.user[lines[:, 0]]
        kept: dict[str, NDArray[Any]] = {"reward": block.reward[lines], "user": user}
        logging = self._logging(block, lines, request, columns)
        duals = logging.pop("duals", None)
        predicted = [model.q_all(block.subset(lines[:, k]), request.candidates) for k, model in enumerate(self.models)]
        if self.models:
            kept["fold"] = self.models[0].fold_of(user)
        self.log.append({**kept, **logging})
        self.seen[block.item[lines].ravel()] = True
        if "propensity_prefix" in logging:
            self.counts.take(request.candidates, block.item[lines[:, 0]], logging["propensity_prefix"][:, 0])
        for name, policy in self.question.policies.items():
            answers = self._ask(name, policy, request, columns)
            own = {"target_prefix": prefix_of(answers, columns), **_models(answers, columns, predicted)}
            if not self.needs.isdisjoint(("target_position", "pi_weight")):
                slot = slots(name, policy, request, answers, columns, self.rng)
                if "target_position" in self.needs:
                    own["target_position"] = at(slot, columns)
                if duals is not None:
                    own["pi_weight"] = np.einsum("bkc,bkc->b", slot, duals)
            self.of_policy[name].append(own)
            add_mass(self.mass[name], request.candidates, np.sum(answers, axis=0))
        self.done += len(lines)

    def _check_draws(self, request: Request) -> None:
        loggers = {f"logger {number}": logger for number, logger in enumerate(self.question.loggers)}
        for name, policy in {**self.question.policies, **loggers}.items():
            check_draws(name, policy, request, np.random.default_rng([self.question.seed, 2]))

    def _ask(self, name: str, policy: Any, request: Request, columns: NDArray[np.int64]) -> list[Array]:
        try:
            return next_item(name, policy, request, columns, self.done)
        except ValueError as error:
            raise ValueError(f"{error} (a row is here a slate, counted from 0)") from None

    def _logging(
        self, block: LoggedFeedback, lines: NDArray[np.int64], request: Request, columns: NDArray[np.int64]
    ) -> dict[str, NDArray[np.float64]]:
        """Return what the logging policy says of these slates: by the log, or else by the logger at hand."""
        result = logged_probabilities(block, lines)
        missing = {name for name in LOGGED if name in self.needs and name not in result}
        if self.question.loggers:
            (logger,) = self.question.loggers
            answers = self._ask("logger 0", logger, request, columns)
            prefix = prefix_of(answers, columns)
            check_wrote(prefix[:, -1], result.get("propensity", prefix[:, -1]), self.done)
            if "propensity_prefix" not in result:
                result |= {"propensity_prefix": prefix, "propensity": prefix[:, -1]}
            if "propensity_position" in missing:
                slot = slots("logger 0", logger, request, answers, columns, self.rng)
                result["propensity_position"] = at(slot, columns)
            if "pi_weight" in self.needs:
                if not is_plain(answers, columns):
                    raise ValueError(
                        "pi needs a logger that draws without replacement by fixed weights, as uniform and softmax "
                        "policies do: use sips, rips or cascade_dr"
                    )
                result["duals"] = slot_duals(answers[0], columns)
        elif missing or "pi_weight" in self.needs or "propensity" not in result:
            self._refuse(missing or {"the probabilities of all slots" if "propensity" in result else "propensity"})
        return result

    def _refuse(self, missing: set[str]) -> None:
        lacking = [one.name for one in self.question.chosen if not missing.isdisjoint(one.needs)]
        names = lacking or [one.name for one in self.question.chosen if "pi_weight" in one.needs] or ["every estimator"]
        raise ValueError(
            f"{names[0]} needs {sorted(missing)[0]} of the logging policy, which the log has not: log it, or pass "
            "loggers=, the policy that wrote the log"
        )

    def result(self) -> GatheredSlates:
        log = self.log.joined()
        return GatheredSlates(
            reward=log["reward"],
            user=log["user"],
            propensity=log["propensity"],
            propensity_position=log.get("propensity_position"),
            propensity_prefix=log.get("propensity_prefix"),
            of_policy={name: own.joined() for name, own in self.of_policy.items()},
            fold=log.get("fold"),
            unlogged={
                name: float(mass[~self.seen].sum() / (self.done * self.size)) for name, mass in self.mass.items()
            },
            counts=self.counts if "propensity_prefix" in log else None,
        )


def logged_probabilities(block: LoggedFeedback, lines: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Return what the log says of slates (n, K): propensity, propensity_position, propensity_prefix, where it does."""
    result: dict[str, NDArray[np.float64]] = {}
    if block.propensity_kind != "missing":
        result["propensity"] = slate_propensity(block, lines)
    for name in LOGGED:
        column = getattr(block, name)
        if column is not None:
            result[name] = column[lines]
    if "propensity_prefix" in result:
        result.setdefault("propensity", result["propensity_prefix"][:, -1])
    return result


def at(slot: NDArray[np.floating], columns: NDArray[np.int64]) -> Table:
    """Return the numbers (n, K) that `slot` (n, K, C) has at the logged items."""
    return np.take_along_axis(slot, columns[:, :, None], axis=2)[:, :, 0].astype(np.float64, copy=False)


def prefix_of(answers: list[Array], columns: NDArray[np.int64]) -> Table:
    """Return the probability (n, K) of positions 0..k showing the logged items together."""
    chance = np.minimum(at(np.stack(answers, axis=1), columns), 1.0)
    return np.asarray(np.cumprod(chance, axis=1, dtype=np.float64))


def _models(answers: list[Array], columns: NDArray[np.int64], predicted: list[Table]) -> dict[str, Table]:
    """Return q_logged and q_target (n, K) of `cascade_dr`, from the model r_k(x, a) of each position.

        q_k(a) = r_k(x, a) + sum_{j > k} E[r_j(x, b)],  v_k = sum_{j >= k} E[r_j(x, b)]

    with b drawn as at position k, after the logged items above it. What follows is so approximated by what could stand
    at k; as it does not depend on a, v_k is the exact expectation of q_k and the estimate stays unbiased.
    """
    if not predicted:
        return {}
    rows, size = columns.shape
    logged, target = np.zeros((rows, size)), np.zeros((rows, size))
    for k, answer in enumerate(answers):
        later = np.sum(predicted[k + 1 :], axis=0) if k + 1 < size else np.zeros_like(answer)
        rest = np.einsum("bc,bc->b", answer, later, dtype=np.float64)
        logged[:, k] = predicted[k][np.arange(rows), columns[:, k]] + rest
        target[:, k] = np.einsum("bc,bc->b", answer, predicted[k], dtype=np.float64) + rest
    return {"q_logged": logged, "q_target": target}
