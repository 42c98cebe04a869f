"""The estimators of one shown item a row."""

from __future__ import annotations

from recenv.ope.direct_method import dm
from recenv.ope.doubly_robust import clipped_dr, dr, dr_os, sndr, subgaussian_dr, switch_dr
from recenv.ope.empirical_likelihood import empirical_likelihood
from recenv.ope.estimator import Estimator
from recenv.ope.inverse_propensity import clipped_ips, ips, snips, subgaussian_ips
from recenv.ope.marginalized import mips, sn_mips
from recenv.ope.replay import replay
from recenv.ope.terms import EmbeddingTerms

_MODEL = ("q_logged", "q_target")
BANDIT = (
    Estimator("replay", replay),
    Estimator("ips", ips),
    Estimator("clipped_ips", clipped_ips, hyper=("clip",)),
    Estimator("snips", snips),
    Estimator("dm", dm, needs=("q_target",), model_only=True),
    Estimator("dr", dr, needs=_MODEL),
    Estimator("clipped_dr", clipped_dr, needs=_MODEL, hyper=("clip",)),
    Estimator("sndr", sndr, needs=_MODEL),
    Estimator("switch_dr", switch_dr, needs=_MODEL, hyper=("threshold",)),
    Estimator("dr_os", dr_os, needs=_MODEL, hyper=("shrinkage",)),
    Estimator("subgaussian_ips", subgaussian_ips, hyper=("strength",)),
    Estimator("subgaussian_dr", subgaussian_dr, needs=_MODEL, hyper=("strength",)),
    Estimator("empirical_likelihood", empirical_likelihood),
)
EMBEDDING = (
    Estimator("mips", mips, terms=EmbeddingTerms),
    Estimator("sn_mips", sn_mips, terms=EmbeddingTerms),
)
