"""Terms of several workers as one record: the same numbers as one pass."""

import numpy as np
import pytest
from joblib import Parallel, delayed

from recenv.ope import BanditTerms, EmbeddingTerms, MultiLoggerTerms, TrajectoryTerms, estimate, merge
from recenv.ope.terms import Terms


def bandit(rng, n=90):
    return BanditTerms(
        reward=rng.random(n),
        propensity=rng.uniform(0.1, 0.9, n),
        target=rng.random(n),
        q_logged=rng.random(n),
        q_target=rng.random(n),
        cluster=rng.integers(20, size=n),
        reward_range=(0, 1),
        weight_max=10.0,
    )


def part_of(terms, rows):
    return terms.take(rows)


@pytest.mark.parametrize("name", ["ips", "snips", "dm", "dr", "sndr"])
def test_parts_of_workers_give_what_one_pass_gives(name):
    whole = bandit(np.random.default_rng(0))
    rows = np.array_split(np.arange(90), 4)  # users lie in several parts
    merged = merge(Parallel(n_jobs=2, prefer="threads")(delayed(part_of)(whole, part) for part in rows))
    one, other = estimate(name, whole), estimate(name, merged)
    assert (one.value, one.std_error, one.clusters) == (other.value, other.std_error, other.clusters)
    np.testing.assert_array_equal(one.influence, other.influence)
    assert merged.reward_range == (0, 1)


def test_sessions_and_loggers_are_merged_too():
    rng = np.random.default_rng(1)
    grid = {"reward": rng.random((12, 3)), "propensity": rng.uniform(0.2, 1, (12, 3)), "target": rng.random((12, 3))}
    whole = TrajectoryTerms(**grid, gamma=0.9)
    merged = merge([whole.take(np.arange(5)), whole.take(np.arange(5, 12))])
    assert estimate("snpdis", merged).value == estimate("snpdis", whole).value
    assert merged.gamma == 0.9
    several = MultiLoggerTerms(
        reward=rng.random(8), target=rng.random(8), propensity=rng.uniform(0.2, 1, (8, 2)), share=[0.5, 0.5]
    )
    merged = merge([several.take(np.arange(3)), several.take(np.arange(3, 8))])
    assert estimate("sn_balanced_ips", merged).value == estimate("sn_balanced_ips", several).value


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"q_logged": None, "q_target": None}, "q_logged is in some parts only; part 1 lacks it"),
        (
            {"reward_range": (0, 2)},
            r"reward_range must be the same in all parts; part 1 has \(0, 2\), part 0 has \(0, 1\)",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, problem):
    from dataclasses import replace

    one = bandit(np.random.default_rng(0))
    with pytest.raises(ValueError, match=problem):
        merge([one, replace(one, **change)])


def test_other_families_and_nothing_are_refused():
    one = bandit(np.random.default_rng(0))
    with pytest.raises(TypeError, match="part 1 is EmbeddingTerms, part 0 is BanditTerms: merge one family"):
        merge([one, EmbeddingTerms(reward=[1.0], marginal_ratio=[1.0])])
    with pytest.raises(ValueError, match="parts is empty"):
        merge(list[Terms]())


def test_sessions_of_another_length_are_refused():
    short = TrajectoryTerms(reward=[[1.0]], propensity=[[0.5]], target=[[0.5]])
    long = TrajectoryTerms(reward=[[1.0, 1.0]], propensity=[[0.5, 0.5]], target=[[0.5, 0.5]])
    with pytest.raises(ValueError, match=r"part 1 has \(2,\), part 0 has \(1,\): pad them alike"):
        merge([short, long])
