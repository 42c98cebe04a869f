import json

import numpy as np
import pytest

from recenv.ope.reliability import reliability

from .bandit import CHANCE, LOGGED_VALUE, LOGGING, TARGET, VALUE, Table, make_log

ROWS = 400
UNIFORM = np.full_like(TARGET, 0.25)
UNIFORM_VALUE = float((UNIFORM * CHANCE).sum(axis=1).mean())
POLICIES = {"new": Table(TARGET), "uniform": Table(UNIFORM)}
TRUTHS = {"new": {"one_step": (VALUE, 0.0)}, "uniform": {"one_step": UNIFORM_VALUE}}
EXPECTED_SQUARE = float((TARGET**2 / LOGGING * CHANCE).sum(axis=1).mean())
"""Of one weighted reward, which is 0 or 1."""


def bandit(rng):
    return make_log(rng, ROWS), POLICIES, TRUTHS


def alone(rng):
    return make_log(rng, ROWS), TRUTHS


def equal(rng):
    """Every item is liked by half: the negative control."""
    same = {name: {"one_step": 0.5} for name in POLICIES}
    return make_log(rng, ROWS, chance=np.full_like(CHANCE, 0.5)), POLICIES, same


def reversed_truth(rng):
    return make_log(rng, 5_000), POLICIES, {"new": {"one_step": 0.0}, "uniform": {"one_step": 1.0}}


def without_overlap(rng):
    logging = np.tile([0.6, 0.4, 0.0, 0.0], (3, 1))
    policies = {"untried": Table(np.tile([0.0, 0.0, 0.0, 1.0], (3, 1))), "logging": Table(logging)}
    values = {name: {"one_step": float((one.table * CHANCE).sum(axis=1).mean())} for name, one in policies.items()}
    return make_log(rng, ROWS, logging=logging), policies, values


def run(replicate, **options):
    return reliability(
        replicate, **{"replications": 20, "progress": False, "replicates": 100, "estimators": ("ips",), **options}
    )


@pytest.fixture(scope="module")
def found():
    return run({"bandit": bandit, "equal": equal}, estimators=("ips", "snips"), replications=60)


def row(found, world, estimator):
    return found.table[(found.table["world"] == world) & (found.table["estimator"] == estimator)].iloc[0]


def test_ips_errs_as_much_as_its_variance_says(found):
    alone = found.by_policy[(found.by_policy["policy"] == "new") & (found.by_policy["estimator"] == "ips")].iloc[0]
    assert alone["truth"] == pytest.approx(VALUE)
    assert abs(alone["bias"]) < 4 * alone["bias_std_error"]
    exact = np.sqrt((EXPECTED_SQUARE - VALUE**2) / ROWS)
    assert abs(alone["rmse"] - exact) < 4 * alone["rmse_std_error"]
    assert alone["rmse_std_error"] < 0.12 * exact


def test_intervals_cover_about_as_often_as_they_claim(found):
    for world in found.worlds:
        ips = row(found, world, "ips")
        assert ips["coverage"] == pytest.approx(0.95, abs=4 * ips["coverage_std_error"])
        assert 0 < ips["coverage_std_error"] < 0.05
        assert ips["width"] == pytest.approx(2 * 1.96 * ips["rmse"], rel=0.25)


def test_the_direct_method_is_never_ok_and_so_has_no_coverage_there(found):
    assert np.isnan(run(bandit, estimators=("dm",), replications=2).table["coverage_ok"][0])
    snips = row(found, "bandit", "snips")
    assert snips["coverage_ok"] == pytest.approx(0.95, abs=4 * snips["coverage_ok_std_error"])


def test_where_all_policies_are_equal_winners_are_rare_and_ranks_undefined(found):
    control = row(found, "equal", "ips")
    assert control["false_winner_rate"] < 0.05 + 4 * control["false_winner_rate_std_error"]
    assert control["false_winner_rate_p"] == pytest.approx(control["false_winner_rate"], abs=0.05)
    assert np.isnan(control["rank_correlation"])
    assert control["regret@1"] == 0.0
    assert np.isnan(control["sharpe_ratio@1"])


def test_policies_are_ranked_against_their_truth(found):
    bandit_row = row(found, "bandit", "snips")
    assert bandit_row["rank_correlation"] > 0.5
    # Two policies: the rank correlation is 1 or -1, and a wrong choice costs their difference.
    wrong = (1 - bandit_row["rank_correlation"]) / 2
    assert bandit_row["regret@1"] == pytest.approx(wrong * abs(VALUE - UNIFORM_VALUE))
    assert bandit_row["regret@2"] == 0.0
    best = max(VALUE, UNIFORM_VALUE)
    gain = best - LOGGED_VALUE
    expected = gain / np.std([VALUE, UNIFORM_VALUE, LOGGED_VALUE])
    assert bandit_row["sharpe_ratio@2"] == pytest.approx(expected, rel=0.1)


def test_the_worst_world_is_named(found):
    worst = found.worst.set_index("estimator")
    for estimator in found.estimators:
        values = {world: row(found, world, estimator)["rmse"] for world in found.worlds}
        assert worst.loc[estimator, "rmse"] == max(values.values())
        assert worst.loc[estimator, "rmse_world"] == max(values, key=values.get)
        biases = {world: abs(row(found, world, estimator)["bias"]) for world in found.worlds}
        assert worst.loc[estimator, "bias_world"] == max(biases, key=biases.get)


