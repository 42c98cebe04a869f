"""Conformance of slates, continuous actions and several loggers; RECENV_FIXTURES names the reference values' folder."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from recenv.ope import (
    BanditTerms,
    ContinuousTerms,
    EmbeddingTerms,
    MultiLoggerTerms,
    SlateTerms,
    estimate,
    pseudo_inverse_weight,
    slot_marginals,
    tune,
)
from recenv.ope.plackett_luce import all_slates, prefix_probability

FOLDER = os.environ.get("RECENV_FIXTURES")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="RECENV_FIXTURES does not name the folder of reference values")
SLATE = {
    "sips": "sips",
    "iips": "iips",
    "rips": "rips",
    "snsips": "snsips",
    "sniips": "sniips",
    "snrips": "snrips",
    "cascade_dr": "cascade-dr",
    "pi": "pseudo_inverse",
}
TUNED = {
    "clipped_ips": ("ipw", "tuning_lambdas"),
    "clipped_dr": ("dr", "tuning_lambdas"),
    "switch_dr": ("switch_dr", "tuning_lambdas"),
    "dr_os": ("dros", "tuning_lambdas"),
    "subgaussian_ips": ("sg_ipw", "sg_lambdas"),
    "subgaussian_dr": ("sg_dr", "sg_lambdas"),
}
POLICIES = {"action_dist": "policy1", "action_dist2": "policy2", "action_dist_deterministic": "deterministic"}


def values_of(name):
    path = Path(FOLDER) / f"values_{name}.json"
    return json.loads(path.read_text()) if path.exists() else pytest.skip(f"{path.name} is not there")


@pytest.fixture(scope="module")
def bandit():
    return dict(np.load(Path(FOLDER) / "bandit.npz"))


@pytest.fixture(scope="module")
def given():
    return json.loads((Path(FOLDER) / "hyperparameters.json").read_text())


@pytest.fixture(scope="module")
def slates():
    arrays = dict(np.load(Path(FOLDER) / "slate.npz"))
    n, positions = arrays["slate"].shape
    items = arrays["pl_logit_behavior"].shape[1]
    logged = [slot_marginals(*all_slates(scores, positions), items) for scores in arrays["pl_logit_behavior"]]
    wanted = [slot_marginals(*all_slates(scores, positions), items)[0] for scores in arrays["pl_logit_eval"]]
    at = (np.arange(n)[:, None], np.arange(positions), arrays["slate"])
    terms = SlateTerms(
        reward=arrays["reward"],
        propensity=arrays["pscore"],
        target=arrays["eval_pscore"],
        propensity_position=arrays["pscore_item_position"],
        target_position=arrays["eval_pscore_item_position"],
        propensity_prefix=arrays["pscore_cascade"],
        target_prefix=arrays["eval_pscore_cascade"],
        pi_weight=pseudo_inverse_weight(arrays["slate"], arrays["context"], [p for _, p in logged], wanted),
        q_logged=arrays["q_hat"][at],
        q_target=(arrays["q_hat"] * arrays["eval_action_dist_given_prefix"]).sum(axis=2),
    )
    return arrays, terms, np.array([marginal for marginal, _ in logged])


@pytest.mark.parametrize("name", SLATE)
def test_slate_values_and_errors_equal_the_reference(slates, name):
    values = values_of("textbook")["slate"]
    result = estimate(name, slates[1])
    np.testing.assert_allclose(result.value, values[SLATE[name]], rtol=1e-9)
    if f"{SLATE[name]}_se" in values:
        np.testing.assert_allclose(result.std_error, values[f"{SLATE[name]}_se"], rtol=1e-9)


def test_slate_probabilities_equal_the_reference(slates):
    arrays, terms, marginal = slates
    np.testing.assert_allclose(marginal[arrays["context"]], arrays["behavior_item_position_marginals"], atol=1e-12)
    found = prefix_probability(arrays["pl_logit_behavior"][arrays["context"]], arrays["slate"])
    np.testing.assert_allclose(found, arrays["pscore_cascade"], rtol=1e-9)
    mean = values_of("textbook")["slate"]["pseudo_inverse_mean_weight"]
    np.testing.assert_allclose(terms.pi_weight.mean(), mean, rtol=1e-9)


@pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov", "triangular", "cosine"])
@pytest.mark.parametrize(("name", "peer"), [("kernel_ips", "ipw"), ("kernel_snips", "snipw"), ("kernel_dr", "dr")])
def test_kernel_estimates_equal_the_peer(bandit, given, name, peer, kernel):
    terms = ContinuousTerms(
        bandit["cont_reward"],
        bandit["cont_action_b"],
        bandit["cont_action_e"],
        bandit["cont_pscore"],
        bandit["cont_q_hat"],
        bandit["cont_q_hat"],
    )
    found = estimate(name, terms, bandwidth=given["bandwidth"], kernel=kernel).value
    wanted = values_of("obp")["continuous"][f"kernelized_{peer}_{kernel}"]["point"]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_several_loggers_equal_the_peer_where_it_is_right(bandit):
    """Its weighted DR weighs the correction alone, so that one is not compared."""
    peer = values_of("obp")["multi_logger_policy1"]
    rows, item, logger = np.arange(len(bandit["multi_action"])), bandit["multi_action"], bandit["stratum_idx"]
    columns = {
        "reward": bandit["multi_reward"],
        "target": bandit["action_dist"][rows, item],
        "q_logged": bandit["q_hat"][rows, item],
        "q_target": (bandit["action_dist"] * bandit["q_hat"]).sum(axis=1),
    }
    mixture = MultiLoggerTerms(propensity=bandit["multi_pscore_avg"], **columns)
    own = np.full((len(rows), logger.max() + 1), bandit["multi_pscore_avg"][:, None])
    own[rows, logger] = bandit["multi_pscore"]
    each = MultiLoggerTerms(propensity=own, logger=logger, **columns)
    for name, terms, wanted in (
        ("balanced_ips", mixture, "multi_bal_ipw"),
        ("balanced_dr", mixture, "multi_bal_dr"),
        ("weighted_ips", each, "multi_weighted_ipw"),
    ):
        np.testing.assert_allclose(estimate(name, terms).value, peer[wanted]["point"], rtol=1e-9)


def test_estimated_importance_weights_equal_the_peers_balanced_estimate(bandit):
    terms = EmbeddingTerms(bandit["reward"], bandit["estimated_importance_weights"])
    wanted = values_of("obp")["policy1"]["balanced_ipw"]["point"]
    np.testing.assert_allclose(estimate("sn_mips", terms).value, wanted, rtol=1e-9)


def bandit_terms(bandit, key, **changes):
    rows, item = np.arange(len(bandit["action"])), bandit["action"]
    return BanditTerms(
        bandit["reward"],
        bandit["pscore"],
        bandit[key][rows, item],
        bandit["q_hat"][rows, item],
        (bandit[key] * bandit["q_hat"]).sum(axis=1),
        **changes,
    )


@pytest.mark.parametrize("key", ["action_dist", "action_dist2"])
def test_empirical_likelihood_equals_the_peer(bandit, key):
    """The peer rescales rewards to [0, 1]."""
    peer = values_of("vw_estimators")[key]
    low, high = bandit["reward"].min(), bandit["reward"].max()
    scaled = bandit_terms({**bandit, "reward": (bandit["reward"] - low) / (high - low)}, key)
    terms = BanditTerms(scaled.reward, scaled.propensity, scaled.target, weight_max=peer["wmax_used"])
    np.testing.assert_allclose(estimate("empirical_likelihood", terms).value, peer["mle"], rtol=1e-9)


@pytest.mark.parametrize("key", POLICIES)
@pytest.mark.parametrize("name", TUNED)
def test_slope_chooses_what_the_peer_does_with_a_new_object_for_every_policy(bandit, given, key, name):
    peer, grid = TUNED[name]
    wanted = values_of("obp")[POLICIES[key]].get(f"{peer}_tuned_slope")
    if wanted is None:
        pytest.skip("not tuned by the peer")
    terms = bandit_terms(bandit, key)
    found = estimate(name, terms, **tune(name, terms, grid=given[grid]))
    np.testing.assert_allclose(found.value, wanted["point"], rtol=1e-9)
