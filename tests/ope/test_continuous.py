import numpy as np
import pytest

from recenv.ope import ContinuousTerms, estimate
from recenv.ope.kernels import KERNELS, kernel_weight

from .holm import p_value, rejected

BANDWIDTH, REPLICATES, ROWS = 0.5, 500, 400


def make(**changes):
    columns = {
        "reward": [1.0, 2.0, 4.0],
        "action": [0.0, 1.0, 3.0],
        "target_action": [0.0, 2.0, 0.0],
        "density": [0.5, 0.25, 2.0],
        "q_logged": [0.0, 1.0, 1.0],
        "q_target": [1.0, 1.0, 1.0],
    }
    return ContinuousTerms(**{**columns, **changes})


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_symmetric_densities(name):
    u = np.linspace(-9, 9, 200_001)
    value = KERNELS[name](u)
    assert value.min() >= 0
    assert value.sum() * (u[1] - u[0]) == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(value, value[::-1], atol=1e-12)
    assert (value[np.abs(u) > 1] == 0).all() or name == "gaussian"


def test_values_reckoned_by_hand():
    """Triangular, h = 2: K(0) = 1, K(1/2) = 1/2, K(3/2) = 0; weights 1, 1, 0."""
    how = {"bandwidth": 2, "kernel": "triangular"}
    assert estimate("kernel_ips", make(), **how).value == pytest.approx(3 / 3)
    assert estimate("kernel_snips", make(), **how).value == pytest.approx(3 / 2)
    assert estimate("kernel_dr", make(), **how).value == pytest.approx(1 + (1 + 1) / 3)
    assert estimate("kernel_ips", make(), **how).ess == pytest.approx(2)
    assert estimate("kernel_ips", make(), bandwidth=2).value == pytest.approx((0.75 + 2 * 1.125) / 3)


def draw(rng):
    """Action N(x, 1), target x + 1/2, expected reward 1 + a^2 given x = 0: curvature 2."""
    x = rng.normal(size=ROWS)
    action = x + rng.normal(size=ROWS)
    density = np.exp(-((action - x) ** 2) / 2) / np.sqrt(2 * np.pi)
    model = 0.5 * (x + 0.5)
    reward = 1 + action**2 + rng.normal(size=ROWS)
    return ContinuousTerms(reward, action, x + 0.5, density, 0.5 * action, model)


@pytest.fixture(scope="module")
def logs():
    rng = np.random.default_rng(3)
    return [draw(rng) for _ in range(REPLICATES)]


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_bias_is_the_smoothing_that_theory_says(logs, kernel):
    """E[1 + a^2] = 1 + E[(x + 1/2)^2] = 2.25, plus h^2 times the kernel's variance, as the curvature is 2."""
    u = np.linspace(-9, 9, 20_001)
    spread = float((u**2 * KERNELS[kernel](u)).sum() * (u[1] - u[0]))
    expected = 2.25 + BANDWIDTH**2 * spread
    names = ("kernel_ips", "kernel_dr")
    found = {name: [estimate(name, t, bandwidth=BANDWIDTH, kernel=kernel).value for t in logs] for name in names}
    assert rejected({name: p_value(found[name], expected) for name in names}) == []
    normal = [estimate("kernel_snips", t, bandwidth=BANDWIDTH, kernel=kernel).value for t in logs]
    assert abs(np.mean(normal) - expected) < 4 * np.std(normal) / np.sqrt(REPLICATES) + 4 / ROWS


@pytest.mark.parametrize("name", ["kernel_ips", "kernel_snips", "kernel_dr"])
def test_standard_errors_are_the_spread_over_logs(logs, name):
    results = [estimate(name, terms, bandwidth=BANDWIDTH) for terms in logs]
    assert np.mean([one.std_error for one in results]) == pytest.approx(np.std([o.value for o in results]), rel=0.1)


def test_no_action_within_the_bandwidth_is_no_number():
    result = estimate("kernel_ips", make(target_action=[9.0, 9.0, 9.0]), bandwidth=1)
    assert np.isnan(result.value)
    assert result.std_error == np.inf


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({}, r"kernel_ips takes bandwidth= \(and kernel= if you like\); given: none"),
        ({"bandwidth": 0}, "bandwidth must be a positive number, not 0"),
        ({"bandwidth": np.nan}, "bandwidth must be a positive number, not nan"),
        ({"bandwidth": 1, "kernel": "box"}, "no kernel 'box'; there are gaussian, epanechnikov, triangular, cosine"),
        ({"bandwidth": 1, "width": 2}, "given: bandwidth=, width="),
    ],
)
def test_misuse_is_refused_by_name(how, message):
    with pytest.raises(ValueError, match=message):
        estimate("kernel_ips", make(), **how)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"density": [0.5, 0.0, 1.0]}, "density must be positive; row 1 has 0.0"),
        ({"density": [0.5, np.nan, 1.0]}, "density must be finite; row 1 has nan"),
        ({"action": [0.0, 1.0]}, "action has 2 rows, reward has 3"),
        ({"target_action": [[0.0], [1.0], [2.0]]}, r"target_action must be \(n,\)"),
    ],
)
def test_unusable_terms_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_a_missing_model_is_named():
    with pytest.raises(ValueError, match=r"kernel_dr needs terms\.q_target"):
        estimate("kernel_dr", make(q_target=None), bandwidth=1)


def test_weights_scale_with_the_bandwidth():
    np.testing.assert_allclose(kernel_weight(np.array([0.0, 4.0]), 4.0, "epanechnikov"), [0.75 / 4, 0])
