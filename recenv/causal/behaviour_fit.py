"""Fit mechanism strengths to observed sessions, where the sessions identify them, and refuse where they do not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recenv.causal.behaviour import Behaviour
from recenv.causal.observed_sessions import ObservedSessions
from recenv.causal.session_likelihood import session_log_likelihood

Z95 = 1.959963984540054
STEP = 1e-3
"""Of the numerical derivatives, on the strengths' own scales, which are all about 1."""
LEAST_INFORMATION = 1e-2
"""Of a strength: less is a standard error above 10."""
MEMORY = {"rho": "boredom", "phi": "confounding"}
"""Memory of a state -> the strength with which the state is felt."""
ENDLESS = 0.98
"""A memory above this hardly moves within a session, so that it cannot be told from how strongly it is felt."""


class Identified(NamedTuple):
    """In which range a strength is sought, and what a log must hold for that."""

    low: float
    high: float
    needs: tuple[str, ...]


FITTED = {
    "boredom": Identified(0.0, 50.0, ("ratings", "steps")),
    "rho": Identified(0.0, 0.999, ("ratings", "steps")),
    "drift": Identified(0.0, 0.9, ("ratings", "steps")),
    "confounding": Identified(0.0, 20.0, ("ratings", "steps")),
    "phi": Identified(0.0, 0.999, ("ratings", "steps")),
    "attract": Identified(-20.0, 20.0, ("clicks",)),
    "conformity": Identified(-20.0, 20.0, ("clicks",)),
    "tau_click": Identified(-20.0, 20.0, ("clicks",)),
    "tau_buy": Identified(-20.0, 20.0, ("purchases",)),
    "eta": Identified(0.0, 20.0, ("clicks", "positions")),
    "coupling": Identified(-0.95, 0.95, ("clicks", "ratings")),
    "adapt": Identified(0.0, 1.0, ("exits", "ratings", "steps")),
    "h0": Identified(-20.0, 20.0, ("exits",)),
    "h1": Identified(-20.0, 40.0, ("exits", "ratings", "steps")),
}
"""What sessions can identify; the thresholds given the world's `exposure`, h0 and h1 given its `leaving`."""

NOT_IDENTIFIED = {
    "exposure": "only tau_click - exposure and tau_buy - exposure are: fit the thresholds",
    "discovery": "it shows only in what is consumed without being recommended, which no log of recommendations holds",
    "organic_rate": "what a user consumes beside the recommendations is in no log of recommendations",
    "noise_correlation": "a factor shared by a user's opinions cannot be told from the user's bias",
    "leaving": "it cannot be told from h0 at the few exits of a log: fit h0 and h1",
    "funnel": "it says how the log was made, and is not a strength: set it",
    "choice": "compare log_likelihood of fits with each choice",
}
REMEDY = {
    "ratings": "no item has a rating: give level",
    "steps": "no session has two steps: number the steps of a session 0, 1, 2, ...",
    "clicks": "there are no items that were, and others that were not clicked: give clicked",
    "purchases": "there are no items that were, and others that were not bought: give purchased",
    "positions": "every item was shown at one position: show slates, or the same items at several places",
    "exits": "no user left, or every user did at once: give left",
}


@dataclass(frozen=True)
class Strength:
    """One fitted strength."""

    name: str
    value: float
    std_error: float
    """From the sandwich of White (1982), clustered by user; infinite where the sessions say nothing."""
    low: float
    """95% interval, within the range in which the strength makes sense."""
    high: float
    assumed: float
    """What the world assumed before."""
    identified: bool
    """Whether the interval is narrower than that range; if not, the world's value is kept."""


@dataclass(frozen=True)
class BehaviourFit:
    """A behaviour fitted to sessions."""

    behaviour: Behaviour
    """The world's, with the identified strengths in place; `dataclasses.replace(world, behaviour=...)` plays it."""
    strengths: tuple[Strength, ...]
    log_likelihood: float
    assumed_log_likelihood: float
    """Of the same sessions under the world's own behaviour."""
    users: int
    shown: int

    def __getitem__(self, name: str) -> Strength:
        """Return a strength by name."""
        for strength in self.strengths:
            if strength.name == name:
                return strength
        raise KeyError(f"{name!r} was not fitted; fitted are {', '.join(s.name for s in self.strengths)}")

    def __str__(self) -> str:
        """Return a table."""
        lines = [f"{self.shown:,} shown items of {self.users:,} users; strength, 95% interval, before"]
        for s in self.strengths:
            said = f"{s.value:8.3f} [{s.low:.3f}, {s.high:.3f}]" if s.identified else "not identified, kept:"
            lines.append(f"{s.name:12s} {said}  {s.assumed:.3f}")
        return "\n".join(lines)


