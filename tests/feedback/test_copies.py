"""Rows that are there twice: refused where sessions have numbers, told where they have none."""

import numpy as np
import pandas as pd
import pytest

from recenv.feedback import LoggedFeedback
from recenv.ope import evaluate


class Uniform:
    def probabilities(self, request):
        return np.full(request.candidates.shape, 1 / request.candidates.shape[1])


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    n = 200
    columns = {"user": rng.integers(40, size=n), "item": rng.integers(4, size=n), "reward": rng.normal(size=n)}
    return pd.DataFrame(columns | {"propensity": 0.25, "time": np.arange(n)})


def told(log):
    audits = evaluate(log, {"u": Uniform()}, estimators=["snips"], replicates=20, progress=False).audits
    return audits.loc[audits["audit"] == "copied_rows", "finding"].tolist()


@pytest.mark.parametrize("ending", ["frame", "csv", "parquet"])
def test_copies_are_told_with_the_rows_however_the_log_was_read(table, tmp_path, ending):
    twice = pd.concat([table, table.iloc[[7, 9]]], ignore_index=True)
    if ending == "frame":
        log = LoggedFeedback.from_frame(twice)
    else:
        path = tmp_path / f"log.{ending}"
        getattr(twice, f"to_{ending}")(path, index=False)
        log = LoggedFeedback.read(path)
    assert log.rows == 202
    finding = "2 rows repeat another row in every column, the first of them row 200, a copy of row 7: drop them unless"
    assert told(log) == [f"{finding} each was a decision of its own"]


def test_rows_that_differ_in_a_column_that_is_not_read_are_no_copies(table):
    same = pd.concat([table, table.iloc[[7]].assign(time=-1)], ignore_index=True)
    assert told(LoggedFeedback.from_frame(same)) == []


def test_a_log_of_items_and_rewards_alone_is_alike_by_nature():
    plain = pd.DataFrame({"item": [0, 1] * 20, "reward": 1.0, "propensity": 0.5})
    assert told(LoggedFeedback.from_frame(plain)) == []


def test_lists_are_compared_by_their_content(table):
    seen = [[float(row), 1.0] for row in range(len(table))]
    table = table.assign(**{"observation.features": seen})
    assert told(LoggedFeedback.from_frame(table)) == []
    assert len(told(LoggedFeedback.from_frame(pd.concat([table, table.iloc[[3]]], ignore_index=True)))) == 1


def test_numbered_sessions_refuse_a_copy(table):
    numbered = table.assign(episode=np.arange(200), step=0)
    with pytest.raises(ValueError, match="is there twice, in rows 7 and 200"):
        LoggedFeedback.from_frame(pd.concat([numbered, numbered.iloc[[7]]]))
