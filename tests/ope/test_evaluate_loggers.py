"""Logs of several policies, and items that are alike, through `evaluate`."""

import numpy as np
import pytest

from recenv import LoggedFeedback
from recenv.ope import EmbeddingTerms, ItemSharePropensity, MultiLoggerTerms, estimate, evaluate

from .bandit import CHANCE, LOGGING, TARGET, VALUE, Table, make_log
from .holm import p_value, rejected

SECOND = LOGGING[:, ::-1].copy()
EMBEDDING = np.array([0, 0, 1, 1])
BALANCED = ("balanced_ips", "sn_balanced_ips", "balanced_dr", "weighted_ips", "weighted_dr")
LOGGERS = {"second": Table(SECOND), "first": Table(LOGGING)}


def run(log, policies, **options):
    return evaluate(log, policies, **{"progress": False, "replicates": 200, **options})


def both(rng, rows, **changes):
    first, second = make_log(rng, rows, **changes), make_log(rng, 2 * rows, logging=SECOND, **changes)
    return LoggedFeedback.joined({"first": first, "second": second})


@pytest.fixture(scope="module")
def log():
    return both(np.random.default_rng(5), 1_000)


def context_of(log):
    return log.observation["features"][:, 0].astype(int)


def test_numbers_are_those_of_the_estimators_on_the_same_terms(log):
    result = run(log, {"new": Table(TARGET)}, estimators=BALANCED, loggers=LOGGERS)
    context = context_of(log)
    columns = np.stack([LOGGING, SECOND])[:, context, log.item].T
    terms = MultiLoggerTerms(log.reward, columns, TARGET[context, log.item], logger=log.logger, cluster=log.user)
    for name in ("balanced_ips", "sn_balanced_ips", "weighted_ips"):
        expected = estimate(name, terms)
        assert result.row("new", name)["value"] == pytest.approx(expected.value, rel=1e-12)
        assert result.row("new", name)["std_error"] == pytest.approx(expected.std_error, rel=1e-12)
    assert result.headline == "balanced_dr"


def test_the_known_value_lies_in_intervals_beside_other_families(log, tmp_path):
    log.save(tmp_path / "log.parquet")
    names = (*BALANCED, "dr", "mips", "pdis")
    how = {"estimators": names, "loggers": LOGGERS, "item_embedding": np.arange(4), "sensitivity": True}
    result = run(tmp_path / "log.parquet", {"new": Table(TARGET), "old": Table(LOGGING)}, block_rows=500, **how)
    mine = result.table[result.table["policy"] == "new"]
    assert ((mine["lower"] < VALUE) & (mine["upper"] > VALUE)).all()
    assert set(result.differences["estimator"]) == set(names)
    balanced, own = (result.row("new", name)["std_error"] for name in ("balanced_ips", "mips"))
    assert balanced == pytest.approx(own)  # an item is its own embedding: the same marginals
    assert "balanced_dr" in result.report(tmp_path / "report").read_text()
    np.testing.assert_allclose(run(log, {"new": Table(TARGET)}, **how).table["value"], mine["value"], rtol=1e-12)


def test_balanced_estimates_are_unbiased():
    rng = np.random.default_rng(12)
    found = {"balanced_ips": [], "balanced_dr": []}
    for _ in range(100):
        how = {"estimators": tuple(found), "loggers": LOGGERS, "replicates": 2, "interval": "student"}
        for _, row in run(both(rng, 100), {"new": Table(TARGET)}, **how).table.iterrows():
            found[row["estimator"]].append(row["value"])
    assert rejected({name: p_value(values, VALUE) for name, values in found.items()}) == []


def test_one_logger_needs_no_column_and_stands_in_for_missing_propensities(rng):
    log = make_log(rng, 800)
    bare = log.with_propensity(np.full(800, np.nan), "missing")
    full = run(log, {"new": Table(TARGET)}, estimators=("ips",))
    filled = run(bare, {"new": Table(TARGET)}, estimators=("ips", "balanced_ips"), loggers=Table(LOGGING))
    np.testing.assert_allclose(filled.table["value"], full.table["value"][0], rtol=1e-12)
    assert set(filled.table["propensity"]) == {"logged"}


