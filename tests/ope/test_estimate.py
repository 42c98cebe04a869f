import numpy as np
import pytest

from recenv.ope import BanditTerms, EmbeddingTerms, estimate, estimators

VALUES = {
    "ips": ({}, 1.25),
    "clipped_ips": ({"clip": 1.0}, 0.75),
    "snips": ({}, 1.0),
    "dm": ({}, 0.75),
    "dr": ({}, 1.0625),
    "clipped_dr": ({"clip": 1.0}, 0.9375),
    "sndr": ({}, 1.0),
    "switch_dr": ({"threshold": 1.0}, 0.8125),
    "dr_os": ({"shrinkage": 2.0}, 0.75 + (2 / 9 - 1 / 3 + 2 / 3) / 4),
    "subgaussian_ips": ({"strength": 0.5}, 1.0),
    "subgaussian_dr": ({"strength": 0.5}, 1.0),
    "empirical_likelihood": ({}, 1.0),
}
ERRORS = {
    "ips": np.sqrt(10.25 / 3) / 2,
    "snips": np.sqrt(8) / 5,
    "dm": np.sqrt(1.25 / 3) / 2,
}


OTHER_FAMILIES = (
    *("replay", "mips", "sn_mips"),
    *("balanced_ips", "sn_balanced_ips", "balanced_dr", "weighted_ips", "weighted_dr"),
    *("kernel_ips", "kernel_snips", "kernel_dr"),
    *("sips", "snsips", "iips", "sniips", "rips", "snrips", "pi", "sn_pi", "cascade_dr", "sn_cascade_dr"),
    *("tis", "pdis", "sntis", "snpdis", "fqe", "sequential_dr", "wdr", "magic", "drl", "dual_dice"),
)


def test_every_estimator_is_listed():
    assert {*VALUES, *OTHER_FAMILIES} <= set(estimators())
    assert len(set(estimators())) == len(estimators())


def test_underscores_in_a_name_do_not_count(terms):
    assert estimate("sn_ips", terms()).name == "snips"


@pytest.mark.parametrize("name", VALUES)
def test_values_reckoned_by_hand(terms, name):
    hyper, value = VALUES[name]
    result = estimate(name, terms(), **hyper)
    assert result.value == pytest.approx(value, rel=1e-12)
    assert result.ess == pytest.approx(25 / 8.5)
    assert (result.estimand, result.rows, result.clusters, result.hyper) == ("one_step", 4, 4, hyper)


@pytest.mark.parametrize("name", ERRORS)
def test_standard_errors_reckoned_by_hand(terms, name):
    assert estimate(name, terms()).std_error == pytest.approx(ERRORS[name], rel=1e-12)


@pytest.mark.parametrize("name", VALUES)
def test_influence_has_mean_zero_and_makes_the_standard_error(terms, name):
    result = estimate(name, terms(), **VALUES[name][0])
    assert result.influence.mean() == pytest.approx(0, abs=1e-12)
    factor = 1 if name == "snips" else 4 / 3
    assert result.std_error == pytest.approx(np.sqrt(factor * (result.influence**2).sum()) / 4)


@pytest.mark.parametrize("name", ["snips", "sndr"])
def test_self_normalised_influence_is_the_jackknife_derivative(terms, name):
    """Weighting one row by 1 + h moves the value by h psi / n."""
    h = 1e-6
    whole = estimate(name, terms())
    base, numerator, denominator = whole.contribution[:3]
    for row in range(4):
        share = np.ones(4)
        share[row] += h
        share /= share.mean()
        moved = (share * base).mean() + (share * numerator).mean() / (share * denominator).mean()
        assert (moved - whole.value) / h == pytest.approx(whole.influence[row] / 4, abs=1e-5)


def test_clusters_add_up_before_they_are_squared(terms):
    result = estimate("ips", terms(cluster=["a", "a", "b", "b"]))
    assert (result.clusters, result.value) == (2, 1.25)
    assert result.std_error == pytest.approx(1.0)


def test_one_cluster_shows_no_spread(terms):
    assert estimate("dr", terms(cluster=[5, 5, 5, 5])).std_error == np.inf


def test_removed_weight_is_told(terms):
    assert estimate("clipped_ips", terms(), clip=1.0).removed == pytest.approx(2 / 5)
    assert estimate("switch_dr", terms(), threshold=1.0).removed == pytest.approx(4 / 5)
    assert estimate("ips", terms()).removed == 0


