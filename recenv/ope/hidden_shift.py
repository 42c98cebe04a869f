"""Biases outside the interval that the log itself can show: by an estimate that has less of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from recenv.ope.clusters import clustered_error
from recenv.ope.continuous_terms import ContinuousTerms
from recenv.ope.estimate import Estimate, estimate
from recenv.ope.slate_terms import SlateTerms
from recenv.ope.terms import BanditTerms, EmbeddingTerms, Terms

if TYPE_CHECKING:
    from recenv.ope.evidence import Evidence

SURE = 2.576
"""From this many standard errors on, a shift is more than chance: one false alarm in a hundred."""
WITHOUT: dict[type[Terms], str] = {
    EmbeddingTerms: "weighing the items, not their embeddings,",
    SlateTerms: "weighing whole slates, not positions,",
}
"""What to do without the assumption of a family."""
WORTH = 0.5
"""From this many standard errors of the estimate on, a bias breaks its interval: 95% become 92%."""


def hidden_shift(result: Estimate, terms: Terms, found: Evidence, policy: str) -> Iterator[str]:
    """Yield what is wrong with an estimate that smooths over actions, takes items for alike or positions for apart.

    With half the bandwidth h a bias in proportion to h^2 loses three quarters; weighing the items themselves, or the
    whole slate, assumes nothing of the kind.
    """
    if isinstance(terms, ContinuousTerms):
        narrow = {**result.hyper, "bandwidth": float(result.hyper["bandwidth"]) / 2}
        worth = shift(result, estimate(result.name, terms, **narrow)) * 4 / 3
        if worth >= WORTH:
            yield f"half the bandwidth says otherwise: the smoothing is worth {worth:.1f} standard errors"
    if isinstance(terms, EmbeddingTerms | SlateTerms):
        plain = "snips" if result.name.startswith("sn") else "ips"
        worth = shift(result, estimate(plain, found.views[BanditTerms].terms(policy, {})))
        if worth >= WORTH:
            yield f"{WITHOUT[type(terms)]} says otherwise, by {worth:.1f} standard errors"


def shift(result: Estimate, other: Estimate) -> float:
    """Return how far two estimates from the same rows are apart in standard errors of the first; 0 if by chance."""
    gap = abs(result.value - other.value)
    error = clustered_error(result.influence - other.influence, result.cluster, result.clusters)
    return gap / result.std_error if gap > SURE * error and result.std_error > 0 else 0.0
