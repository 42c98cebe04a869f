from typing import NamedTuple

import numpy as np
import pytest

from recenv.causal.pairs import LoggedPairs, may_be_logged
from recenv.envs.ranks import row_of_pair

USERS = 6


class Tables(NamedTuple):
    """What of a world's tables is read."""

    pair_start: np.ndarray
    pair_item: np.ndarray
    pair_noise: np.ndarray
    pair_filter: np.ndarray
    pair_rank: np.ndarray


@pytest.mark.parametrize(("items", "share", "alone"), [(150, 0.3, True), (4_000, 0.01, False)])
def test_a_pairs_row_is_the_one_where_it_stands_whether_items_share_bits_or_not(items, share, alone):
    rng = np.random.default_rng(0)
    user, item = np.nonzero(rng.random((USERS, items)) < share)
    pairs = LoggedPairs.from_rows(user, item, np.ones(len(user), int), np.zeros(len(user), int))
    tables = Tables(*pairs.table(USERS))
    assert (tables.pair_rank[0, 0] >= 0) == alone
    row = {pair: place for place, pair in enumerate(zip(pairs.user.tolist(), pairs.item.tolist(), strict=True))}
    for u in range(USERS):
        for a in range(items):
            if may_be_logged(tables.pair_filter, np.uintp(u), np.uintp(a)):
                assert row_of_pair(tables, np.uintp(u), np.uintp(a)) == row.get((u, a), -1)