def test_the_choice_is_the_best_of_the_worst(found):
    chosen = found.select()
    assert found.worst.set_index("estimator")["rmse"].idxmin() == chosen.estimator
    assert found.worst["rmse"].min() == pytest.approx(chosen.value)
    with pytest.raises(ValueError, match="no metric 'rsme'"):
        found.select("rsme")
    with pytest.raises(ValueError, match="no estimator estimates 'policy_value'"):
        found.select(estimand="policy_value")


def test_it_can_be_read_by_people_and_programs(found, tmp_path):
    text = str(found)
    assert "60 replications in 2 worlds" in text
    assert f"Choose by one_step: {found.select().estimator}" in text
    found.to_json(tmp_path / "reliability.json")
    content = json.loads((tmp_path / "reliability.json").read_text(encoding="utf-8"))
    assert content["kind"] == "reliability"
    assert content["table"][0]["rmse"] == pytest.approx(found.table["rmse"].iloc[0])
    assert content["table"][-1]["rank_correlation"] is None
    assert content["settings"]["policies"] == {"bandit": ["new", "uniform"], "equal": ["new", "uniform"]}


def test_winners_that_are_not_ok_count_apart():
    table = run(reversed_truth, estimators=("ips", "dm"), replications=3).table.set_index("estimator")
    assert table["false_winner_rate_ok"].tolist() == [1.0, 0.0]


def test_a_winner_against_the_truth_is_false():
    wrong = run(reversed_truth, replications=5)
    assert wrong.table["false_winner_rate"].tolist() == [1.0]
    assert wrong.table["false_winner_rate_p"].tolist() == [1.0]
    assert wrong.table["regret@1"].tolist() == [1.0]
    assert wrong.table["rank_correlation"].tolist() == [-1.0]


def test_without_overlap_the_verdict_abstains_and_no_number_is_not_chosen():
    found = run(without_overlap, estimators=("ips", "snips", "dm"), replications=5)
    table = found.table.set_index("estimator")
    assert table["abstention"].tolist() == [0.5, 0.5, 0.5]
    assert table.loc["snips", "unanswered"] == 0.5
    assert "snips" in found.select().passed_over
    assert "snips gave no number in 50.0% of the cases" in str(found)


def test_workers_and_later_replications_change_nothing():
    one, two, more = run(bandit, replications=4), run(bandit, replications=4, workers=2), run(bandit, replications=6)
    for name, scores in one.scores.items():
        np.testing.assert_array_equal(two.scores[name], scores)
        if not name.startswith("sharpe"):  # its baseline is the mean over all replications
            np.testing.assert_array_equal(more.scores[name][:, :, :4], scores)
    assert (run(bandit, replications=4, seed=1).scores["bias"] != one.scores["bias"]).any()


def test_one_policy_has_neither_rank_nor_rival():
    found = run(lambda rng: (make_log(rng, ROWS), {"new": POLICIES["new"]}, {"new": TRUTHS["new"]}), replications=3)
    row = found.table.iloc[0]
    assert row["rmse"] > 0
    assert row[["rank_correlation", "false_winner_rate", "regret@2"]].isna().all()
    assert row["regret@1"] == 0.0


def test_policies_may_be_given_apart():
    given = run(alone, policies=POLICIES, replications=3)
    np.testing.assert_array_equal(given.scores["rmse"], run(bandit, replications=3).scores["rmse"])


def test_every_estimand_meets_its_own_truth():
    def sessions(rng):
        feedback, policies, _ = bandit(rng)
        truths = {name: {"one_step": one["one_step"], "policy_value": 9.0} for name, one in TRUTHS.items()}
        return feedback, policies, truths

    found = run(sessions, estimators=("ips", "tis"), replications=3)
    assert found.estimands == ("one_step", "policy_value")
    assert abs(found.table["bias"][0]) < 0.2
    assert found.table["bias"][1] < -7
    with pytest.raises(ValueError, match="one_step and policy_value, which do not compare"):
        found.select()
    assert found.select(estimand="policy_value").estimator == "tis"
    with pytest.raises(ValueError, match=r"replication 0: truths lack policy_value of policy 'new', which tis"):
        run(bandit, estimators=("tis",))


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (lambda rng: bandit(rng)[:2], r"replicate must return \(feedback, policies, truths\)"),
        (lambda rng: [1, 2, 3], "not list"),
        (lambda rng: (None, POLICIES, TRUTHS), "feedback must be LoggedFeedback"),
    ],
)
def test_what_is_no_replication_is_refused(made, problem):
    with pytest.raises(TypeError, match=f"world 'odd', replication 0: {problem}|{problem}"):
        run({"odd": made})


def test_policies_that_change_their_names_are_refused():
    def changing(rng):
        feedback, policies, truths = bandit(rng)
        name = f"{rng.integers(1000)}"
        return feedback, {name: policies["new"]}, {name: truths["new"]}

    with pytest.raises(ValueError, match="return the same names in the same order"):
        run(changing, replications=3)


@pytest.mark.parametrize(
    ("options", "kind", "problem"),
    [
        ({"rewardmodel": None}, TypeError, r"no option 'rewardmodel' \(did you mean 'reward_model'\?\)"),
        ({"truth": {}}, TypeError, "no option 'truth'"),
        ({"replications": 1}, ValueError, "replications must be at least 2"),
        ({"k": (0,)}, ValueError, "k must hold"),
        ({"estimators": ("magic ips",)}, ValueError, "world 'world', replication 0"),
    ],
)
def test_unusable_arguments_are_refused(options, kind, problem):
    with pytest.raises(kind, match=problem):
        run(bandit, **options)


def test_no_world_and_no_callable_are_refused():
    with pytest.raises(ValueError, match="empty mapping"):
        run({})
    with pytest.raises(TypeError, match="must be callable"):
        run({"log": 3})
