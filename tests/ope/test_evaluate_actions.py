"""Actions that are numbers, such as a price, through `evaluate`."""

import numpy as np
import pandas as pd
import pytest

from recenv import LoggedFeedback
from recenv.ope import ContinuousTerms, estimate, evaluate

NAMES = ("kernel_ips", "kernel_snips", "kernel_dr")
HYPER = {name: {"bandwidth": 0.3} for name in NAMES}
VALUE = 2.25
"""E[1 + (x + 1/2)^2], x standard normal: what a step of 1/2 earns."""


class Shift:
    """Acts a fixed step above the context."""

    def __init__(self, step):
        self.step = step
        self.asked = []

    def actions(self, request):
        self.asked.append(len(request.candidates))
        return request.observation[:, 0].astype(float) + self.step


def make_frame(rng, rows):
    x = rng.normal(size=rows)
    action = x + rng.normal(size=rows)
    density = np.exp(-((action - x) ** 2) / 2) / np.sqrt(2 * np.pi)
    reward = 1 + action**2 + rng.normal(size=rows)
    return pd.DataFrame({"action": action, "density": density, "reward": reward, "x": x, "user": np.arange(rows) // 2})


def make_log(rng, rows, **changes):
    return LoggedFeedback.from_frame(make_frame(rng, rows).assign(**changes), observation=["x"])


def run(log, policies, **options):
    return evaluate(
        log, policies, **{"progress": False, "replicates": 200, "estimators": NAMES, "hyper": HYPER, **options}
    )


@pytest.fixture(scope="module")
def log():
    return make_log(np.random.default_rng(2), 4_000)


def test_numbers_are_those_of_the_estimators_on_the_same_terms(log):
    result = run(log, {"half": Shift(0.5)})
    target = log.observation["features"][:, 0].astype(float) + 0.5
    terms = ContinuousTerms(log.reward, log.action, target, log.density, cluster=log.user)
    for name in NAMES[:2]:
        expected = estimate(name, terms, bandwidth=0.3)
        assert result.row("half", name)["value"] == pytest.approx(expected.value, rel=1e-12)
        assert result.row("half", name)["std_error"] == pytest.approx(expected.std_error, rel=1e-12)


def test_the_known_value_lies_in_the_interval_and_the_report_is_written(log, tmp_path):
    truth = {"half": {"one_step": (VALUE, 0.0)}}
    result = run(log, {"half": Shift(0.5), "none": Shift(0.0)}, truth=truth, sensitivity=True)
    row = result.row("half", "kernel_dr")
    assert row["lower"] < VALUE < row["upper"]
    assert row["verdict"] == "ok"
    assert result.headline == "kernel_dr"
    assert row["std_error"] < 0.6 * result.row("half", "kernel_ips")["std_error"]
    assert len(result.differences) == len(NAMES)
    assert "kernel_dr" in result.report(tmp_path / "report").read_text()


def test_smoothing_that_matters_is_said(log):
    wide = {name: {"bandwidth": 2.0} for name in NAMES}
    verdict = run(log, {"half": Shift(0.5)}, hyper=wide).verdict("half", "kernel_snips")
    assert verdict.level == "caution"
    assert "half the bandwidth says otherwise" in verdict.reason


def test_a_bandwidth_can_be_chosen_and_blocks_and_files_do_not_matter(log, tmp_path):
    log.save(tmp_path / "log.parquet")
    hyper = {**HYPER, "kernel_snips": "slope"}
    policy = Shift(0.5)
    whole = run(log, {"half": Shift(0.5)}, hyper=hyper)
    pieces = run(tmp_path / "log.parquet", {"half": policy}, hyper=hyper, block_rows=300)
    np.testing.assert_allclose(pieces.table["value"], whole.table["value"], rtol=1e-9)
    assert max(policy.asked) <= 300
    assert whole.settings["tuned"]["half"]["kernel_snips"]["bandwidth"] > 0


def test_any_model_reads_the_action(log):
    from sklearn.linear_model import LinearRegression

    result = run(log, {"half": Shift(0.5)}, reward_model=LinearRegression())
    assert result.row("half", "kernel_dr")["value"] == pytest.approx(VALUE, abs=0.15)
    assert result.settings["reward_model"] == "SklearnReward"


def test_a_plain_file_needs_no_items(tmp_path, rng):
    frame = make_frame(rng, 500)
    frame.to_parquet(tmp_path / "log.parquet")
    frame.to_csv(tmp_path / "log.csv", index=False)

    class Always:
        def actions(self, request):
            return np.full(len(request.candidates), 0.5)

    for name in ("log.parquet", "log.csv"):
        table = run(
            tmp_path / name, {"always": Always()}, estimators=("kernel_ips",), hyper={"kernel_ips": {"bandwidth": 1}}
        )
        assert np.isfinite(table.table["value"]).all()


def test_no_action_near_the_targets_is_not_a_confident_zero(log):
    table = run(log, {"far": Shift(50.0)}).table
    assert table["value"].isna().all()
    assert set(table["verdict"]) == {"not enough overlap"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"estimators": ("ips",), "hyper": {}}, r"ips needs a log of one item a step, and the log shows numbers"),
        ({"hyper": {}}, "kernel_ips needs bandwidth=: pass hyper="),
        ({"propensity_model": Shift(0.0)}, "propensity_model= is of single items"),
        ({"weight_max": 4.0}, "weight_max does not apply to continuous actions"),
    ],
)
def test_misuse_is_refused_by_name(log, options, message):
    with pytest.raises(ValueError, match=message):
        run(log, {"half": Shift(0.5)}, **options)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.zeros(3), r"policy 'bad' returned actions of shape \(3,\) for 4000 rows"),
        (np.full(4_000, np.nan), "policy 'bad': row 0 has action nan: it must be finite"),
    ],
)
def test_unusable_answers_are_refused(log, answer, message):
    policy = Shift(0.0)
    policy.actions = lambda request: answer
    with pytest.raises(ValueError, match=message):
        run(log, {"bad": policy})


def test_a_policy_of_items_is_refused(log):
    class Items:
        def probabilities(self, request):
            return np.ones((len(request.candidates), 1))

    with pytest.raises(TypeError, match=r"policy 'items' \(Items\) has no actions\(request\)"):
        run(log, {"items": Items()})
