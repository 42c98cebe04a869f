import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recenv.data import RatingsLog, overlap, split_pairs
from recenv.data.splits import first_part


def made(n_users: int, n_items: int, density: float, seed: int) -> RatingsLog:
    rng = np.random.default_rng(seed)
    shown = rng.random((n_users, n_items)) < density
    shown[0, 0] = shown[1, 1] = shown[0, 1] = True
    user, item = np.nonzero(shown)
    rating = rng.integers(1, 6, len(user))
    rating[:2] = 1, 5
    return RatingsLog.from_frame(pd.DataFrame({"user": user, "item": item, "rating": rating}))


def pairs(log: RatingsLog) -> set[tuple[int, int]]:
    return set(zip(log.user.tolist(), log.item.tolist(), strict=True))


@settings(max_examples=30, deadline=None)
@given(
    n_users=st.integers(2, 30),
    n_items=st.integers(2, 20),
    density=st.floats(0.05, 1),
    share=st.floats(0.05, 0.95),
    seed=st.integers(0, 1000),
)
def test_parts_cover_the_log_once_and_every_user_with_two_pairs(n_users, n_items, density, share, seed):
    log = made(n_users, n_items, density, seed)
    first, second = split_pairs(log, share, seed=seed)
    assert pairs(first) | pairs(second) == pairs(log)
    assert not pairs(first) & pairs(second)
    assert len(first) + len(second) == len(log)
    counts, one, two = (np.bincount(part.user, minlength=log.n_users) for part in (log, first, second))
    assert ((one >= 1) & (two >= 1))[counts >= 2].all()
    assert (np.abs(one - share * counts)[counts >= 2] < 1 + 1e-9).all()
    assert first.n_items == second.n_items == log.n_items


def test_the_share_is_right_on_average_though_users_have_few_pairs():
    log = made(4_000, 3, 0.9, 0)
    first, _ = split_pairs(log, 0.6, seed=1)
    assert len(first) / len(log) == pytest.approx(0.6, abs=0.02)


def test_the_same_seed_gives_the_same_parts_and_another_seed_others():
    log = made(50, 20, 0.5, 0)
    parts = [split_pairs(log, seed=seed)[0] for seed in (3, 3, 4)]
    assert pairs(parts[0]) == pairs(parts[1]) != pairs(parts[2])
    assert pairs(split_pairs(log, seed=np.random.default_rng(3))[0]) == pairs(parts[0])


def test_the_rows_of_the_first_part_can_be_had_alone():
    log = made(50, 20, 0.5, 0)
    rows = first_part(log, 0.3, seed=5)
    assert pairs(log.subset(rows)) == pairs(split_pairs(log, 0.3, seed=5)[0])


def test_fingerprints_tell_the_parts_apart():
    log = made(100, 60, 0.5, 0)
    first, second = split_pairs(log, seed=0)
    assert overlap(first.fingerprint, second.fingerprint) == 0
    assert overlap(first.fingerprint, log.fingerprint) == 1


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_a_share_outside_0_and_1_is_refused(share, log):
    with pytest.raises(ValueError, match=r"first_share must be in \(0, 1\); got"):
        split_pairs(log, share, seed=0)
