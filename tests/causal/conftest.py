import dataclasses

import numpy as np
import pytest

from recenv.causal import Behaviour, World
from recenv.data import RatingsLog


@pytest.fixture
def dials():
    """The record of a behaviour in which only the named mechanisms are on."""

    def make(**changes):
        fields = {name: value for name, value in changes.items() if name not in ("mood", "trust", "satiation")}
        nodes = {name: value for name, value in changes.items() if name not in fields}
        return dataclasses.replace(Behaviour.off(), **fields).dials(**nodes)[0]

    return make


@pytest.fixture(scope="session")
def world():
    return World.synthetic(3, users=40, items=50, dims=3, topics=4)


@pytest.fixture(scope="session")
def made():
    """A log of known utilities: 150 users, 80 items, a third of all pairs, noise of its own."""
    rng = np.random.default_rng(8)
    taste, embedding = rng.normal(size=(150, 2)), rng.normal(size=(80, 2))
    utility = 1.5 * taste @ embedding.T + 0.8 * rng.normal(size=(150, 1)) + 0.8 * rng.normal(size=80)
    x = utility + rng.logistic(size=utility.shape)
    rating = 1.0 + (x[..., None] > np.array([-3.0, -1.0, 0.5, 2.0])).sum(-1)
    user, item = np.nonzero(rng.random(utility.shape) < 1 / 3)
    shuffled = rng.permutation(len(user))
    user, item = user[shuffled], item[shuffled]
    kinds = np.where(embedding[:, 0] > 0, "bright", "dark")
    log = RatingsLog(
        name="made",
        user=user,
        item=item,
        rating=rating[user, item],
        user_ids=np.array([f"u{u}" for u in range(150)]),
        item_ids=np.array([f"i{a}" for a in range(80)]),
        levels=np.arange(1.0, 6.0),
        genres=tuple((kind,) if a % 4 else (kind, "long") for a, kind in enumerate(kinds)),
    )
    return log, utility


@pytest.fixture(scope="session")
def one_thread():
    """Torch on one thread: these fits are so small that threads only wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def quick(one_thread):
    """Options of a fit that takes about a second."""
    return {"dims": 2, "epochs": 30, "batch": 512, "factor_penalty": 1.0, "learning_rate": 0.1}


@pytest.fixture(scope="session")
def fitted(made, quick):
    return World.fit(made[0], seed=4, **quick)
