import pytest

from recenv.causal.equations.attraction import attraction, attraction_unshown


def test_attraction_adds_affinity_popularity_exposure_and_noise(dials):
    d = dials(attract=2.0, conformity=0.5, exposure=0.25)
    assert attraction(1.5, -1.0, 0.1, d) == pytest.approx(2.85)


def test_attraction_is_noise_alone_with_every_mechanism_off(dials):
    assert attraction(1.5, -1.0, 0.1, dials()) == 0.1


@pytest.mark.parametrize(("name", "expected"), [("attract", 1.6), ("conformity", -0.9), ("exposure", 1.1)])
def test_each_strength_carries_its_own_cause(dials, name, expected):
    assert attraction(1.5, -1.0, 0.1, dials(**{name: 1.0})) == pytest.approx(expected)


def test_an_unshown_item_lacks_the_effect_of_exposure_only(dials):
    assert attraction_unshown(2.85, dials(attract=2.0, exposure=0.25)) == pytest.approx(2.6)
    assert attraction_unshown(2.85, dials(attract=2.0)) == 2.85