def test_embeddings_weigh_what_is_alike(rng):
    same = np.repeat(CHANCE[:, ::2], 2, axis=1)  # items of one embedding have one effect
    log = make_log(rng, 4_000, chance=same)
    how = {"estimators": ("mips", "sn_mips", "ips"), "item_embedding": EMBEDDING, "loggers": Table(LOGGING)}
    result = run(log, {"new": Table(TARGET)}, **how)
    context = context_of(log)
    alike = EMBEDDING[log.item][:, None] == EMBEDDING
    ratio = (TARGET[context] * alike).sum(1) / (LOGGING[context] * alike).sum(1)
    expected = estimate("mips", EmbeddingTerms(log.reward, ratio, cluster=log.user))
    assert result.row("new", "mips")["value"] == pytest.approx(expected.value, rel=1e-12)
    truth = (TARGET * same).sum(1).mean()
    assert result.row("new", "mips")["lower"] < truth < result.row("new", "mips")["upper"]
    assert result.row("new", "mips")["std_error"] < 0.9 * result.row("new", "ips")["std_error"]
    assert result.verdict("new", "mips").level == "ok"
    two = run(log, {"new": Table(TARGET)}, **{**how, "item_embedding": np.stack([EMBEDDING, EMBEDDING], 1)})
    np.testing.assert_array_equal(two.table["value"], result.table["value"])


def test_embeddings_that_hide_an_effect_are_said(rng):
    log = make_log(rng, 4_000)
    how = {"estimators": ("mips",), "item_embedding": EMBEDDING, "loggers": Table(LOGGING)}
    verdict = run(log, {"new": Table(TARGET)}, **how).verdict("new", "mips")
    assert verdict.level == "caution"
    assert "weighing the items, not their embeddings, says otherwise" in verdict.reason


def test_a_propensity_model_can_be_the_logger_and_is_marked(rng):
    log = make_log(rng, 1_000)
    how = {"estimators": ("mips",), "item_embedding": EMBEDDING, "propensity_model": ItemSharePropensity()}
    table = run(log, {"new": Table(TARGET)}, **how).table
    assert table["propensity"].tolist() == ["estimated"]
    assert table["verdict"].tolist() == ["caution"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"balanced_ips needs every logger's probabilities: pass loggers="),
        ({"loggers": Table(LOGGING)}, "row 1000 was written by logger 1, and there are 1: pass"),
        ({"loggers": {"first": Table(LOGGING), "x": Table(SECOND)}}, r"loggers names \['first', 'x'\]; the log was wr"),
        (
            {"loggers": [Table(SECOND), Table(LOGGING)]},
            r"loggers= gives what row \d+ shows .* the log says",
        ),
        ({"estimators": ("mips",), "loggers": LOGGERS}, "mips needs item_embedding=: pass a label"),
        ({"estimators": ("mips",), "item_embedding": EMBEDDING}, "mips needs the logging policy's probabilities"),
        (
            {"estimators": ("mips",), "loggers": LOGGERS, "item_embedding": EMBEDDING[:3]},
            "item_embedding has 3 rows, the catalogue has 4 items",
        ),
        ({"estimators": ("sips",)}, "sips needs a log of slates of several items, and the log shows one item a step"),
    ],
)
def test_misuse_is_refused_by_name(log, options, message):
    with pytest.raises(ValueError, match=message):
        run(log, {"new": Table(TARGET)}, **{"estimators": ("balanced_ips",), **options})


def test_several_loggers_without_a_column_are_refused(rng):
    with pytest.raises(ValueError, match="there are 2 loggers, and the log has no column `logger`"):
        run(make_log(rng, 50), {"new": Table(TARGET)}, estimators=("balanced_ips",), loggers=LOGGERS)
    with pytest.raises(TypeError, match=r"logger 'a' \(int\) has no probabilities"):
        run(make_log(rng, 50), {"new": Table(TARGET)}, estimators=("balanced_ips",), loggers={"a": 3})
