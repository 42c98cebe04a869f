"""Every estimator by name: what it needs, which hyper-parameters it takes, what it estimates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recenv.ope.contribution import Contribution
from recenv.ope.direct_method import dm
from recenv.ope.doubly_robust import clipped_dr, dr, dr_os, sndr, subgaussian_dr, switch_dr
from recenv.ope.inverse_propensity import clipped_ips, ips, snips, subgaussian_ips
from recenv.ope.marginalized import mips, sn_mips
from recenv.ope.replay import replay
from recenv.ope.terms import BanditTerms, EmbeddingTerms, Terms


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

    @property
    def model_only(self) -> bool:
        """Whether no logged reward corrects the reward model."""
        return self.name == "dm"


_MODEL = ("q_logged", "q_target")
_ALL = (
    Estimator("replay", replay),
    Estimator("ips", ips),
    Estimator("clipped_ips", clipped_ips, hyper=("clip",)),
    Estimator("snips", snips),
    Estimator("dm", dm, needs=("q_target",)),
    Estimator("dr", dr, needs=_MODEL),
    Estimator("clipped_dr", clipped_dr, needs=_MODEL, hyper=("clip",)),
    Estimator("sndr", sndr, needs=_MODEL),
    Estimator("switch_dr", switch_dr, needs=_MODEL, hyper=("threshold",)),
    Estimator("dr_os", dr_os, needs=_MODEL, hyper=("shrinkage",)),
    Estimator("subgaussian_ips", subgaussian_ips, hyper=("strength",)),
    Estimator("subgaussian_dr", subgaussian_dr, needs=_MODEL, hyper=("strength",)),
    Estimator("mips", mips, terms=EmbeddingTerms),
    Estimator("sn_mips", sn_mips, terms=EmbeddingTerms),
)
_BY_NAME = {entry.name: entry for entry in _ALL}


def estimators() -> tuple[str, ...]:
    """Return the name of every estimator that `estimate` knows."""
    return tuple(_BY_NAME)


def find_estimator(name: str) -> Estimator:
    """Return an estimator by name.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if name not in _BY_NAME:
        raise ValueError(f"there is no estimator {name!r}; there are {', '.join(_BY_NAME)}")
    return _BY_NAME[name]
