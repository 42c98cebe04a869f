import numpy as np
import pytest

from recenv import World
from recenv.envs import RecSysVectorEnv
from recenv.feedback.uplift import estimated_uplift


def test_it_is_the_formula():
    found = estimated_uplift([[1, 0], [0, 1]], [[1, 1], [1, 0]], [[0.5, 0.25], [0.5, 0.8]], [[0.5, 0.5], [1.0, 0.0]])
    # rows: 0.5 * 2 - 0.5 / 0.75 = 1 / 3, and -1 / 0.5 = -2
    assert found.value == pytest.approx((1 / 3 - 2) / 2)
    assert found.std_error == pytest.approx((1 / 3 + 2) / 2)


def test_rows_of_a_user_count_as_one_unit():
    tables = [
        np.tile(table, (2, 1)) for table in ([[1, 0], [0, 1]], [[1, 1], [1, 0]], [[0.5, 0.5]] * 2, [[0.5, 0.5]] * 2)
    ]
    each = estimated_uplift(*tables)
    twice = estimated_uplift(*tables, cluster=[0, 1, 0, 1])
    assert twice.value == each.value
    assert twice.std_error == pytest.approx(each.std_error * np.sqrt(2 * 3 / 2))
    assert np.isnan(estimated_uplift(*tables, cluster=[4] * 4).std_error)


def test_what_cannot_be_weighted_is_refused():
    ones = np.ones((2, 2))
    with pytest.raises(ValueError, match=r"inside \(0, 1\) .*row 1 has 1.0 in column 0"):
        estimated_uplift(ones, ones, [[0.5, 1.0], [1.0, 0.5]], [[1.0, 0.0], [0.5, 0.5]])
    with pytest.raises(ValueError, match=r"target must have the shape .* \(2, 2\); got \(1, 2\)"):
        estimated_uplift(ones, ones, ones / 2, ones[:1])


def test_it_finds_the_worlds_own_uplift():
    """The oracle knows both potential outcomes of each item; the estimate only the one that happened."""
    world = World.synthetic(2, users=300, items=12).do(discovery=1.0, leaving=0, exposure=2.0)
    rng = np.random.default_rng(0)
    env = RecSysVectorEnv(4000, world=world, reward="uplift", horizon=2)
    env.reset(seed=0)
    outcomes = env.potential_outcomes()
    logging = rng.dirichlet(np.full(12, 4.0), size=4000) * 0.7 + 0.3 / 12
    items = (logging.cumsum(1) > rng.random(4000)[:, None]).argmax(1)
    shown = np.arange(12) == items[:, None]
    responded = np.where(shown, outcomes["clicked"] | outcomes["organic"], outcomes["organic"])
    for target in (np.full((4000, 12), 1 / 12), np.eye(12)[np.full(4000, 3)], logging):
        oracle = (target * env.potential_rewards()).sum(1).mean()
        found = estimated_uplift(shown, responded, logging, target)
        assert 0.002 < found.std_error < 0.1
        assert abs(found.value - oracle) < 3 * found.std_error
    assert oracle > 0.2
    naive = responded[shown].mean()
    assert naive > oracle + 0.05  # who responded would often have done so anyway
