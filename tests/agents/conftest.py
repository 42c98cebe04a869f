import numpy as np
import pytest
import torch

from recenv.causal import World
from recenv.envs import RecSysVectorEnv
from recenv.protocol import Catalogue, Request


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def world() -> World:
    return World.synthetic(0, users=200, items=60)


@pytest.fixture
def env(world) -> RecSysVectorEnv:
    return RecSysVectorEnv(32, world=world, horizon=8)


@pytest.fixture
def catalogue() -> Catalogue:
    """Five items; item 3 is the most popular, items 1 and 4 are equally so."""
    rng = np.random.default_rng(0)
    return Catalogue(
        rng.normal(size=(5, 3)).astype(np.float32), np.array([2.0, 7.0, 1.0, 9.0, 7.0]), 4, fingerprint=(11, 22)
    )


@pytest.fixture
def request_of_two() -> Request:
    """Two users, four columns; the second user has only two candidates left."""
    rng = np.random.default_rng(1)
    candidates = np.array([[0, 1, 2, 3], [-1, 4, -1, 1]])
    return Request(rng.normal(size=(2, 4)).astype(np.float32), candidates)
