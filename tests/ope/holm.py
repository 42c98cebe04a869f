"""Many z-tests at once."""

from math import erfc, sqrt

import numpy as np


def p_value(values, truth):
    """Two-sided p of a mean over replicates against a known truth."""
    values = np.asarray(values)
    return erfc(abs(values.mean() - truth) / (values.std(ddof=1) / np.sqrt(len(values))) / sqrt(2))


def rejected(p, level=0.001):
    """Names that Holm's step-down procedure rejects at a family-wise level."""
    found = []
    for place, name in enumerate(sorted(p, key=p.get)):
        if p[name] > level / (len(p) - place):
            break
        found.append(name)
    return found
