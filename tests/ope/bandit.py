"""A small contextual bandit whose values are known exactly."""

import numpy as np

from recenv.feedback import LoggedFeedback

CONTEXTS, ITEMS = 3, 4
LOGGING = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25]])
TARGET = np.array([[0.1, 0.2, 0.3, 0.4], [0.3, 0.3, 0.2, 0.2], [0.7, 0.1, 0.1, 0.1]])
CHANCE = np.array([[0.1, 0.3, 0.6, 0.8], [0.5, 0.4, 0.2, 0.1], [0.9, 0.2, 0.5, 0.3]])
VALUE = float((TARGET * CHANCE).sum(axis=1).mean())
LOGGED_VALUE = float((LOGGING * CHANCE).sum(axis=1).mean())


class Table:
    """A policy that looks its probabilities up by the context."""

    def __init__(self, table):
        self.table = np.asarray(table, dtype=float)
        self.asked = []

    def probabilities(self, request):
        self.asked.append(request.candidates.shape)
        return self.table[request.observation[:, 0].astype(int)]


def draw(rng, rows, logging=LOGGING, chance=CHANCE):
    context = rng.integers(len(logging), size=rows)
    item = (rng.random((rows, 1)) > logging.cumsum(axis=1)[context]).sum(axis=1)
    reward = (rng.random(rows) < chance[context, item]).astype(float)
    return context, item, reward


def make_log(rng, rows, logging=LOGGING, chance=CHANCE, **changes):
    context, item, reward = draw(rng, rows, logging, chance)
    onehot = np.eye(len(logging))[context]
    columns = {
        "episode": np.arange(rows),
        "step": np.zeros(rows, dtype=int),
        "position": np.zeros(rows, dtype=int),
        "user": np.arange(rows),
        "item": item,
        "reward": reward,
        "propensity": logging[context, item],
        "terminated": np.zeros(rows, dtype=bool),
        "truncated": np.ones(rows, dtype=bool),
        "observation": {"features": np.hstack([context[:, None], onehot]).astype(np.float32)},
        "n_items": logging.shape[1],
    }
    return LoggedFeedback(**{**columns, **changes})
