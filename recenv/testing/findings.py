"""What a check found wrong: all of it, each rule once, in words with the name of the agent."""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


class Unanswered(Exception):
    """Ends a section of a check: what follows in it would only repeat what was found."""


class Findings:
    """Asks an agent and collects what is wrong with its answers.

    Parameters
    ----------
    agent
        Whom to ask.
    """

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.kind = type(agent).__name__
        self.words: dict[str, str] = {}
        """Rule -> what is wrong, the first time it was broken."""
        self.situation = ""
        """Said after each finding where it is not empty, such as "one user"."""

    def require(self, holds: bool, rule: str, words: str) -> bool:
        """Note `words`, once a rule, unless `holds`; return `holds`."""
        if not holds:
            self.words.setdefault(rule, words + (f" (asked about {self.situation})" if self.situation else ""))
        return bool(holds)

    def must(self, holds: bool, rule: str, words: str) -> None:
        """Do as `require`, and end the section where it does not hold."""
        if not self.require(holds, rule, words):
            raise Unanswered

    @contextmanager
    def section(self, situation: str = "") -> Iterator[None]:
        """Run a part of the check that may end early."""
        before, self.situation = self.situation, situation
        try:
            yield
        except Unanswered:
            pass
        finally:
            self.situation = before

    def has(self, method: str) -> bool:
        """Return whether the agent has an optional method."""
        return callable(getattr(self.agent, method, None))

    def ask(self, method: str, *given: Any, **options: Any) -> Any:
        """Return what a method of the agent answers; errors, changed arguments and global draws are noted."""
        kept, before = copy.deepcopy(given), _global_states()
        try:
            answer = getattr(self.agent, method)(*given, **options)
        except Exception as error:
            text = f"{self.kind}.{method} raised {type(error).__name__}: {error}"
            self.require(False, f"{method} raised", text)
            raise Unanswered from None
        what = "feedback" if method == "update" else "request"
        self.require(
            same(kept, given), f"{method} changed", f"{self.kind}.{method} changed the {what} it was given: copy first"
        )
        for library in (name for name, state in _global_states().items() if state != before.get(name, state)):
            self.require(
                False,
                f"{method} drew from {library}",
                f"{self.kind}.{method} used {library}'s global generator: draw from the rng that act() is given, or "
                "from a generator that the agent makes from its seed",
            )
        return answer

    def report(self) -> None:
        """Raise an AssertionError that lists all findings, if there are any."""
        if self.words:
            name = getattr(self.agent, "name", None)
            who = f"agent {name!r} ({self.kind})" if isinstance(name, str) else f"agent {self.kind}"
            count = f"{len(self.words)} problem{'s' if len(self.words) > 1 else ''}"
            raise AssertionError(
                "\n- ".join([f"{who} breaks the contract of recenv.protocol, {count}:", *self.words.values()])
            )


def _global_states() -> dict[str, bytes]:
    """Return the state of each global generator; torch's only where torch is loaded."""
    _, keys, position, *rest = np.random.get_state()  # noqa: NPY002 (it is read, not drawn from)
    states = {
        "numpy": np.asarray(keys).tobytes() + repr((position, rest)).encode(),
        "random": repr(hash(random.getstate())).encode(),
    }
    if "torch" in sys.modules:
        states["torch"] = sys.modules["torch"].get_rng_state().numpy().tobytes()
    return states


def same(one: Any, other: Any) -> bool:
    """Return whether two nested records are equal, NaN equal to NaN."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if isinstance(one, dict):
        return set(one) == set(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)
