import numpy as np
from numpy.testing import assert_array_equal

from recenv.agents.allowed_items import pack_allowed, packed_size, unpack_allowed


def test_packing_and_unpacking_returns_which_items_are_allowed():
    candidates = np.array([[10, 0, -1], [-1, -1, -1], [7, 8, 9]])
    packed = pack_allowed(candidates, 11)
    assert packed.shape == (3, packed_size(11)) == (3, 2)
    allowed = unpack_allowed(packed, 11)
    assert [np.flatnonzero(row).tolist() for row in allowed] == [[0, 10], [], [7, 8, 9]]
    assert_array_equal(unpack_allowed(pack_allowed(np.arange(8)[None], 8), 8), np.ones((1, 8), bool))
