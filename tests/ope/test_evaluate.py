import numpy as np
import pytest

from recenv.feedback import LoggedFeedback
from recenv.ope import BanditTerms, BilinearRidge, estimate, evaluate

from .bandit import CHANCE, LOGGED_VALUE, LOGGING, TARGET, VALUE, Table, make_log

TRUTH = {"new": {"one_step": (VALUE, 0.0)}}


def run(log, policies, **options):
    return evaluate(log, policies, **{"progress": False, "replicates": 300, **options})


@pytest.fixture
def log(rng):
    return make_log(rng, 3_000, user=np.arange(3_000) // 3)


def test_the_table_has_a_row_a_policy_and_estimator(log):
    result = run(log, {"new": Table(TARGET), "same": Table(LOGGING)}, truth=TRUTH)
    assert list(result.table.columns) == [
        "policy",
        "estimator",
        "estimand",
        "value",
        "std_error",
        "lower",
        "upper",
        "ess",
        "verdict",
        "reason",
        "propensity",
        "truth",
        "truth_std_error",
    ]
    assert result.table["policy"].tolist() == ["new"] * 4 + ["same"] * 4
    assert result.table["estimator"].tolist() == ["ips", "snips", "dm", "dr"] * 2
    assert set(result.table["estimand"]) == {"one_step"}
    assert result.row("new", "dr")["truth"] == VALUE
    assert np.isnan(result.row("same", "dr")["truth"])


@pytest.mark.parametrize("interval", ["bootstrap", "student"])
def test_intervals_contain_the_known_value(log, interval):
    table = run(log, {"new": Table(TARGET)}, interval=interval).table
    for _, row in table[table["estimator"] != "dm"].iterrows():
        assert row["lower"] < VALUE < row["upper"]
        assert row["upper"] - row["lower"] == pytest.approx(2 * 1.96 * row["std_error"], rel=0.15)


def test_numbers_are_those_of_the_estimators_on_the_same_terms(log):
    context = log.observation["features"][:, 0].astype(int)
    terms = BanditTerms(log.reward, log.propensity, TARGET[context, log.item], cluster=log.user)
    table = run(log, {"new": Table(TARGET)}, estimators=("ips", "snips")).table
    for _, row in table.iterrows():
        expected = estimate(row["estimator"], terms)
        assert row["value"] == pytest.approx(expected.value, rel=1e-12)
        assert row["std_error"] == pytest.approx(expected.std_error, rel=1e-12)


def test_a_policy_that_does_the_same_earns_the_mean_reward(log):
    result = run(log, {"same": Table(LOGGING)}, estimators=("ips", "snips"))
    assert result.table["value"].tolist() == pytest.approx([log.reward.mean()] * 2)
    assert result.logged["value"] == pytest.approx(log.reward.mean())
    assert result.logged["lower"] < LOGGED_VALUE < result.logged["upper"]
    assert result.against_log["difference"].abs().max() < 1e-12
    assert set(result.against_log["p_adjusted"]) == {1.0}
    assert result.diagnostics.loc[0, "ess"] == pytest.approx(3_000)


def test_blocks_do_not_matter_and_stay_small(log):
    whole, pieces = Table(TARGET), Table(TARGET)
    first = run(log, {"new": whole})
    second = run(log, {"new": pieces}, block_rows=64)
    np.testing.assert_allclose(second.table["value"], first.table["value"], rtol=1e-12)
    np.testing.assert_allclose(second.table["lower"], first.table["lower"], rtol=1e-9)
    assert max(rows for rows, _ in pieces.asked) <= 64
    assert sum(rows for rows, _ in pieces.asked) == log.rows


def test_an_episode_longer_than_a_block_is_read_in_pieces(rng):
    log = make_log(rng, 90, episode=np.arange(90) // 45, step=np.arange(90) % 45, truncated=np.zeros(90, dtype=bool))
    policy = Table(TARGET)
    run(log, {"new": policy}, block_rows=20)
    assert max(rows for rows, _ in policy.asked) <= 20
    assert sum(rows for rows, _ in policy.asked) == 90


def test_a_file_is_streamed_to_the_same_numbers(log, tmp_path):
    log.save(tmp_path / "log.parquet")
    policies = {"new": Table(TARGET)}
    for source in (
        tmp_path / "log.parquet",
        str(tmp_path / "log.parquet"),
        LoggedFeedback.stream(tmp_path / "log.parquet"),
    ):
        streamed = run(source, policies, block_rows=100).table
        np.testing.assert_allclose(streamed["value"], run(log, policies).table["value"], rtol=1e-12)


def test_candidates_in_any_order_give_the_same_numbers(log, rng):
    order = rng.permuted(np.tile(np.arange(4), (log.rows, 1)), axis=1)
    columns = {name: value for name, value in vars(log).items() if name != "candidates"}
    shuffled = LoggedFeedback(**columns, candidates=order)

    class Shuffled(Table):
        def probabilities(self, request):
            return np.take_along_axis(super().probabilities(request), request.candidates, axis=1)

    first = run(log, {"new": Table(TARGET)}).table
    second = run(shuffled, {"new": Shuffled(TARGET)}).table
    np.testing.assert_allclose(second["value"], first["value"], rtol=1e-9)


def test_differences_are_paired(log):
    close = 0.9 * TARGET + 0.1 * LOGGING
    result = run(log, {"new": Table(TARGET), "close": Table(close)}, estimators=("dr",))
    (gap,) = result.differences.to_dict("records")
    assert (gap["policy"], gap["versus"]) == ("new", "close")
    assert gap["difference"] == pytest.approx(result.table["value"][0] - result.table["value"][1])
    assert gap["std_error"] < 0.3 * result.table["std_error"][0]
    assert gap["lower"] < (TARGET * CHANCE).sum(1).mean() - (close * CHANCE).sum(1).mean() < gap["upper"]


def test_hyper_parameters_are_per_estimator_and_the_same_for_all_policies(log):
    policies = {"new": Table(TARGET), "again": Table(TARGET)}
    hyper = {"clipped_ips": {"clip": 2.0}, "switch_dr": {"threshold": 1.0}}
    table = run(log, policies, estimators=("clipped_ips", "switch_dr"), hyper=hyper).table
    assert table["value"][:2].tolist() == table["value"][2:].tolist()
    assert table["verdict"].tolist() == ["caution"] * 4
    assert "clipped or shrunk" in table["reason"][1]


def test_bounds_by_name(log):
    options = {"reward_range": (0.0, 1.0), "weight_max": 4.0, "estimators": ("ips", "dr")}
    for interval in ("hoeffding", "empirical_bernstein"):
        table = run(log, {"new": Table(TARGET)}, interval=interval, **options).table
        assert (table["lower"] < VALUE).all()
        assert (table["upper"] > VALUE).all()
    with pytest.raises(ValueError, match="interval 'hoeffding' does not apply to snips"):
        run(log, {"new": Table(TARGET)}, interval="hoeffding")


def test_concentrated_logging_cannot_judge_a_uniform_policy(rng):
    """A logger that nearly always shows two of forty items, with a rare row of tiny propensity."""
    logging = np.full((1, 40), 2e-5)
    logging[0, :2] = (1 - 38 * 2e-5) / 2
    log = make_log(rng, 8_000, logging=logging, chance=np.full((1, 40), 0.1))
    uniform = Table(np.full((1, 40), 1 / 40))
    result = run(log, {"uniform": uniform})
    assert set(result.table["verdict"]) == {"not enough overlap"}
    assert result.diagnostics.loc[0, "ess"] < 30
    assert "Not enough overlap" in result.summary() or "No policy can be judged" in result.summary()


def test_uniform_logging_can_judge_a_concentrated_policy(rng):
    log = make_log(rng, 8_000, logging=np.full((1, 40), 1 / 40), chance=np.full((1, 40), 0.1))
    target = np.full((1, 40), 0.5 / 39)
    target[0, 0] = 0.5
    result = run(log, {"focused": Table(target)})
    assert result.verdict("focused").level == "ok"
    assert result.row("focused", "dm")["verdict"] == "caution"


def test_no_overlap_is_never_a_confident_zero(rng):
    logging = np.tile([0.5, 0.5, 0.0, 0.0], (3, 1))
    log = make_log(rng, 1_000, logging=logging)
    unseen = Table(np.tile([0.0, 0.0, 0.5, 0.5], (3, 1)))
    result = run(log, {"unseen": unseen, "same": Table(logging)})
    mine = result.table[result.table["policy"] == "unseen"]
    assert set(mine["verdict"]) == {"not enough overlap"}
    weighted = mine[mine["estimator"] != "dm"]
    assert weighted["value"].isna().all()
    assert (weighted["upper"] - weighted["lower"] == np.inf).all()
    gap = result.differences.set_index("estimator").loc["dr"]
    assert (gap["lower"], gap["upper"], gap["p_adjusted"]) == (-np.inf, np.inf, 1.0)
    assert gap["verdict"] == "not enough overlap"
    assert result.diagnostics.loc[0, "unlogged"] == pytest.approx(1.0)
    assert "unseen" in result.summary()


def test_half_a_policy_without_support_is_refused(rng):
    logging = np.tile([0.5, 0.5, 0.0, 0.0], (3, 1))
    result = run(make_log(rng, 4_000, logging=logging), {"half": Table(np.full((3, 4), 0.25))})
    assert set(result.table["verdict"]) == {"not enough overlap"}
    assert "about 50% of its choices could not have been logged" in result.table["reason"][0]


def test_the_reward_model_is_cross_fitted_and_may_be_anything(log):
    from sklearn.linear_model import LinearRegression

    for model, name in (
        (None, "BilinearRidge"),
        (LinearRegression(), "SklearnReward"),
        (BilinearRidge(), "BilinearRidge"),
    ):
        result = run(log, {"new": Table(TARGET)}, reward_model=model, item_features=np.eye(4))
        assert result.settings["reward_model"] == name
        assert result.row("new", "dr")["value"] == pytest.approx(VALUE, abs=0.06)


def test_a_reward_model_sharpens_dr(rng):
    chance = np.array([[0.02, 0.02, 0.98, 0.98]] * 3)
    result = run(make_log(rng, 3_000, chance=chance), {"new": Table(TARGET)}, item_features=np.eye(4))
    assert result.row("new", "dr")["std_error"] < 0.7 * result.row("new", "ips")["std_error"]


def test_replay_is_refused_for_a_stochastic_policy(log):
    with pytest.raises(ValueError, match="policy 'new': replay needs a deterministic target"):
        run(log, {"new": Table(TARGET)}, estimators=("replay",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"policies": {}}, "policies is empty"),
        ({"estimators": ()}, "estimators must be a sequence of names"),
        ({"estimators": "dr"}, "estimators must be a sequence of names"),
        ({"estimators": ("best",)}, "there is no estimator 'best'"),
        ({"estimators": ("mips",)}, "mips needs item_embedding=: pass a label"),
        ({"estimators": ("clipped_ips",)}, r"clipped_ips needs clip=: pass hyper="),
        ({"hyper": {"clipped_ips": {"clip": 3}}}, "hyper names"),
        ({"interval": "normal"}, "there is no interval 'normal'"),
        ({"confidence": 1.0}, "confidence must be between 0 and 1"),
        ({"block_rows": 0}, "block_rows must be at least 1"),
        ({"replicates": 1}, "replicates must be at least 2"),
        ({"truth": {"old": {"one_step": (0, 0)}}}, r"truth names \['old'\]"),
        ({"truth": {"new": {"value": (0, 0)}}}, r"truth\['new'\] must map one_step or policy_value"),
        ({"item_features": np.eye(3)}, "item_features has 3 rows, the catalogue has 4 items"),
    ],
)
def test_misuse_is_refused(log, options, message):
    policies = options.pop("policies", {"new": Table(TARGET)})
    with pytest.raises(ValueError, match=message):
        run(log, policies, **options)


