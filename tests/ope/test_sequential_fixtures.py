"""Conformance of the sequential estimators; set RECENV_FIXTURES to the folder of reference values."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from recenv.ope import estimate
from recenv.ope.trajectory_terms import TrajectoryTerms

FOLDER = os.environ.get("RECENV_FIXTURES")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="RECENV_FIXTURES does not name the folder of reference values")
OURS = {
    "dm": ("fqe", {}),
    "dr": ("sequential_dr", {}),
    "sndr": ("wdr", {}),
    "wdr_thomas_brunskill": ("wdr", {}),
    "drl_discounted": ("drl", {}),
    "sn_tis_quantile_05": ("return_quantile", {"level": 0.05}),
    "sn_tis_median": ("return_quantile", {"level": 0.5}),
    "sn_tis_variance": ("return_variance", {}),
    "sn_tis_cvar10": ("return_cvar", {"level": 0.1}),
}


def ours(key):
    """Return our name and hyper-parameters of a reference value."""
    if key in OURS:
        return OURS[key]
    name, _, k = key.partition("_k")
    if k:
        long = {"sm": "state_marginal", "sam": "state_action_marginal"}
        short, _, end = name.partition("_")
        return f"{long[short]}_{end}", {"k": int(k)}
    return key, {}


@pytest.fixture(scope="module")
def data():
    folder = Path(FOLDER)
    return np.load(folder / "sequential.npz"), json.loads((folder / "values_textbook.json").read_text())["sequential"]


def terms_of(arrays, model, gamma):
    here = (*np.ogrid[: arrays["action"].shape[0], : arrays["action"].shape[1]], arrays["action"])
    policy, q = arrays["eval_action_dist"], arrays[model]
    return TrajectoryTerms(
        reward=arrays["reward"],
        propensity=arrays["pscore"],
        target=policy[here],
        q_logged=q[here],
        q_target=(policy * q).sum(axis=2),
        state_marginal_ratio=arrays["state_marginal_iw"],
        state_action_marginal_ratio=arrays["state_action_marginal_iw"],
        state=arrays["state"],
        action=arrays["action"],
        gamma=gamma,
    )


@pytest.mark.parametrize("model", ["q_hat", "q_true"])
@pytest.mark.parametrize("name", ["gamma", "gamma1"])
def test_every_sequential_value_equals_the_reference(data, model, name):
    arrays, values = data
    terms = terms_of(arrays, model, float(arrays["gamma"]) if name == "gamma" else 1.0)
    wanted = values[f"{model}|{name}"]
    assert len(wanted) >= 20
    for key, number in wanted.items():
        estimator, hyper = ours(key)
        np.testing.assert_allclose(estimate(estimator, terms, **hyper).value, number, rtol=1e-9, err_msg=key)


def test_dice_and_the_exact_model_find_the_true_value(data):
    arrays, _ = data
    terms = terms_of(arrays, "q_true", float(arrays["gamma"]))
    for name in ("dual_dice", "drl", "sequential_dr", "wdr", "magic", "snpdis"):
        result = estimate(name, terms)
        assert abs(result.value - float(arrays["true_value"])) < 4 * result.std_error
