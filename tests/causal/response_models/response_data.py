"""Response data of the made log (see the fixture `made`): its ratings and what is true."""

import numpy as np

from recenv.protocol import Ratings, ResponseData


def response_data(log, *, held_share=0.1, weight=None, **side):
    """Return the log's ratings as response data, a random share of them to stop on."""
    rng = np.random.default_rng(5)
    held = rng.random(len(log)) < held_share
    place = np.arange(len(log))
    level = np.searchsorted(log.levels, log.rating) + 1
    columns = (log.user, log.item, level, np.ones(len(log)) if weight is None else weight, place)
    train, validation = (Ratings(*(column[rows] for column in columns)) for rows in (~held, held))
    return ResponseData(train, validation, log.n_users, log.n_items, log.levels, **side)


def few_ratings():
    """Five ratings: users 0 (two), 1 (one), 3 (two) of five, items 0..3 of six; user 4 is only in the validation."""
    train = Ratings(
        np.array([3, 0, 1, 0, 3]),
        np.array([2, 1, 0, 3, 0]),
        np.array([1, 2, 3, 1, 2]),
        np.array([1.0, 2.0, 1.0, 1.0, 1.0]),
        np.array([1, 1, 0, 0, 0]),
    )
    validation = Ratings(np.array([4, 0]), np.array([5, 0]), np.array([2, 3]), np.ones(2), np.zeros(2, int))
    return ResponseData(train, validation, 5, 6, np.array([1.0, 2.0, 3.0]))
