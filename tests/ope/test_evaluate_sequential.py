"""Policies against a log of sessions, end to end."""

import numpy as np
import pytest

from recenv.ope import estimate, evaluate
from recenv.ope.tabular_model import TabularModel

from .mdp import LOGGING, TARGET, Policy, draw, make_log, make_terms, value

NAMES = ("tis", "pdis", "snpdis", "fqe", "sequential_dr", "wdr", "magic", "state_marginal_is", "drl", "dual_dice")
GAMMA = 0.9


def run(log, policies=None, **options):
    chosen = {"reward_model": TabularModel(), "state": "code", "gamma": GAMMA, "progress": False, "replicates": 200}
    return evaluate(log, policies or {"new": Policy()}, **{**chosen, **options})


@pytest.fixture(scope="module")
def drawn():
    return draw(np.random.default_rng(4), 3_000)


@pytest.fixture(scope="module")
def result(drawn):
    truth = {"new": {"policy_value": (value(gamma=GAMMA), 0.0)}}
    policies = {"new": Policy(), "same": Policy(LOGGING)}
    return run(make_log(drawn), policies, estimators=("ips", "dr", *NAMES), truth=truth)


def test_each_row_has_its_own_estimand(result):
    table = result.table.set_index(["policy", "estimator"])
    assert set(table["estimand"].groupby(level=1).first()[["ips", "dr"]]) == {"one_step"}
    assert set(table["estimand"].groupby(level=1).first()[list(NAMES)]) == {"policy_value"}
    assert np.isnan(table.loc[("new", "ips"), "truth"])
    assert table.loc[("new", "pdis"), "truth"] == value(gamma=GAMMA)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("fqe", "magic")])
def test_intervals_contain_the_known_value(result, name):
    row = result.row("new", name)
    slack = row["std_error"]
    assert row["lower"] - slack < value(gamma=GAMMA) < row["upper"] + slack


def test_numbers_are_those_of_the_estimators_on_the_same_terms(result, drawn):
    terms = make_terms(drawn, GAMMA)
    for name in ("tis", "pdis", "snpdis", "dual_dice"):
        expected = estimate(name, terms)
        assert result.row("new", name)["value"] == pytest.approx(expected.value, rel=1e-9)
        assert result.row("new", name)["std_error"] == pytest.approx(expected.std_error, rel=1e-6)
        assert result.row("new", name)["ess"] == pytest.approx(expected.ess, rel=1e-9)


def test_a_policy_that_does_the_same_earns_what_the_log_did(result):
    gaps = result.against_log[result.against_log["policy"] == "same"].set_index("estimator")
    for name in ("ips", "tis", "pdis", "snpdis"):
        assert abs(gaps.loc[name, "difference"]) < 1e-12
    assert abs(gaps.loc["sequential_dr", "difference"]) < 3 * gaps.loc["sequential_dr", "std_error"]


def test_differences_are_paired(result):
    gap = result.differences.set_index("estimator").loc["wdr"]
    assert gap["difference"] == pytest.approx(result.row("new", "wdr")["value"] - result.row("same", "wdr")["value"])
    assert gap["lower"] < value(TARGET, GAMMA) - value(LOGGING, GAMMA) < gap["upper"]


def test_verdicts_say_what_an_estimate_rests_on(result, drawn):
    assert result.row("new", "sequential_dr")["verdict"] == "ok"
    assert result.row("new", "fqe")["verdict"] == "caution"
    assert "value model" in result.row("new", "magic")["reason"]
    assert result.row("new", "dual_dice")["verdict"] == "ok"
    undeclared = run(make_log(drawn), estimators=("state_marginal_is", "dual_dice", "drl", "pdis"), state=None).table
    assert undeclared["verdict"].tolist() == ["caution"] * 3 + ["ok"]
    assert "none was declared" in undeclared["reason"][0]


def test_sessions_cut_before_the_horizon_are_reported(drawn):
    table = run(make_log(drawn), estimators=("pdis",), horizon=6).table
    assert table["verdict"][0] == "caution"
    assert "of the sessions were cut before step 6" in table["reason"][0]


