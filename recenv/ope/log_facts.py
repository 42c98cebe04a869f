"""A few facts of the log itself, for the data card of a report."""

from __future__ import annotations

from collections.abc import Mapping

from recenv.ope.terms import BanditTerms, Terms
from recenv.ope.views import View


def log_facts(views: Mapping[type[Terms], View], policy: str) -> dict[str, float]:
    """Return name -> number: extremes of the logged rewards and propensities, and how often nothing was earned.

    Parameters
    ----------
    policy
        Any of the views' policies: what is read is the log's, and the same for all.
    """
    view = views.get(BanditTerms)
    if view is None:
        return {}
    terms = view.terms(policy, {})
    assert isinstance(terms, BanditTerms)
    return {
        "lowest reward": float(terms.reward.min()),
        "highest reward": float(terms.reward.max()),
        "share of rewards that are 0": float((terms.reward == 0).mean()),
        "smallest propensity": float(terms.propensity.min()),
        "largest propensity": float(terms.propensity.max()),
    }
