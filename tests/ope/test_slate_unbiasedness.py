"""Slate estimates against values that are known exactly, over many logs."""

import numpy as np
import pytest

from recenv.ope import estimate

from . import slates
from .holm import p_value, rejected

NAMES = ("sips", "iips", "rips", "pi", "cascade_dr", "snsips", "sniips", "snrips", "sn_pi", "sn_cascade_dr")
REPLICATES, ROWS = 600, 400


def replicate(cascade, seed):
    rng = np.random.default_rng(seed)
    logs = [slates.terms_of(*slates.draw(rng, ROWS, cascade)) for _ in range(REPLICATES)]
    return {name: [estimate(name, terms) for terms in logs] for name in NAMES}


@pytest.fixture(scope="module")
def independent():
    return replicate(False, 1)


@pytest.fixture(scope="module")
def cascade():
    return replicate(True, 2)


def values(results):
    return np.array([one.value for one in results])


def test_all_are_unbiased_where_positions_do_not_act_on_each_other(independent):
    truth = slates.value(False)
    p = {name: p_value(values(independent[name]), truth) for name in NAMES[:5]}
    assert rejected(p) == []


def test_those_that_assume_a_cascade_or_less_are_unbiased_in_a_cascade(cascade):
    truth = slates.value(True)
    p = {name: p_value(values(cascade[name]), truth) for name in ("sips", "rips", "cascade_dr")}
    assert rejected(p) == []


def test_the_same_test_sees_those_that_assume_more(cascade):
    """Independent IPS and the additive model miss that the first item tires, so the tests above could have failed."""
    truth = slates.value(True)
    p = {name: p_value(values(cascade[name]), truth) for name in ("iips", "sniips")}
    assert set(rejected(p)) == {"iips", "sniips"}


def test_self_normalised_ones_have_a_bias_of_order_one_over_n(independent):
    truth = slates.value(False)
    for name in NAMES[5:]:
        found = values(independent[name])
        error = found.std(ddof=1) / np.sqrt(REPLICATES)
        assert abs(found.mean() - truth) < 4 * error + 2 / ROWS


@pytest.mark.parametrize("name", NAMES)
def test_standard_errors_are_the_spread_over_logs(independent, name):
    spread = values(independent[name]).std(ddof=1)
    assert np.mean([one.std_error for one in independent[name]]) == pytest.approx(spread, rel=0.1)


def test_fewer_positions_a_weight_make_a_sharper_estimate(independent):
    spread = {name: values(independent[name]).std() for name in NAMES}
    assert spread["iips"] < spread["rips"] < spread["sips"]
    assert spread["cascade_dr"] < spread["rips"]
