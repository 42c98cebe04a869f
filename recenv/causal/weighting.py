"""How the ratings of a self-selected log are weighted, so that the fit is right for the pairs nobody rated too.

Let o_ui = 1 for the n rated of all U N pairs, p_ui = P(o_ui = 1), and e_ui(theta) the loss of a pair (its negative
log-likelihood). What each minimises, each plus the same penalty, in units of one rating:

    naive    sum_{o=1} e_ui
    snips    n sum_{o=1} e_ui / p_ui / sum_{o=1} 1 / p_ui          self-normalised: total weight n
    ips      n / (U N) sum_{o=1} e_ui / p_ui                       unbiased for the loss over all pairs
    dr       n / (U N) [ sum_{all} g_ui + sum_{o=1} (e_ui - g_ui) / p_ui ]

The total weight of ips is whatever the propensities say: propensities that are too high weaken the ratings against the
penalty. In dr, g_ui is the loss that an imputation model expects, itself fitted to sum_{o=1} (e - g)^2 / p (doubly
robust joint learning, `wang2019doubly`): right if the propensities or the imputed losses are. Schnabel et al. 2016
(`schnabel2016recommendations`) for ips and snips.

    likelihood    - sum_{o=1} log [ P(r | theta) p(r) / sum_r' P(r' | theta) p(r') ]       the rating given o = 1

needs p at every level that the rating could have had, and trusts the likelihood's form; in return no rating is worth
many others (Heckman 1979, `heckman1979sample`; for ratings Hernandez-Lobato et al. 2014,
`hernandezlobato2014probabilistic`).

    full_likelihood    - sum_{o=1} log P(r | theta) - sum_{o=0} log sum_r' P(r' | theta) (1 - p(r'))

is the likelihood of everything that is seen, which pairs are rated included (full information; Marlin & Zemel 2009,
`marlin2009collaborative`). Where liked pairs are rated more often, one that nobody rated is likely liked less: with few
ratings a user or item, that tells as much as the ratings do. It needs p at every level of every pair, rated or not.

Assumption of all but naive: the propensities are right given what they condition on, and none is 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recenv.causal.exposure import inverse_propensity_weights

WEIGHTINGS = ("snips", "ips", "dr", "naive", "likelihood", "full_likelihood")
UNWEIGHTED = ("naive", "likelihood", "full_likelihood")
CLIP_GUESSED = 0.5
"""Quantile that propensities are raised to, of snips; of .3, .5, .7, .85 and 1 chosen on the splits of ML-100k and
ml-latest-small with seed 100: unweighted errors are .008 and .011 stars better than at .3, errors weighted up to the
10% quantile as good, those weighted up to the 1% quantile .003 and .007 worse."""
CLIP_TOTAL = 0.1
"""Of ips and dr, whose total weight suffers from clipping."""
CLIP_SELECTED = 0.1
"""Of propensities given the rating, estimated from the log; of 0 to .3 the lowest weighted cross-validated error of
Coat's self-selected ratings."""
CLIP_KNOWN = 0.01
"""Of known propensities; chosen of 0, .01, .03, .1 on made logs of known selection, by the error of items' means."""


def rating_weights(
    propensity: NDArray[np.float64], weighting: str, *, clip_quantile: float, cells: int
) -> NDArray[np.float64]:
    """Return (n,) the weight of each rating in the fit, about 1 on average.

    Parameters
    ----------
    propensity
        (n,) P(o = 1) of each rating's pair, in (0, 1]; those below their `clip_quantile` are raised to it.
    weighting
        One of `WEIGHTINGS`.
    cells
        U N.
    """
    if weighting in UNWEIGHTED:
        return np.ones(len(propensity))
    if weighting == "snips":
        return inverse_propensity_weights(propensity, clip_quantile=clip_quantile)
    return len(propensity) / cells / np.maximum(propensity, np.quantile(propensity, clip_quantile))
