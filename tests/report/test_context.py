import numpy as np
import pytest

from recenv.report import ReportContext
from recenv.report.context import as_context


def test_a_mapping_a_record_and_none_are_accepted():
    record = ReportContext(question="?")
    assert as_context(record) is record
    assert as_context({"question": "?", "seed": None}) == record
    assert as_context(None) == ReportContext()


def test_a_verdict_becomes_lines():
    assert ReportContext(verdict="one\n\ntwo ").verdict == ("one", "two")
    assert ReportContext(verdict=["one", "two"]).verdict == ("one", "two")


def test_a_verdict_of_six_lines_is_refused():
    with pytest.raises(ValueError, match="verdict has 6 lines: give at most 5"):
        ReportContext(verdict="a\nb\nc\nd\ne\nf")


@pytest.mark.parametrize("curve", [([1, 2],), ([1, 2], [1.0], [1.0]), ([1, 2], [1.0])])
def test_curves_of_the_wrong_shape_are_refused(curve):
    with pytest.raises(ValueError, match=r"learning_curves\['dqn'\] has"):
        ReportContext(learning_curves={"dqn": curve})


def test_a_curve_without_points_is_left_out():
    context = ReportContext(learning_curves={"dqn": ((), ()), "other": ([1], [np.nan])})
    assert list(context.learning_curves) == ["other"]


@pytest.mark.parametrize(("session", "words"), [({"low": 1.0}, "has no 'value'"), ({"value": "3"}, "must be a number")])
def test_sessions_need_numbers(session, words):
    with pytest.raises(ValueError, match=words):
        ReportContext(sessions={"dqn": session})
