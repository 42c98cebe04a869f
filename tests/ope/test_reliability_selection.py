import numpy as np
import pytest

from recenv.ope.reliability_scores import metrics, summarise
from recenv.ope.reliability_selection import select

METRICS = metrics((1,))
ANSWERED = np.zeros((2, 2))


def scores(*worlds):
    """Return (W, E, R, 2): the given sums, each of one case."""
    sums = np.array(worlds, dtype=float)
    return np.stack([sums, np.ones_like(sums)], axis=-1)


def choose(table, name="rmse", unanswered=ANSWERED, estimators=("a", "b"), **options):
    how = {"name": name, "metric": METRICS[name], "worlds": ("one", "two"), "estimators": estimators}
    return select(table, unanswered, **how, **options)


def test_a_mean_and_its_error_by_hand():
    value, error = summarise(np.array([[1.0, 1.0], [2.0, 1.0], [6.0, 1.0]]), METRICS["bias"])
    assert value == 3.0
    assert error == pytest.approx(np.std([1, 2, 6], ddof=1) / np.sqrt(3))


def test_a_root_and_its_error_by_hand():
    value, error = summarise(np.array([[1.0, 1.0], [2.0, 1.0], [6.0, 1.0]]), METRICS["rmse"])
    assert value == pytest.approx(np.sqrt(3))
    assert error == pytest.approx(np.std([1, 2, 6], ddof=1) / np.sqrt(3) / (2 * np.sqrt(3)))


def test_replications_count_by_their_cases():
    value, _ = summarise(np.array([[1.0, 1.0], [0.0, 3.0]]), METRICS["coverage_ok"])
    assert value == 0.25
    assert np.isnan(summarise(np.zeros((2, 2)), METRICS["coverage_ok"])).all()


def test_a_share_of_all_is_not_certain():
    value, error = summarise(np.ones((20, 2)), METRICS["coverage"])
    assert value == 1.0
    # 22 of 24: the deviation of that many zeros and ones.
    assert error == pytest.approx(np.std([1] * 22 + [0] * 2, ddof=1) / np.sqrt(24))


def test_errors_are_as_large_as_the_spread_over_repetitions(rng):
    cases = rng.integers(1, 5, size=(400, 50)).astype(float)
    sums = rng.poisson(0.7 * cases)
    found = [summarise(np.column_stack(pair), METRICS["bias"]) for pair in zip(sums, cases, strict=True)]
    values, errors = np.array(found).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.12)


def test_the_best_worst_case_wins_not_the_best_mean():
    table = scores([[0.01] * 30, [0.5] * 30], [[1.0] * 30, [0.6] * 30])
    found = choose(table)
    assert (found.estimator, found.runner_up, found.world) == ("b", "a", "two")
    assert found.value == pytest.approx(np.sqrt(0.6))
    assert found.margin == pytest.approx(1.0 - np.sqrt(0.6))
    assert found.clear
    assert "clear" in str(found)


def test_the_larger_is_better_where_it_is():
    table = scores([[0.9] * 30, [0.5] * 30], [[0.2] * 30, [0.4] * 30])
    found = choose(table, "rank_correlation")
    assert (found.estimator, found.value) == ("b", pytest.approx(0.4))
    assert found.margin == pytest.approx(0.2)


def test_a_bias_counts_by_its_size():
    found = choose(scores([[-0.5] * 30, [0.3] * 30], [[0.0] * 30, [-0.4] * 30]), "bias")
    assert (found.estimator, found.world, found.value) == ("b", "two", pytest.approx(-0.4))


def test_what_only_luck_tells_apart_is_not_clear(rng):
    same = rng.exponential(size=(2, 2, 40))
    found = choose(scores(*same))
    assert not found.clear
    assert found.margin < 3 * found.margin_std_error


def test_clear_winners_among_equals_are_rare(rng):
    clear = [choose(scores(*rng.exponential(size=(2, 3, 40))), unanswered=np.zeros((2, 3)), estimators="abc").clear
             for _ in range(100)]  # fmt: skip
    assert np.mean(clear) < 0.2


def test_an_estimator_without_a_number_is_passed_over():
    table = scores([[0.01] * 30, [0.5] * 30], [[0.01] * 30, [0.6] * 30])
    found = choose(table, unanswered=np.array([[0.0, 0.0], [0.1, 0.0]]))
    assert (found.estimator, found.runner_up, found.passed_over) == ("b", None, ("a",))
    with pytest.raises(ValueError, match="no estimator has a rmse"):
        choose(table, unanswered=np.ones((2, 2)))
