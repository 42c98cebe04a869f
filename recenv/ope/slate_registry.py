"""The estimators of slates."""

from __future__ import annotations

from recenv.ope.cascade_dr import cascade_dr, sn_cascade_dr
from recenv.ope.estimator import Estimator
from recenv.ope.pseudo_inverse import pi, sn_pi
from recenv.ope.slate_importance import iips, rips, sips, sniips, snrips, snsips
from recenv.ope.slate_terms import SlateTerms

_SLATE = ("propensity", "target")
_POSITION = ("propensity_position", "target_position")
_PREFIX = ("propensity_prefix", "target_prefix")
_MODEL = (*_PREFIX, "q_logged", "q_target")
SLATE = (
    Estimator("sips", sips, SlateTerms, _SLATE),
    Estimator("snsips", snsips, SlateTerms, _SLATE),
    Estimator("iips", iips, SlateTerms, _POSITION),
    Estimator("sniips", sniips, SlateTerms, _POSITION),
    Estimator("rips", rips, SlateTerms, _PREFIX),
    Estimator("snrips", snrips, SlateTerms, _PREFIX),
    Estimator("pi", pi, SlateTerms, ("pi_weight",)),
    Estimator("sn_pi", sn_pi, SlateTerms, ("pi_weight",)),
    Estimator("cascade_dr", cascade_dr, SlateTerms, _MODEL),
    Estimator("sn_cascade_dr", sn_cascade_dr, SlateTerms, _MODEL),
)