def test_sessions_alone_are_compared_with_the_logs_sessions(drawn):
    result = run(make_log(drawn), estimators=("pdis",))
    reward = drawn[2] @ GAMMA ** np.arange(4)
    assert result.logged["value"] == pytest.approx(reward.mean())
    assert result.settings["horizon"] == 4
    assert result.diagnostics.loc[0, "rows"] == 3_000


def test_users_with_several_sessions_are_resampled_whole(drawn):
    log = make_log(drawn)
    shared = make_log(drawn, user=log.episode // 3)
    alone, together = (run(source, estimators=("pdis",), seed=3) for source in (log, shared))
    assert together.settings["users"] == 1_000
    assert together.table["value"][0] == alone.table["value"][0]
    assert together.table["std_error"][0] != alone.table["std_error"][0]


def test_blocks_and_files_do_not_matter(drawn, tmp_path):
    log = make_log(draw(np.random.default_rng(9), 200))
    log.save(tmp_path / "log.parquet")
    names = ("pdis", "sequential_dr", "dual_dice")
    whole = run(log, estimators=names).table
    for source, options in ((log, {"block_rows": 64}), (tmp_path / "log.parquet", {"block_rows": 100})):
        np.testing.assert_allclose(run(source, estimators=names, **options).table["value"], whole["value"], rtol=1e-9)


def test_hyper_parameters_and_distributions(drawn):
    hyper = {"state_marginal_is": {"k": 1}, "return_cvar": {"level": 0.1}, "reward_quantile": {"level": 0.5}}
    result = run(make_log(drawn), estimators=tuple(hyper), hyper=hyper)
    assert result.table["estimand"].tolist() == ["policy_value", "return_cvar", "reward_quantile"]
    assert np.isfinite(result.against_log["difference"]).all()


def test_bounds_by_name(drawn):
    options = {"reward_range": (-9.0, 9.0), "weight_max": 100.0, "interval": "empirical_bernstein"}
    (row,) = run(make_log(drawn), estimators=("pdis",), **options).table.to_dict("records")
    assert row["lower"] < value(gamma=GAMMA) < row["upper"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": 2.0}, r"gamma must be in \[0, 1\], not 2.0"),
        ({"horizon": 0}, "horizon must be at least 1"),
        ({"state": "mood", "estimators": ("dual_dice",)}, r"state names \['mood'\]; the log's observation has"),
        ({"interval": "hoeffding", "estimators": ("wdr",)}, "interval 'hoeffding' does not apply to wdr"),
        ({"estimators": ("return_cvar",)}, "return_cvar needs level="),
    ],
)
def test_misuse_is_refused(drawn, options, message):
    with pytest.raises(ValueError, match=message):
        run(make_log(tuple(part[:50] for part in drawn)), **{"estimators": ("pdis",), **options})


def test_a_world_agrees_with_its_own_sessions():
    """Sessions are collected in a world under one policy; another's value is known from running it there."""
    from recenv.causal import World
    from recenv.envs import EnvConfig, RecSysVectorEnv
    from recenv.feedback import collect

    world = World.synthetic(2, users=60, items=12)
    env = RecSysVectorEnv(60, EnvConfig(world=world, horizon=4))
    users, taste = np.arange(60), np.linspace(-1, 1, 12)

    class Soft:
        def __init__(self, heat):
            weight = np.exp(heat * taste)
            self.probability = weight / weight.sum()

        def probabilities(self, request):
            chance = np.where(request.candidates >= 0, self.probability[np.maximum(request.candidates, 0)], 0.0)
            return chance / chance.sum(axis=1, keepdims=True)

    log = collect(env, Soft(0.0), rounds=20, seed=5, users=users)
    run_there = collect(env, Soft(0.7), rounds=60, seed=50_000, users=users)
    _, session = np.unique(run_there.episode, return_inverse=True)
    truth = np.bincount(session, run_there.reward)
    table = evaluate(
        log, {"soft": Soft(0.7)}, estimators=("pdis", "sequential_dr", "wdr"), progress=False, replicates=200
    ).table
    for _, row in table.iterrows():
        spread = np.hypot(row["std_error"], truth.std() / np.sqrt(len(truth)))
        assert abs(row["value"] - truth.mean()) < 4 * spread
