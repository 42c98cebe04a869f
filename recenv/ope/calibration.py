"""Making estimated probabilities mean what they say: of what has probability p, a share p happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Calibration = Callable[[Vector], Vector]


def isotonic(probability: Vector, happened: Vector) -> Calibration:
    """Return the non-decreasing step function nearest to what happened (n,) at each probability (n,).

    Reference: Zadrozny and Elkan (2002).
    """
    from sklearn.isotonic import IsotonicRegression

    fitted: Any = IsotonicRegression(out_of_bounds="clip").fit(probability, happened)
    return lambda values: np.asarray(fitted.predict(values.ravel())).reshape(values.shape)


def platt(probability: Vector, happened: Vector) -> Calibration:
    """Return sigmoid(a + b logit(p)) with a and b of largest likelihood. Reference: Platt (1999)."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e6, max_iter=1_000).fit(_logit(probability)[:, None], happened)
    level, slope = float(fitted.intercept_[0]), float(fitted.coef_[0, 0])
    return lambda values: 1 / (1 + np.exp(-(level + slope * _logit(values))))


CALIBRATIONS: dict[str, Callable[[Vector, Vector], Calibration]] = {"isotonic": isotonic, "platt": platt}


def _logit(probability: Vector) -> Vector:
    held = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.log(held) - np.log1p(-held)