def test_other_objects_are_refused(log):
    with pytest.raises(TypeError, match="feedback must be LoggedFeedback or a path, not dict"):
        run({}, {"new": Table(TARGET)})
    with pytest.raises(TypeError, match=r"policy 'new' \(int\) has no probabilities"):
        run(log, {"new": 3})


def test_a_log_of_one_row_or_one_user_is_refused(log, rng):
    for single in (make_log(rng, 1), make_log(rng, 50, user=np.zeros(50, dtype=int))):
        with pytest.raises(ValueError, match="the log has one user"):
            run(single, {"new": Table(TARGET)})


def test_slates_are_refused(rng):
    log = make_log(rng, 10, episode=np.arange(10) // 2, position=np.arange(10) % 2)
    with pytest.raises(ValueError, match="the log shows slates"):
        run(log, {"new": Table(TARGET)})


def test_a_policy_that_changes_its_shape_in_a_later_block_is_refused(log):
    class Moody(Table):
        def probabilities(self, request):
            answer = super().probabilities(request)
            return answer if len(self.asked) < 3 else answer[:, :2]

    with pytest.raises(ValueError, match=r"policy 'new' returned probabilities of shape .* \(rows from 200\)"):
        run(log, {"new": Moody(TARGET)}, block_rows=100)


def test_nothing_depends_on_global_random_state(log):
    state = np.random.get_state()  # noqa: NPY002
    first = run(log, {"new": Table(TARGET)})
    assert np.random.get_state()[1].tolist() == state[1].tolist()  # noqa: NPY002
    np.testing.assert_array_equal(run(log, {"new": Table(TARGET)}).table["lower"], first.table["lower"])
    assert run(log, {"new": Table(TARGET)}, seed=1).table["lower"].tolist() != first.table["lower"].tolist()
