import itertools

import numpy as np
import pytest

from recenv.causal.equations.organic import comes_across, discovered, item_met, organic, uplift


def test_popular_items_are_discovered_more_often(dials):
    d = dials(discovery=0.4)
    assert discovered(0.199, 0.5, d)  # 0.4 * sigmoid(0) = 0.2
    assert not discovered(0.2, 0.5, d)
    assert discovered(0.35, 0.95, d)


def test_nothing_is_discovered_when_discovery_is_off(dials):
    assert not discovered(1e-9, 1.0, dials())


def test_organic_needs_examination_discovery_and_attraction(dials):
    d = dials(tau_click=0.5)
    assert organic(True, True, 0.6, d)
    assert not organic(False, True, 0.6, d)
    assert not organic(True, False, 0.6, d)
    assert not organic(True, True, 0.5, d)


@pytest.mark.parametrize(("organic_it", "clicked_it"), list(itertools.product([False, True], repeat=2)))
def test_uplift_is_y1_less_y0_and_never_negative(organic_it, clicked_it):
    y0, y1 = int(organic_it), int(organic_it or clicked_it)
    assert int(uplift(organic_it, clicked_it)) == y1 - y0 >= 0


def test_an_item_is_met_with_its_share_of_the_weights():
    up_to = np.array([0.1, 0.4, 0.4, 1.0])
    assert [item_met(u, up_to) for u in (1e-12, 0.1, 0.1001, 0.4, 0.4001, 1.0 - 1e-12)] == [0, 0, 1, 1, 3, 3]
    assert item_met(0.7, np.array([1.0])) == 0


def test_nothing_is_met_when_the_rate_is_off_and_always_something_at_1(dials):
    assert not comes_across(1e-12, dials())
    assert comes_across(1.0 - 1e-12, dials(organic_rate=1.0))
