import pytest

from recenv.envs.seeding import drawn_seed, slot_seeds


def test_one_seed_counts_up_over_the_slots():
    assert slot_seeds(7, 3) == [7, 8, 9]


def test_one_seed_a_slot_is_kept():
    assert slot_seeds([4, 0, 9], 3) == [4, 0, 9]


def test_no_seed_is_fresh_entropy():
    assert drawn_seed(None) != drawn_seed(None)
    seeds = slot_seeds([None, 3, None], 3)
    assert seeds[1] == 3
    assert seeds[0] != seeds[2]
    assert slot_seeds(None, 2) != slot_seeds(None, 2)


def test_the_wrong_number_of_seeds_is_refused():
    with pytest.raises(ValueError, match="seed has 2 entries for 3 environments"):
        slot_seeds([1, 2], 3)


@pytest.mark.parametrize("seed", [1.5, "12", [1, 2.0], {3}])
def test_what_is_no_whole_number_is_refused(seed):
    with pytest.raises(TypeError, match="seed must be a whole number, 0 or more, or None; got"):
        slot_seeds(seed, 2)
