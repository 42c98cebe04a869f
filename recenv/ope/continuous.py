"""Actions on a line: rows count by how near their action is to the target's.

All are biased by smoothing over the bandwidth h: by about h^2 / 2 times the kernel's variance times the curvature of
the expected reward (of the model's error, doubly robust), which no interval shows; the variance falls as 1 / (n h).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.ope.continuous_terms import ContinuousTerms
from recenv.ope.contribution import Contribution, ones_like, zeros_like
from recenv.ope.estimator import Estimator
from recenv.ope.kernels import kernel_weight

DEFAULT_KERNEL = "epanechnikov"


def kernel_ips(terms: ContinuousTerms, bandwidth: float, kernel: str = DEFAULT_KERNEL) -> Contribution:
    """Kernel IPS: mean(w r), w = K((target_action - action) / h) / (h density).

    Consistent as h falls and n h grows, if the density is positive around the target's action and the expected reward
    smooth. Reference: Kallus and Zhou (2018).
    """
    weight = _weight(terms, bandwidth, kernel)
    return Contribution(zeros_like(weight), weight * terms.reward, ones_like(weight), weight)


def kernel_snips(terms: ContinuousTerms, bandwidth: float, kernel: str = DEFAULT_KERNEL) -> Contribution:
    """Self-normalised kernel IPS: mean(w r) / mean(w). Reference: Kallus and Zhou (2018)."""
    weight = _weight(terms, bandwidth, kernel)
    return Contribution(zeros_like(weight), weight * terms.reward, weight, weight, pure_ratio=True)


def kernel_dr(terms: ContinuousTerms, bandwidth: float, kernel: str = DEFAULT_KERNEL) -> Contribution:
    """Kernel doubly robust: mean(q_target + w (r - q_logged)), w as in `kernel_ips`.

    Reference: Kallus and Zhou (2018); Colangelo and Lee (2020).
    """
    assert terms.q_logged is not None  # `estimate` has checked what an estimator needs
    assert terms.q_target is not None
    weight = _weight(terms, bandwidth, kernel)
    return Contribution(terms.q_target, weight * (terms.reward - terms.q_logged), ones_like(weight), weight)


def _weight(terms: ContinuousTerms, bandwidth: float, kernel: str) -> NDArray[np.float64]:
    return kernel_weight(terms.distance, bandwidth, kernel) / terms.density


CONTINUOUS = (
    Estimator("kernel_ips", kernel_ips, ContinuousTerms, hyper=("bandwidth",), optional=("kernel",)),
    Estimator("kernel_snips", kernel_snips, ContinuousTerms, hyper=("bandwidth",), optional=("kernel",)),
    Estimator(
        "kernel_dr", kernel_dr, ContinuousTerms, ("q_logged", "q_target"), hyper=("bandwidth",), optional=("kernel",)
    ),
)
