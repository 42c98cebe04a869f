"""What an agent, a policy, a catalogue and a response model are: the contract between recenv and everyone else's code.

Nothing here needs a base class; a class that has the methods is an agent. Everything is batched: `B` users are
decided in one call, since one call for many users is 10 to 60 times cheaper than many calls for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Observation = NDArray[np.floating] | Mapping[str, NDArray[Any]]
"""An array (B, O), or a mapping from a name to an array with B rows."""


class Request(NamedTuple):
    """What a policy is asked: whom to show what, out of which items."""

    observation: Observation
    """(B, O) or a mapping of arrays with B rows: what a real system would see."""
    candidates: NDArray[np.int64]
    """(B, C) catalogue item ids that may be shown; -1 pads and marks what may not."""
    slate_size: int = 1
    """K, how many items to show."""
    users: NDArray[np.int64] | None = None
    """(B,) user ids (rows of the world's user table), or None where the caller does not know them."""


class Decision(NamedTuple):
    """What a policy answers. An action never travels without its probability."""

    items: NDArray[np.int64]
    """(B, K) catalogue item ids; -1 is an empty position."""
    probability: NDArray[np.float64]
    """(B,) probability of this whole decision given the request; NaN is unknown, so not usable for evaluation."""
    extra: Mapping[str, Any] = {}
    """Whatever else the agent wants to keep, such as scores."""


class Feedback(NamedTuple):
    """What came of a decision. It may come late and in any order."""

    request: Request
    decision: Decision
    reward: NDArray[np.float64]
    """(B,) reward of the decision."""
    next_request: Request
    terminated: NDArray[np.bool_]
    """(B,) the user left: nothing follows, the value after it is 0."""
    truncated: NDArray[np.bool_]
    """(B,) the session was cut at the horizon: value goes on, only the record stops."""
    outcome: Mapping[str, NDArray[Any]] | None = None
    """What a real system sees of each position, (B, K) each: clicked, purchased, consumed, liked (bool) and rating (0
    where nothing was consumed); None where the caller has only the reward."""


@dataclass(frozen=True)
class Catalogue:
    """What an agent may know of the items: never a parameter of the world, only what a log of the past shows."""

    features: NDArray[np.float32]
    """(N, Q) visible item features; row = catalogue item id."""
    popularity: NDArray[np.float64]
    """(N,) ratings of each item in the part of the log that policies may see."""
    observation_size: int
    """O, width of the flat observation."""
    titles: tuple[str, ...] = ()
    """N titles for people to read; empty when the data has none."""
    fingerprint: tuple[int, ...] = field(default=(), repr=False)
    """Sketch of the user-item pairs that features and popularity were made from (see `recenv.data.fingerprint`)."""

    @property
    def n_items(self) -> int:
        """N, the number of items."""
        return len(self.features)


@runtime_checkable
class Policy(Protocol):
    """What off-policy evaluation asks: the probability of every candidate."""

    def probabilities(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) probabilities that sum to 1 over each row's candidates; 0 where the candidate is -1."""
        ...


@runtime_checkable
class Agent(Protocol):
    """A policy that acts and learns.

    Optional methods, found at run time: `probabilities(request)` (see `Policy`), `fit(log)` for those that learn
    from a log, `learn(env, steps)` for those that own their training loop, `save(path)` and a class method
    `load(path)`, `explain(request, decision)`, and `next_probabilities(request, shown)` (B, C) for those whose slates
    are not drawn from `probabilities` item after item: the probabilities of the item below those shown (B, k).
    """

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Choose items for B users; all randomness comes from `rng`."""
        ...

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Learn from feedback and return metrics; a frozen agent does nothing and returns {}."""
        ...


class AgentFactory(Protocol):
    """How an agent is made by name: the value of an entry point in the group `recenv.agents`."""

    def __call__(self, catalogue: Catalogue, *, seed: int = 0, device: str = "cpu", **options: Any) -> Agent:
        """Return a fresh agent for this catalogue."""
        ...


class Ratings(NamedTuple):
    """Weighted ratings, one a row."""

    user: NDArray[np.integer]
    """(n,) 0..U-1."""
    item: NDArray[np.integer]
    """(n,) 0..N-1."""
    level: NDArray[np.integer]
    """(n,) 1..L, the place of the rating on the log's scale."""
    weight: NDArray[np.float64]
    """(n,) mean about 1: how much the row counts, such as its inverse propensity."""
    order: NDArray[np.integer]
    """(n,) place of the row in its user's own sequence, 0 first; the order of the log where it has no timestamps."""


@dataclass(frozen=True)
class ResponseData:
    """What a response model may learn from: the first part of a log, never the second."""

    train: Ratings
    validation: Ratings
    """Rows that only decide when to stop and how the utility is scaled; taken from the first part too."""
    n_users: int
    """U."""
    n_items: int
    """N."""
    scale: NDArray[np.float64]
    """(L,) rating value of each level."""
    user_features: NDArray[np.float32] | None = None
    """(U, P) standardised side information, where the log has it."""
    item_features: NDArray[np.float32] | None = None
    """(N, Q) standardised side information, where the log has it."""
    titles: tuple[str, ...] = ()
    """N titles, for models that read."""
    propensity: Callable[[NDArray[np.integer], NDArray[np.integer]], NDArray[np.float64]] | None = None
    """(users (n,), items (n,)) -> (n,) estimated probability that the pair is rated at all."""


@runtime_checkable
class ResponseModel(Protocol):
    """A model of how much users like items. Whatever it is made of, a world needs one number a pair of it.

    Optional method, found at run time: `factors()` returns (taste (U, D), embedding (N, D), user_bias (U,),
    item_bias (N,)) of a model whose utility is exactly taste . embedding + user_bias + item_bias. Such a model may have
    `thresholds` (L - 1,) in units of the logistic noise: the world takes both as they are, and the model may learn from
    the validation rows too.
    """

    def fit(
        self,
        data: ResponseData,
        *,
        rng: np.random.Generator,
        device: str = "cpu",
        progress: Callable[[int, int, str], None] | None = None,
    ) -> None:
        """Learn; all randomness comes from `rng`, `progress` is called as (step, steps, text)."""
        ...

    def utility(self, users: NDArray[np.integer], items: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return (n,) how much each pair is liked, on any increasing scale; the world fits level thresholds to it."""
        ...
