import pytest

from recenv.agents.schedules import ConstantSchedule, ExponentialSchedule, LinearSchedule, make_schedule


def test_a_line_passes_the_middle_and_stays_at_the_end():
    line = LinearSchedule(1.0, 0.2, 10)
    assert [line.value(step) for step in (0, 5, 10, 99)] == pytest.approx([1.0, 0.6, 0.2, 0.2])


def test_an_exponential_passes_the_geometric_middle():
    curve = ExponentialSchedule(1.0, 0.01, 10)
    assert [curve.value(step) for step in (0, 5, 10, 99)] == pytest.approx([1.0, 0.1, 0.01, 0.01])


def test_schedules_are_made_by_name():
    assert make_schedule("constant", 1.0, 0.2, 10) == ConstantSchedule(0.2)
    assert make_schedule("linear", 1.0, 0.2, 10) == LinearSchedule(1.0, 0.2, 10)
    assert make_schedule("exponential", 1.0, 0.2, 10) == ExponentialSchedule(1.0, 0.2, 10)


@pytest.mark.parametrize("kind", ["constant", "linear", "exponential"])
@pytest.mark.parametrize("end", [float("nan"), float("inf"), "a"])
def test_ends_are_finite_numbers(kind, end):
    with pytest.raises(ValueError, match="of a schedule must be a finite number, got"):
        make_schedule(kind, 1.0, end, 10)


@pytest.mark.parametrize(
    ("kind", "end", "steps", "words"),
    [
        ("linaer", 0.1, 10, "schedule must be constant, linear or exponential, got 'linaer'"),
        ("linear", 0.1, -1, "steps of a schedule must be 0 or more, got -1"),
        ("exponential", 0.0, 10, "end of an exponential schedule must be above 0"),
    ],
)
def test_what_cannot_be_is_refused(kind, end, steps, words):
    with pytest.raises(ValueError, match=words):
        make_schedule(kind, 1.0, end, steps)
