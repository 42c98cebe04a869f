import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from recenv.agents.moments import Moments
from recenv.agents.schedules import LinearSchedule


def test_moments_of_parts_are_those_of_the_whole():
    data = np.random.default_rng(0).normal(3.0, 2.0, (50, 2))
    moments = Moments(2)
    for part in np.split(data, [1, 1, 20]):
        moments.add(part)
    assert_allclose(moments.mean, data.mean(axis=0))
    assert_allclose(moments.spread(), data.std(axis=0))


def test_a_column_that_has_not_varied_has_spread_one():
    moments = Moments(2)
    moments.add(np.array([[1.0, 5.0], [3.0, 5.0]]))
    assert_array_equal(moments.spread(), [1.0, 1.0])
    moments.add(np.array([[7.0, 5.0]]))
    assert moments.spread()[1] == 1.0
    assert moments.spread()[0] > 2.0


def test_a_linear_schedule_falls_on_a_line_and_stays():
    schedule = LinearSchedule(1.0, 0.2, 100)
    assert [schedule.value(step) for step in (0, 50, 100, 10_000)] == [1.0, 0.6, 0.2, 0.2]
    assert LinearSchedule(1.0, 0.2, 0).value(0) == 0.2
