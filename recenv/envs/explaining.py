"""Why the last response was as it was: its utilities split over their causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recenv.causal.abduction import world_key
from recenv.causal.equations.opinion import opinion_noise
from recenv.causal.noise import SHARED_OPINION, opinion_uniform
from recenv.causal.world import World
from recenv.envs.causes import DRAWN, FELT, causes_of, summed
from recenv.envs.core import BatchCore
from recenv.envs.explanation_words import elsewhere_words, response_words, shown_words
from recenv.envs.query_checks import check_begun
from recenv.envs.replaying import last_step
from recenv.protocol import Decision

OPINIONS = ("opinion_logged", "opinion_shared", "opinion_own")
"""Opinion noise: of a logged pair; what all opinions of the user share; what this item adds."""
SATISFACTION_SHARES = np.dtype([(name, np.float64) for name in (*FELT, *OPINIONS)])
ATTRACTION_SHARES = np.dtype([(name, np.float64) for name in ("taste", *DRAWN[1:], "click_noise")])


@dataclass(frozen=True)
class Explanation:
    """The last responses of B users, split over their causes; in units of the noise."""

    outcome: NDArray[np.void]
    """(B, K) responses, dtype `recenv.envs.OUTCOME`; item -1 at empty positions and where nothing was shown yet."""
    satisfaction: NDArray[np.void]
    """(B, K) of dtype SATISFACTION_SHARES; they sum to the outcome's satisfaction."""
    attraction: NDArray[np.void]
    """(B, K) of dtype ATTRACTION_SHARES; they sum to the outcome's attraction."""
    elsewhere: NDArray[np.void]
    """(B,) of dtype `recenv.envs.state.ELSEWHERE`: what was consumed in the step without being shown."""
    shown: tuple[str, ...]
    """B sentences: why the slate was shown, as far as the caller told."""
    world: World = field(repr=False)

    def of(self, slot: int) -> ResponseExplanation:
        """Return the explanation of one user's response, with words."""
        shares = {
            name: {cause: _plain(table[slot][cause]) for cause in table.dtype.names or ()}
            for name, table in (("attraction", self.attraction), ("satisfaction", self.satisfaction))
        }
        lines = [
            line
            for row, felt, drawn in zip(self.outcome[slot], self.satisfaction[slot], self.attraction[slot], strict=True)
            for line in response_words(self.world, row, felt, drawn)
        ]
        beside = elsewhere_words(self.world, self.elsewhere[slot])
        return ResponseExplanation(self.outcome[slot].copy(), shares, (self.shown[slot], *lines, *beside))

    def words(self, slot: int) -> str:
        """Return one user's response in words."""
        return str(self.of(slot))


@dataclass(frozen=True)
class ResponseExplanation:
    """One user's last response, split over its causes and in words."""

    outcome: NDArray[np.void]
    """(K,) responses, dtype `recenv.envs.OUTCOME`."""
    shares: Mapping[str, Mapping[str, float | NDArray[np.float64]]]
    """"attraction" and "satisfaction", each cause -> signed share: a number, or (K,) for a slate; they sum to it."""
    words: tuple[str, ...]
    """Sentences: shown because, clicked because, liked because."""

    def __str__(self) -> str:
        """Return the sentences, one a line."""
        return "\n".join(self.words)


def explain(
    core: BatchCore, decision: Decision | None = None, reasons: str | Sequence[str] | None = None
) -> Explanation:
    """Return the last response of each user, split over its causes.

    The state before the response is found by replay. Opinion noise is split in order: what the user's shared factor
    alone would give, then what the item adds (`noise_correlation`); the noise of a logged pair is not split.

    Parameters
    ----------
    core
        B slots; also right after a session's end, and after an autoreset.
    decision
        What a policy answered: its probability, and `extra["scores"]` (B, K) where it gives them, say why the items
        were shown.
    reasons
        The policy's own explanation, one text or one a user; it is quoted.

    Raises
    ------
    RuntimeError
        Before the first reset, or where nothing was shown yet in any slot.
    ValueError
        If decision or reasons do not belong to the last step.
    """
    check_begun(core)
    step = last_step(core)
    outcome, shown = step.after.out.outcome, step.after.state.slot["step"] > 0
    if not shown.any():
        raise RuntimeError("nothing was shown yet in this episode: call step() before explain()")
    felt, drawn = _shares(core, step.before.user, causes_of(core, step.before, outcome["item"]), outcome)
    because = shown_words(outcome["item"], shown, decision, reasons)
    return Explanation(outcome, felt, drawn, step.after.out.elsewhere, because, core.world)


def _shares(
    core: BatchCore, users: NDArray[np.int64], causes: NDArray[np.void], outcome: NDArray[np.void]
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    felt, drawn = np.zeros(outcome.shape, SATISFACTION_SHARES), np.zeros(outcome.shape, ATTRACTION_SHARES)
    for name in FELT:
        felt[name] = causes[name]
    for name, cause in zip(ATTRACTION_SHARES.names or (), DRAWN, strict=False):
        drawn[name] = causes[cause]
    drawn["click_noise"] = outcome["attraction"] - summed(causes, DRAWN)
    noise = outcome["satisfaction"] - summed(causes, FELT)
    logged = _is_logged(core, users, outcome["item"])
    shared = np.array([shared_opinion(core, int(user)) for user in users])[:, None] * np.ones(outcome.shape[1])
    shared[logged | (outcome["item"] < 0)] = 0.0
    felt["opinion_logged"] = np.where(logged, noise, 0.0)
    felt["opinion_shared"] = shared
    felt["opinion_own"] = np.where(logged, 0.0, noise - shared)
    return felt, drawn


def shared_opinion(core: BatchCore, user: int) -> float:
    """Return the opinion noise that the user's shared factor alone would give; 0 without `noise_correlation`."""
    u = opinion_uniform(*world_key(core.world.seed), user, 0, SHARED_OPINION)
    return float(opinion_noise(0.5, u, core.dials[0]))


def _is_logged(core: BatchCore, users: NDArray[np.int64], items: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return (B, K) whether each pair keeps its logged noise."""
    if not core.rules["hybrid"][0]:
        return np.zeros(items.shape, bool)
    pairs, starts = core.world.pairs, core.world.pairs.starts(core.world.n_users)
    return np.stack(
        [np.isin(shown, pairs.item[starts[u] : starts[u + 1]]) for u, shown in zip(users, items, strict=True)]
    )


def _plain(share: NDArray[np.float64]) -> float | NDArray[np.float64]:
    return float(share[0]) if len(share) == 1 else share.copy()
