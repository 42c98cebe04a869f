"""What the library knows of one estimator, so that a family can list its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recenv.ope.contribution import Contribution
from recenv.ope.terms import BanditTerms, Terms

RESHAPING = frozenset({"clip", "threshold", "shrinkage", "strength"})
"""Hyper-parameters that take weight away, so that the weights as used are not those of the target."""


@dataclass(frozen=True)
class Estimator:
    """One estimator of this library."""

    name: str
    contribute: Callable[..., Contribution]
    """(terms, **hyper) -> Contribution."""
    terms: type[Terms] = BanditTerms
    """Record it works on."""
    needs: tuple[str, ...] = ()
    """Optional fields of the record that it cannot do without."""
    hyper: tuple[str, ...] = ()
    """Hyper-parameters; every one must be given."""
    estimand: str = "one_step"
    """`one_step`: states as the logging policy met them."""
    optional: tuple[str, ...] = ()
    """Hyper-parameters that have a default."""
    model_only: bool = False
    """Whether no logged reward corrects the reward model."""

    @property
    def reshapes(self) -> bool:
        """Whether it clips, switches or shrinks weights."""
        return not RESHAPING.isdisjoint(self.hyper)
