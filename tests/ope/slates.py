"""A small world of slates whose values are known exactly: two contexts, four items, two positions."""

import numpy as np

from recenv.ope import SlateTerms, pseudo_inverse_weight, slot_marginals
from recenv.ope.plackett_luce import all_slates, prefix_probability

CONTEXTS, ITEMS, POSITIONS = 2, 4, 2
LOGGING = np.array([[0.0, 0.4, -0.3, 0.2], [0.5, -0.2, 0.1, 0.0]])
TARGET = np.array([[0.8, -0.4, 0.3, -0.2], [-0.3, 0.6, 0.0, 0.4]])
OWN = np.array([[0.2, 0.5, 0.3, 0.6], [0.4, 0.1, 0.5, 0.3]])
"""Chance of a click by context and item."""
FATIGUE = 0.5
"""Share of the second position's chance that is left after a first item of even number, in the cascade world."""

SLATES = [all_slates(scores, POSITIONS) for scores in LOGGING]
WANTED = [all_slates(scores, POSITIONS) for scores in TARGET]
LOGGED_MARGINAL, PAIRWISE = map(np.array, zip(*(slot_marginals(*pair, ITEMS) for pair in SLATES), strict=True))
TARGET_MARGINAL = np.array([slot_marginals(*pair, ITEMS)[0] for pair in WANTED])


def chance(context, slate, cascade):
    """Chance of a click (n, K): of its own item only, or also of the item above."""
    result = OWN[context[:, None], slate].copy()
    if cascade:
        result[:, 1] *= np.where(slate[:, 0] % 2 == 0, FATIGUE, 1.0)
    return result


def value(cascade, slates=WANTED):
    return np.mean(
        [
            probability @ chance(np.full(len(shown), context), shown, cascade).sum(axis=1)
            for context, (shown, probability) in enumerate(slates)
        ]
    )


def draw(rng, rows, cascade):
    context = rng.integers(CONTEXTS, size=rows)
    slate = np.empty((rows, POSITIONS), dtype=int)
    for number, (shown, probability) in enumerate(SLATES):
        here = context == number
        slate[here] = shown[rng.choice(len(shown), here.sum(), p=probability)]
    reward = (rng.random((rows, POSITIONS)) < chance(context, slate, cascade)).astype(float)
    return context, slate, reward


def terms_of(context, slate, reward, **changes):
    """Terms with a reward model that is wrong: it knows nothing of fatigue and overrates by 0.1."""
    logged, wanted = prefix_probability(LOGGING[context], slate), prefix_probability(TARGET[context], slate)
    model = OWN + 0.1
    rest = (TARGET_MARGINAL[:, 1] * model).sum(axis=1)[context]
    left = np.exp(TARGET[context])
    left[np.arange(len(slate)), slate[:, 0]] = 0
    left /= left.sum(axis=1, keepdims=True)
    second = (left * model[context]).sum(axis=1)
    first = (TARGET_MARGINAL[:, 0] * model).sum(axis=1)[context]
    place = np.arange(POSITIONS)
    columns = {
        "reward": reward,
        "propensity": logged[:, -1],
        "target": wanted[:, -1],
        "propensity_position": LOGGED_MARGINAL[context[:, None], place, slate],
        "target_position": TARGET_MARGINAL[context[:, None], place, slate],
        "propensity_prefix": logged,
        "target_prefix": wanted,
        "pi_weight": pseudo_inverse_weight(slate, context, PAIRWISE, TARGET_MARGINAL),
        "q_logged": np.stack([model[context, slate[:, 0]] + rest, model[context, slate[:, 1]]], axis=1),
        "q_target": np.stack([first + rest, second], axis=1),
    }
    return SlateTerms(**{**columns, **changes})