@pytest.mark.parametrize(
    ("one", "hyper", "other"),
    [
        ("clipped_ips", {"clip": 1e9}, "ips"),
        ("clipped_dr", {"clip": 1e9}, "dr"),
        ("switch_dr", {"threshold": 1e9}, "dr"),
        ("switch_dr", {"threshold": 0}, "dm"),
        ("dr_os", {"shrinkage": np.inf}, "dr"),
        ("subgaussian_ips", {"strength": 0}, "ips"),
        ("subgaussian_dr", {"strength": 0}, "dr"),
    ],
)
def test_limits_of_the_hyper_parameters(terms, one, hyper, other):
    assert estimate(one, terms(), **hyper).value == pytest.approx(estimate(other, terms()).value)


def test_ips_is_the_mean_reward_when_the_policies_agree(rng):
    propensity, reward = rng.uniform(0.1, 1, 50), rng.normal(size=50)
    same = BanditTerms(reward, propensity, propensity, q_logged=np.zeros(50), q_target=np.zeros(50))
    for name in ("ips", "snips", "dr", "sndr"):
        assert estimate(name, same).value == pytest.approx(reward.mean())


def test_self_normalised_estimates_move_with_a_constant(terms):
    moved = terms(reward=np.array([1.0, 0.0, 2.0, 1.0]) + 10)
    assert estimate("snips", moved).value == pytest.approx(11.0)
    assert estimate("snips", moved).std_error == pytest.approx(ERRORS["snips"])


def test_replay_is_the_mean_of_the_matches():
    terms = BanditTerms([1.0, 0.0, 2.0, 1.0], [0.25] * 4, [1.0, 0.0, 1.0, 0.0])
    assert estimate("replay", terms).value == 1.5
    assert estimate("replay", terms).std_error == pytest.approx(np.sqrt(0.5) / 2)


def test_replay_refuses_other_situations(terms):
    with pytest.raises(ValueError, match=r"deterministic target; row 0 has probability 0\.25"):
        estimate("replay", terms())
    with pytest.raises(ValueError, match=r"uniform logging; row 0 has propensity 0.5, row 1 has 0.25"):
        estimate("replay", terms(target=[1.0, 0.0, 1.0, 0.0]))


def test_marginalised_estimators_weight_by_the_embedding():
    terms = EmbeddingTerms([1.0, 0.0, 2.0, 1.0], [0.5, 2.0, 2.0, 0.5])
    assert estimate("mips", terms).value == 1.25
    assert estimate("sn_mips", terms).value == 1.0
    assert estimate("sn_mips", terms).std_error == pytest.approx(np.sqrt(8) / 5)


@pytest.mark.parametrize("name", [name for name in VALUES if name != "dm"])
def test_no_overlap_is_never_a_confident_number(terms, name):
    result = estimate(name, terms(target=np.zeros(4)), **VALUES[name][0])
    assert np.isnan(result.value)
    assert result.std_error == np.inf
    assert result.ess == 0


@pytest.mark.parametrize(
    ("name", "changes", "hyper", "message"),
    [
        ("ipw", {}, {}, "there is no estimator 'ipw'; there are replay, ips"),
        ("dr", {"q_logged": None}, {}, r"dr needs terms.q_logged, which is missing"),
        ("dm", {"q_target": None}, {}, r"dm needs terms.q_target"),
        ("clipped_ips", {}, {}, r"clipped_ips takes clip=; given: none"),
        ("clipped_ips", {}, {"lambda_": 3}, r"clipped_ips takes clip=; given: lambda_="),
        ("ips", {}, {"clip": 3}, r"ips takes no hyper-parameter; given: clip="),
        ("clipped_ips", {}, {"clip": 0}, "clip must be a positive number"),
        ("switch_dr", {}, {"threshold": -1}, "threshold must be at least 0"),
        ("dr_os", {}, {"shrinkage": 0}, "shrinkage must be a positive number"),
        ("subgaussian_ips", {}, {"strength": 1.5}, r"strength must be in \[0, 1\]"),
    ],
)
def test_misuse_is_refused_by_name(terms, name, changes, hyper, message):
    with pytest.raises(ValueError, match=message):
        estimate(name, terms(**changes), **hyper)


def test_the_wrong_family_is_refused(terms):
    with pytest.raises(TypeError, match="mips needs EmbeddingTerms, not BanditTerms"):
        estimate("mips", terms())
