"""FitConfig: what is fitted to a log and how."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recenv.causal.behaviour import Behaviour
from recenv.causal.exposure_models.registry import EXPOSURES
from recenv.causal.weighting import WEIGHTINGS
from recenv.protocol import ResponseModel

LIKELIHOODS = ("ordinal", "gaussian")
FACTORISATION = "factorisation"
OF_THE_FACTORISATION = (
    "dims", "factor_penalty", "bias_penalty", "learning_rate", "epochs", "patience", "batch", "likelihood",
    "deconfounded", "spread_penalty",
)  # fmt: skip
"""Fields that are options of the built-in factorisation; other models take their own through `response_options`."""


@dataclass(frozen=True)
class FitConfig:
    """What is fitted and how; how to run it (seed, device, progress) and more data (randomised) are passed apart."""

    first_share: float = 0.7
    """Share of each user's ratings that policies, features and the fit may see; 1 keeps nothing apart."""
    response: str | ResponseModel = FACTORISATION
    """The model of the utility: a name (`response_model_names()`), "module:Class", or an object with its methods."""
    response_options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the model's constructor."""
    likelihood: str = "ordinal"
    """Of the factorisation. "ordinal": proportional odds; "gaussian": squared error on the rating values."""
    deconfounded: bool = False
    """Of the factorisation: add gamma_u times the substitute confounder of a Poisson exposure model. A heuristic."""
    weighting: str = "snips"
    """How ratings are weighted against missing-not-at-random: "naive", "ips", "snips", "dr", "likelihood" or
    "full_likelihood" (see `weighting`)."""
    exposure: str | NDArray[np.floating] | Callable[..., NDArray[np.floating]] = "rasch"
    """Propensities: "rasch", "popularity", "poisson", "features", "self_selection", one a row of the log (n,), one
    a row and level (n, L), or f(users, items), of either shape."""
    clip_quantile: float | None = None
    """Propensities below this quantile are raised to it; None: see `fit.CLIP_GUESSED`."""
    dims: int = 16
    """D, taste dimensions of the factorisation."""
    factor_penalty: float = 9.0
    """Prior precision of taste and embedding."""
    bias_penalty: float = 1.5
    """Prior precision of the biases."""
    spread_penalty: float | None = None
    """Prior precision of the log spread of each item's ratings, of the ordinal likelihood; None: one for all."""
    learning_rate: float = 0.02
    """Of Adam."""
    epochs: int = 200
    """At most; the best validation epoch is kept."""
    patience: int = 8
    """Epochs without improvement before stopping."""
    batch: int | None = None
    """Ratings a gradient step; None: 4,096, of more than a million ratings a 256th of them."""
    max_dims: int = 64
    """Most taste dimensions of a world that is distilled from a model without factors of its own."""
    validation_share: float = 0.1
    """Share of the first part that only decides when to stop and how the utility is scaled."""
    clusters: int = 12
    """Topics, where the log has no genres."""
    like_level: int | None = None
    """Lowest liked level; None: 4 of 5, else the level whose share is nearest to the top third of the log."""
    ordered: bool = False
    """The order of the log is the order of consumption: abduct along the trajectory, mechanisms on."""
    behaviour: Behaviour = field(default_factory=Behaviour)
    """Mechanism strengths that a ratings log cannot identify: assumptions."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, by name."""
        if not 0.1 <= self.first_share <= 1.0:
            raise ValueError(f"first_share must be in [0.1, 1], got {self.first_share}")
        known = {"weighting": WEIGHTINGS, "likelihood": LIKELIHOODS}
        known |= {"exposure": tuple(EXPOSURES)} if isinstance(self.exposure, str) else {}
        for name, valid in known.items():
            if getattr(self, name) not in valid:
                raise ValueError(f"{name} must be one of {', '.join(valid)}, got {getattr(self, name)!r}")
        for name in ("dims", "epochs", "patience", "batch", "max_dims", "clusters"):
            value = getattr(self, name)
            if name == "batch" and value is None:
                continue
            if value < 1 or value != int(value):
                raise ValueError(f"{name} must be a whole number of at least 1, got {value}")
        if not isinstance(self.behaviour, Behaviour):
            raise ValueError(f"behaviour must be a Behaviour, such as Behaviour.off(), got {self.behaviour!r}")
        for name in ("factor_penalty", "bias_penalty"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")
        self._check_spread()
        if not 0.0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be above 0, got {self.learning_rate}")
        if self.clip_quantile is not None and not 0.0 <= self.clip_quantile <= 1.0:
            raise ValueError(f"clip_quantile must be in [0, 1], got {self.clip_quantile}")
        if not 0.0 < self.validation_share < 0.9:
            raise ValueError(f"validation_share must be in (0, 0.9), got {self.validation_share}")
        if self.like_level is not None and self.like_level < 2:
            raise ValueError(f"like_level must be 2 or more, or every rating is liked; got {self.like_level}")
        if self.response != FACTORISATION:
            self._check_that_nothing_is_ignored()

    def _check_spread(self) -> None:
        if self.spread_penalty is None:
            return
        if not 0.0 < self.spread_penalty < math.inf:
            raise ValueError(f"spread_penalty must be above 0, or None for one spread, got {self.spread_penalty}")
        if self.likelihood != "ordinal" or self.weighting == "dr":
            raise ValueError(
                f"spread_penalty={self.spread_penalty} is of the ordinal likelihood, and of weightings other than "
                f"'dr'; got likelihood={self.likelihood!r}, weighting={self.weighting!r}: leave it out"
            )

    def _check_that_nothing_is_ignored(self) -> None:
        for item in dataclasses.fields(self):
            if item.name in OF_THE_FACTORISATION and getattr(self, item.name) != item.default:
                raise ValueError(
                    f"{item.name} is an option of the factorisation, and response is {self.response_name!r}: "
                    "leave it out, or give the model its own in response_options"
                )

    @property
    def response_name(self) -> str:
        """The name of the response model, "module:Class" of an object."""
        if isinstance(self.response, str):
            return self.response
        kind = type(self.response)
        return f"{kind.__module__}:{kind.__qualname__}"

    def model_options(self, **of_likelihood: Callable[..., NDArray[np.float64]]) -> dict[str, Any]:
        """Return the options of the model's constructor: those in this record that are its own, and the given ones.

        `of_likelihood` has what a likelihood of missing ratings needs, by (users, items): "selection", P(row | level),
        or "unrated", P(not rated | level).
        """
        options: dict[str, Any] = {}
        if self.response == FACTORISATION:
            options = {name: getattr(self, name) for name in OF_THE_FACTORISATION}
        if self.weighting == "dr":
            options["doubly_robust"] = True
        return options | of_likelihood | dict(self.response_options)


def configure(config: FitConfig | None, options: Mapping[str, Any]) -> FitConfig:
    """Return the config with some values replaced; an unknown name is refused with the valid ones."""
    known = [item.name for item in dataclasses.fields(FitConfig)]
    for name in options:
        if name not in known:
            raise ValueError(
                f"unknown option {name!r}; World.fit takes {', '.join(known)}, seed, randomised, device, progress, "
                "checkpoint and resume"
            )
    return dataclasses.replace(config or FitConfig(), **options)
