"""Conformance with reference values that are kept outside the project; set RECENV_FIXTURES to their folder."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from recenv.ope.estimate import estimate
from recenv.ope.terms import BanditTerms, EmbeddingTerms

FOLDER = os.environ.get("RECENV_FIXTURES")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="RECENV_FIXTURES does not name the folder of reference values")
OURS = {
    "ips": ("ipw", "ipw_se"),
    "clipped_ips": ("ipw_clip", None),
    "snips": ("snipw", "snipw_se_delta"),
    "dm": ("dm", "dm_se_sampling_only"),
    "dr": ("dr", "dr_se"),
    "clipped_dr": ("dr_clip", None),
    "sndr": ("sndr", "sndr_se_delta"),
    "switch_dr": ("switch_dr", None),
    "dr_os": ("dros", None),
    "subgaussian_ips": ("sg_ipw", None),
    "subgaussian_dr": ("sg_dr", None),
}


@pytest.fixture(scope="module")
def data():
    folder = Path(FOLDER)
    load = lambda name: json.loads((folder / name).read_text())  # noqa: E731
    return np.load(folder / "bandit.npz"), load("values_textbook.json"), load("hyperparameters.json")


def hyper_of(name, given):
    if name.startswith("clipped"):
        return {"clip": given["clip_lambda"]}
    if name.startswith("subgaussian"):
        return {"strength": given["sg_lambda"]}
    return {
        "switch_dr": {"threshold": given["switch_lambda"]},
        "dr_os": {"shrinkage": given["dros_lambda"]},
    }.get(name, {})


def terms_of(arrays, key, propensity="pscore"):
    rows = np.arange(len(arrays["reward"]))
    return BanditTerms(
        reward=arrays["reward"],
        propensity=arrays[propensity],
        target=arrays[key][rows, arrays["action"]],
        q_logged=arrays["q_hat"][rows, arrays["action"]],
        q_target=(arrays[key] * arrays["q_hat"]).sum(axis=1),
    )


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize(
    ("key", "policy"),
    [("action_dist", "policy1"), ("action_dist2", "policy2"), ("action_dist_deterministic", "deterministic")],
)
def test_values_and_errors_equal_the_reference(data, name, key, policy):
    arrays, values, given = data
    result = estimate(name, terms_of(arrays, key), **hyper_of(name, given))
    value, error = OURS[name]
    np.testing.assert_allclose(result.value, values[policy][value], rtol=1e-9)
    if error is not None:
        np.testing.assert_allclose(result.std_error, values[policy][error], rtol=1e-9)
    np.testing.assert_allclose(result.ess, values[policy]["ess"], rtol=1e-9)


@pytest.mark.parametrize("name", ["ips", "dr"])
@pytest.mark.parametrize(("key", "policy"), [("action_dist", "policy1"), ("action_dist2", "policy2")])
def test_estimated_propensities(data, name, key, policy):
    arrays, values, _ = data
    result = estimate(name, terms_of(arrays, key, "estimated_pscore"))
    wanted = {"ips": "ipw_estimated_pscore", "dr": "dr_estimated_pscore"}[name]
    np.testing.assert_allclose(result.value, values[policy][wanted], rtol=1e-9)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_marginalised_estimators(data, dims):
    arrays, values, _ = data
    likelihood = np.ones((len(arrays["reward"]), arrays["pi_b"].shape[1]))
    for d in range(dims):
        likelihood *= arrays["p_e_a"][:, arrays["action_embed"][:, d], d].T
    ratio = (arrays["action_dist"] * likelihood).sum(axis=1) / (arrays["pi_b"] * likelihood).sum(axis=1)
    terms, wanted = EmbeddingTerms(arrays["reward"], ratio), values["mips_policy1"]
    np.testing.assert_allclose(estimate("mips", terms).value, wanted[f"mips_{dims}dim"], rtol=1e-9)
    np.testing.assert_allclose(estimate("mips", terms).std_error, wanted[f"mips_{dims}dim_se"], rtol=1e-9)
    np.testing.assert_allclose(estimate("sn_mips", terms).value, wanted[f"snmips_joint_{dims}dim"], rtol=1e-9)