def fit_behaviour(sessions: ObservedSessions, which: Sequence[str]) -> BehaviourFit:
    """Fit strengths of `sessions.world` by maximum likelihood, with the world's own equations.

    The world's utilities, thresholds and all strengths that are not named are taken as they are, and their own
    uncertainty is in no interval. Fit to ratings that the world was not fitted to: where it was, its residuals are too
    small. What was shown must not depend on the mood beyond what was observed.

    Parameters
    ----------
    sessions
        What users were shown and did.
    which
        Names of strengths, out of `FITTED`.

    Raises
    ------
    ValueError
        If a name is unknown, or these sessions cannot identify it, with the reason.
    """
    names = tuple(which)
    refuse_unidentified(sessions, names)
    world = sessions.world
    before = world.behaviour.dials(**world.held)[0]
    user = sessions.user[sessions.step_starts[:-1]]

    def steps(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return session_log_likelihood(sessions, _with(before, names, values))

    found = maximise(lambda values: float(steps(values).sum()), names, before, len(user))
    error = without_memory(found, clustered_errors(steps, found, names, user), names)
    strengths = tuple(_strength(*each, before) for each in zip(names, found, error, strict=True))
    fitted = {s.name: s.value for s in strengths if s.identified}
    return BehaviourFit(
        dataclasses.replace(world.behaviour, **fitted),  # type: ignore[arg-type]
        strengths,
        float(steps(found).sum()),
        float(session_log_likelihood(sessions, before).sum()),
        len(np.unique(user)),
        len(sessions),
    )


def refuse_unidentified(sessions: ObservedSessions, names: Sequence[str]) -> None:
    """Refuse strengths that are unknown, or that these sessions cannot identify, with the reason."""
    if not names or len(set(names)) != len(names):
        raise ValueError(f"which must name different strengths, got {list(names)}; it knows {', '.join(FITTED)}")
    for name in names:
        if name in NOT_IDENTIFIED:
            raise ValueError(f"{name} is not identified: {NOT_IDENTIFIED[name]}")
        if name not in FITTED:
            raise ValueError(f"which knows no strength {name!r}; it knows {', '.join(FITTED)}")
        for need in FITTED[name].needs:
            if not _holds(sessions, need):
                raise ValueError(f"{name} is not identified by these sessions: {REMEDY[need]}")
    _refuse_by_behaviour(sessions.world.behaviour, names)


def _refuse_by_behaviour(behaviour: Behaviour, names: Sequence[str]) -> None:
    """Refuse strengths that nothing reads while another mechanism is off."""
    for name, other in (("rho", "boredom"), ("phi", "confounding"), ("h0", "leaving"), ("h1", "leaving")):
        if name in names and other not in names and getattr(behaviour, other) == 0.0:
            raise ValueError(f"{name} is not identified: {other} is off in this world; set it, or fit both")
    for name, choices in (("eta", ("position",)), ("coupling", ("position", "cascade"))):
        if name in names and behaviour.choice not in choices:
            raise ValueError(f"{name} is not identified: choice is {behaviour.choice!r}, which does not read it")
    if "adapt" in names and behaviour.h1 == 0.0 and "h1" not in names:
        raise ValueError("adapt is not identified: with h1 = 0 leaving does not depend on trust; fit h1 too")


def _holds(sessions: ObservedSessions, need: str) -> bool:
    """Say whether the sessions hold what a strength needs."""
    if need == "ratings":
        return bool((sessions.level > 0).any())
    if need == "steps":
        return bool((np.diff(sessions.step) > 0).any())
    if need == "positions":
        return bool((sessions.position != sessions.position[0]).any())
    column = {"clicks": sessions.clicked, "purchases": sessions.purchased, "exits": sessions.left}[need]
    return column is not None and bool((column == 1).any()) and bool((column == 0).any())


def _with(before: NDArray[np.void], names: Sequence[str], values: NDArray[np.float64]) -> NDArray[np.void]:
    dials = before.copy()
    for name, value in zip(names, values, strict=True):
        dials[name] = value
    return dials


def maximise(
    log_likelihood: Callable[[NDArray[np.float64]], float], names: Sequence[str], before: NDArray[np.void], steps: int
) -> NDArray[np.float64]:
    """Return the strengths (p,) with the largest likelihood, from the world's own as the start."""
    from scipy.optimize import minimize

    bounds = [FITTED[name][:2] for name in names]
    # Not on a bound: there the derivative with respect to what only matters beyond it would be 0 (rho at boredom 0).
    start = [np.clip(before[name], low + 0.05, high - 0.05) for name, (low, high) in zip(names, bounds, strict=True)]
    found = minimize(
        lambda values: -log_likelihood(values) / steps, start, method="L-BFGS-B", bounds=bounds,
        options={"ftol": 1e-12, "gtol": 1e-7, "maxiter": 500},
    )  # fmt: skip
    best: NDArray[np.float64] = found.x
    return best


def clustered_errors(
    steps: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    values: NDArray[np.float64],
    names: Sequence[str],
    user: NDArray[np.integer],
) -> NDArray[np.float64]:
    """Return (p,) standard errors H^-1 (sum over users of s s') H^-1; infinite where the likelihood is flat.

    s is a user's score, H the second derivative of the log-likelihood, both numerical, just inside the bounds.
    """
    low, high = np.array([FITTED[name][:2] for name in names]).T
    at = np.clip(values, low + 2.1 * STEP, high - 2.1 * STEP)
    shifts = STEP * np.eye(len(names))
    _, cluster = np.unique(user, return_inverse=True)

    def scores(point: NDArray[np.float64]) -> NDArray[np.float64]:
        slopes = [(steps(point + shift) - steps(point - shift)) / (2 * STEP) for shift in shifts]
        return np.stack([np.bincount(cluster, slope) for slope in slopes], axis=1)

    here = scores(at)
    here -= here.mean(0)  # on a bound the slope is not 0
    curvature = np.stack([(scores(at + d).sum(0) - scores(at - d).sum(0)) / (2 * STEP) for d in shifts])
    return _sandwich(-(curvature + curvature.T) / 2, here.T @ here)


def without_memory(
    values: NDArray[np.float64], error: NDArray[np.float64], names: Sequence[str]
) -> NDArray[np.float64]:
    """Return the errors (p,), infinite for a memory and its strength where only their product could be told."""
    error, place = error.copy(), {name: j for j, name in enumerate(names)}
    for memory, strength in MEMORY.items():
        if memory not in place or strength not in place:
            continue
        both = [place[memory], place[strength]]
        if values[both[0]] > ENDLESS or not np.isfinite(error[both[1]]):
            error[both] = np.inf
    return error


def _sandwich(information: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the roots of the diagonal of information^-1 spread information^-1, infinite for flat directions.

    A strength that moves the likelihood by next to nothing (rho without boredom) is set aside first: its numerical
    noise must not spoil the others.
    """
    error = np.full(len(information), np.inf)
    moves = np.flatnonzero(np.diag(information) > LEAST_INFORMATION)
    if not len(moves):
        return error
    within = np.ix_(moves, moves)
    size = np.sqrt(np.diag(information)[moves])
    root, axes = np.linalg.eigh(information[within] / np.outer(size, size))
    steep = root > 1e-4
    inverse = (axes[:, steep] / root[steep]) @ axes[:, steep].T / np.outer(size, size)
    flat = (np.abs(axes[:, ~steep]) > 0.1).any(1)
    error[moves] = np.where(flat, np.inf, np.sqrt(np.diag(inverse @ spread[within] @ inverse)))
    return error


def _strength(name: str, value: float, error: float, before: NDArray[np.void]) -> Strength:
    low, high, _ = FITTED[name]
    assumed = float(before[name])
    identified = bool(np.isfinite(error) and 2 * Z95 * error < high - low)
    if not identified:
        return Strength(name, assumed, float("inf"), low, high, assumed, False)
    below, above = np.clip([value - Z95 * error, value + Z95 * error], low, high)
    return Strength(name, float(value), float(error), float(below), float(above), assumed, True)
