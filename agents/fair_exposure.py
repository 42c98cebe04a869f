"""Fair exposure by re-ranking: any agent, with a bound on how far an item group's exposure is from its target.

At each position the group is drawn first, then the agent chooses within it (a stochastic ranking, Singh and Joachims
2018, `singh2018fairness`). With m_g the agent's own probability of group g and t_g the target among the groups that
have candidates left,

    m'_g in [t_g - max_gap, t_g + max_gap],   sum_g m'_g = 1,   sum_g |m'_g - m_g| least
    p'(a) = m'_g(a) p(a | candidates of g)

so that every group's expected share of each position, and so of any position-weighted exposure, keeps the bound
wherever all groups have candidates. What is taken from a group that is shown too much goes first to the other groups'
lower bounds, then to the group whose best item the agent scores highest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recenv.agents.candidates import known_candidates
from recenv.agents.finding import load_agent, make_agent
from recenv.agents.saving import read_agent, write_agent
from recenv.agents.scoring import draw_columns
from recenv.protocol import Catalogue, Decision, Feedback, Request


class FairExposure:
    """Bounds the exposure gap of another agent; the same agent learns, decides within groups and explains.

    Parameters
    ----------
    agent
        Has `act` and `probabilities`; it is asked for one item at a time, with fewer candidates.
    groups
        (N,) group code of each item, 0 to G - 1.
    max_gap
        Largest distance of a group's exposure share from its target: 0 keeps the target, 1 changes nothing.
    target
        (G,) shares of exposure that sum to 1; None takes the groups' shares of the catalogue.

    Raises
    ------
    TypeError
        If the agent has no probabilities: what it would show of each group must be known.
    ValueError
        If `max_gap` is outside [0, 1], or groups or target have the wrong shape or values.
    """

    name = "fair_exposure"

    def __init__(self, agent: Any, groups: ArrayLike, max_gap: float, *, target: ArrayLike | None = None) -> None:
        for method in ("act", "probabilities"):
            if not callable(getattr(agent, method, None)):
                raise TypeError(
                    f"{type(agent).__name__} has no {method}(), so its exposure by group cannot be bounded: wrap an "
                    "agent that says its probabilities"
                )
        if not 0.0 <= max_gap <= 1.0:
            raise ValueError(f"max_gap must be in [0, 1], got {max_gap!r}: it is a difference of two shares")
        self.agent, self.max_gap = agent, float(max_gap)
        self.groups = _checked_groups(groups)
        self.target = _checked_target(target, self.groups)
        self.training_steps = getattr(agent, "training_steps", 0)

    @property
    def trained_on(self) -> tuple[int, ...]:
        """Fingerprint of the user-item pairs that the agent was made from."""
        return tuple(getattr(self.agent, "trained_on", ()))

    @property
    def device(self) -> str:
        """Where the agent lives."""
        return str(getattr(self.agent, "device", "cpu"))

    @property
    def learn(self) -> Any:
        """The agent's own training loop, where it has one; it trains unbounded."""
        return self.agent.learn

    @property
    def fit(self) -> Any:
        """The agent's way to learn from a log, where it has one."""
        return self.agent.fit

    @property
    def explain(self) -> Any:
        """The agent's explanation of its scores, where it has one."""
        return self.agent.explain

    def update(self, feedback: Feedback) -> dict[str, float]:
        """Let the agent learn; the probability in the feedback is the bounded one, with which items were shown."""
        metrics: dict[str, float] = self.agent.update(feedback)
        return metrics

    def probabilities(self, request: Request) -> NDArray[np.float64]:
        """Return (B, C) the probability of each candidate to be shown first when exploring."""
        request = request._replace(slate_size=1)
        code = self._codes(request.candidates)
        own = np.where(code >= 0, self.agent.probabilities(request), 0.0)
        mass = self._bounded(request, code, _sums(own, code, len(self.target)))
        out = np.zeros(code.shape)
        for group in range(len(self.target)):
            within = self.agent.probabilities(_only(request, code == group))
            out += np.where(code == group, mass[:, [group]] * within, 0.0)
        return out

    def act(self, request: Request, *, rng: np.random.Generator, explore: bool = True) -> Decision:
        """Choose a slate for each of B users, position by position; the probability is that of the ordered slate.

        Groups are drawn where `explore` is False too: the best item of one group cannot be fair to the others.
        """
        left = request._replace(candidates=request.candidates.copy(), slate_size=1)
        rows = np.arange(len(left.candidates))
        items = np.full((len(rows), request.slate_size), -1, np.int64)
        probability = np.ones(len(rows))
        for position in range(request.slate_size):
            code = self._codes(left.candidates)
            some = (code >= 0).any(axis=1)
            mass = self._bounded(left, code, self._own_masses(left, code, rng, explore))
            group = draw_columns(mass, rng.random(len(rows)))
            within = self.agent.act(_only(left, code == group[:, None]), rng=rng, explore=explore)
            items[:, position] = np.where(some, within.items[:, 0], -1)
            probability *= np.where(some, mass[rows, group] * within.probability, 1.0)
            left.candidates[(left.candidates == items[:, [position]]) & (left.candidates >= 0)] = -1
        return Decision(items, probability)

    def _own_masses(
        self, request: Request, code: NDArray[np.int64], rng: np.random.Generator, explore: bool
    ) -> NDArray[np.float64]:
        """Return (B, G) the agent's own probability of each group: of its certain item where it does not explore."""
        own = np.where(code >= 0, self.agent.probabilities(request), 0.0)
        if not explore:
            greedy = self.agent.act(request, rng=rng, explore=False)
            # An agent that draws even so, such as uniform, does it with its probabilities.
            certain = greedy.probability == 1.0
            own[certain] = (request.candidates == greedy.items[:, [0]])[certain] & (code >= 0)[certain]
        return _sums(own, code, len(self.target))

    def _bounded(self, request: Request, code: NDArray[np.int64], mass: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (B, G) the probability of each group, as near to the agent's own as the bound allows."""
        there = np.stack([(code == group).any(axis=1) for group in range(len(self.target))], axis=1)
        target = np.where(there, self.target, 0.0)
        total = target.sum(axis=1, keepdims=True)
        # Groups without a target share what is left where no other group has candidates.
        target = np.where(
            total > 0, target / np.where(total > 0, total, 1.0), there / np.maximum(there.sum(1), 1)[:, None]
        )
        low = np.where(there, np.maximum(target - self.max_gap, 0.0), 0.0)
        high = np.where(there, np.minimum(target + self.max_gap, 1.0), 0.0)
        return nearest_within(mass, low, high, self._preference(request, code, mass))

    def _preference(self, request: Request, code: NDArray[np.int64], mass: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (B, G) the best score in each group, or of an agent that does not score its probability of it."""
        if not hasattr(self.agent, "scores"):
            return mass
        scores = np.asarray(self.agent.scores(request), np.float64)
        best = [np.where(code == group, scores, -np.inf).max(axis=1) for group in range(len(self.target))]
        return np.stack(best, axis=1)

    def _codes(self, candidates: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (B, C) the group of each candidate, -1 where there is none."""
        known = known_candidates(candidates, len(self.groups))
        return np.where(known >= 0, self.groups[known], -1)

    def save(self, path: str | Path) -> None:
        """Write the agent as a folder, the agent that it bounds in a folder `agent` inside it."""
        write_agent(
            path,
            self.name,
            options={"max_gap": self.max_gap},
            trained_on=self.trained_on,
            state={"n_items": len(self.groups)},
            arrays={"groups": self.groups, "target": self.target},
        )
        self.agent.save(Path(path) / "agent")

    @classmethod
    def load(cls, path: str | Path, *, device: str = "cpu") -> FairExposure:
        """Read a saved agent; it goes on bit for bit where it was saved (on the same kind of device)."""
        saved = read_agent(path, (cls.name,))
        agent = load_agent(Path(path) / "agent", device=device)
        return cls(agent, saved.arrays["groups"], saved.options["max_gap"], target=saved.arrays["target"])


def fair_exposure_agent(
    catalogue: Catalogue,
    *,
    seed: int = 0,
    device: str = "cpu",
    max_gap: float = 0.2,
    groups: ArrayLike | None = None,
    agent: Any = "epsilon_greedy",
    **options: Any,
) -> FairExposure:
    """Return an agent whose exposure of item groups is bounded.

    Parameters
    ----------
    max_gap
        Largest distance of a group's exposure share from its share of the catalogue.
    groups
        (N,) group codes; None takes thirds of the catalogue by popularity: rare, middle and popular items.
    agent
        Registered name, class or object of the agent that decides within the bound.
    options
        Options of that agent.
    """
    made = make_agent(agent, catalogue, seed=seed, device=device, **options)
    return FairExposure(made, popularity_thirds(catalogue.popularity) if groups is None else groups, max_gap)


def popularity_thirds(popularity: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return (N,) 0 for the least rated third of the items, 1 for the middle, 2 for the most rated."""
    rank = np.argsort(np.argsort(popularity, kind="stable"), kind="stable")
    return (3 * rank) // max(len(popularity), 1)


def nearest_within(
    mass: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], preference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (B, G) probabilities between `low` and `high` with the least total variation from `mass`.

    After cutting to the bounds, too much is taken away in proportion to what a group has above its lower bound; too
    little is given to groups in the order of preference. Needs sum(low) <= 1 <= sum(high), or a row of zeros.
    """
    cut = np.clip(mass, low, high)
    excess = np.maximum(cut.sum(axis=1, keepdims=True) - 1.0, 0.0)
    slack = cut - low
    cut = cut - excess * slack / np.maximum(slack.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    order = np.argsort(-preference, axis=1, kind="stable")
    room = np.take_along_axis(high - cut, order, axis=1)
    lack = np.maximum(1.0 - cut.sum(axis=1, keepdims=True), 0.0)
    given = np.clip(lack - (np.cumsum(room, axis=1) - room), 0.0, room)
    np.put_along_axis(cut, order, np.take_along_axis(cut, order, axis=1) + given, axis=1)
    return cut


def _only(request: Request, kept: NDArray[np.bool_]) -> Request:
    """Return the request with other candidates struck out."""
    return request._replace(candidates=np.where(kept, request.candidates, -1))


def _sums(values: NDArray[np.float64], code: NDArray[np.int64], groups: int) -> NDArray[np.float64]:
    """Return (B, G) the sum over each group's candidates."""
    return np.stack([np.where(code == group, values, 0.0).sum(axis=1) for group in range(groups)], axis=1)


def _checked_groups(groups: ArrayLike) -> NDArray[np.int64]:
    code = np.asarray(groups)
    if code.ndim != 1 or not len(code) or code.dtype.kind not in "iu" or code.min() < 0:
        raise ValueError(
            "groups must be a code of 0 or more for each item of the catalogue, in a list of whole numbers"
        )
    return code.astype(np.int64)


def _checked_target(target: ArrayLike | None, groups: NDArray[np.int64]) -> NDArray[np.float64]:
    count = int(groups.max()) + 1
    if target is None:
        return np.bincount(groups, minlength=count) / len(groups)
    share = np.asarray(target, np.float64)
    if share.shape != (count,) or not (share >= 0).all() or abs(share.sum() - 1.0) > 1e-9:
        raise ValueError(f"target must be {count} shares of 0 or more that sum to 1, one a group; got {target!r}")
    return share
