"""A third party's own response model: all it takes is `fit` and `utility`.

The model here stands in for a language-model user: it reads titles, never ids of items.
"""

import dataclasses
import hashlib

import numpy as np
import pytest

from recenv.causal import World
from recenv.protocol import ResponseModel

WORDS = 64


class TitleReader:
    """Each user's ridge regression of the level on the words of the title."""

    def __init__(self, penalty: float = 2.0) -> None:
        self.penalty = penalty

    def fit(self, data, *, rng, device="cpu", progress=None):
        words = np.array([hashed_words(title) for title in data.titles])
        weights = np.zeros((data.n_users, WORDS))
        train = data.train
        for user in range(data.n_users):
            rows = np.flatnonzero(train.user == user)
            x, y = words[train.item[rows]], train.level[rows] - train.level.mean()
            weighted = x.T * train.weight[rows]
            weights[user] = np.linalg.solve(weighted @ x + self.penalty * np.eye(WORDS), weighted @ y)
        self.words, self.weights = words, weights

    def utility(self, users, items):
        return np.einsum("nd,nd->n", self.weights[users], self.words[items])


def hashed_words(title):
    """Return (WORDS,) how often each hash of a word occurs in the title."""
    digests = [hashlib.blake2b(word.encode(), digest_size=4).digest() for word in title.lower().split()]
    codes = [int.from_bytes(digest, "little") % WORDS for digest in digests]
    return np.bincount(codes, minlength=WORDS).astype(float)


@pytest.fixture(scope="module")
def titled(made):
    """The made log with titles that tell something of the items, and each user's liking for it, which is the truth."""
    log, _ = made
    rng = np.random.default_rng(3)
    sunny, long = rng.random(log.n_items) < 0.5, rng.random(log.n_items) < 0.5
    titles = tuple(
        f"A {'sunny' if s else 'gloomy'} {'long' if w else 'short'} tale" for s, w in zip(sunny, long, strict=True)
    )
    utility = 2.0 * rng.normal(size=(log.n_users, 1)) * (2.0 * sunny - 1.0)
    x = (utility + rng.logistic(size=utility.shape))[log.user, log.item]
    rating = 1.0 + (x[:, None] > np.array([-3.0, -1.0, 1.0, 3.0])).sum(1)
    return dataclasses.replace(log, titles=titles, rating=rating), utility


def test_the_hash_tells_the_titles_apart(titled):
    titles = set(titled[0].titles)
    assert len({tuple(hashed_words(title)) for title in titles}) == len(titles) == 4


def test_a_third_partys_model_becomes_a_world(titled):
    log, utility = titled
    model = TitleReader()
    assert isinstance(model, ResponseModel)
    world = World.fit(log, response=model, weighting="naive")
    users, items = np.divmod(np.arange(utility.size), log.n_items)
    assert np.corrcoef(world.base_utility(users, items), utility.ravel())[0, 1] > 0.85
    assert world.expected_rating(users, items).min() >= 1.0
