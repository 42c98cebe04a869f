import pytest

from recenv.causal import World


@pytest.fixture(scope="session")
def world():
    return World.synthetic(1, users=25, items=30, dims=3, topics=4)
