import subprocess
import sys

import numpy as np
import pytest

from recenv.data import fingerprint, overlap

REFERENCE = (5841447496243547451, 13745943505366989332, 16510369398905564914)
"""Computed once in plain Python integers: BLAKE2b of each id, then the SplitMix64 finaliser."""


def sketch(rows):
    return fingerprint([f"u{row // 100}" for row in rows], [f"i{row % 100}" for row in rows])


def test_reference_values_do_not_change():
    assert fingerprint(["1", "1", "2"], ["a", "b", "a"]) == REFERENCE


def test_it_is_a_set_without_order():
    assert fingerprint([1, 2, 2], ["a", "b", "b"]) == fingerprint(["2", "1"], ["b", "a"])
    assert len(fingerprint([1, 2, 2], ["a", "b", "b"])) == 2


def test_users_and_items_are_told_apart():
    assert overlap(fingerprint(["1"], ["2"]), fingerprint(["2"], ["1"])) == 0


def test_a_log_and_its_ids_have_the_same_fingerprint(log):
    assert log.fingerprint == fingerprint(log.user_ids[log.user], log.item_ids[log.item])


def test_it_is_the_same_in_another_process():
    code = "from recenv.data import fingerprint; print(fingerprint(['1', '1', '2'], ['a', 'b', 'a']))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(REFERENCE)


def test_small_sets_are_compared_exactly():
    assert overlap(sketch(range(100)), sketch(range(75, 300))) == 0.25
    assert overlap(sketch(range(75, 300)), sketch(range(100))) == pytest.approx(25 / 225)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_large_sets_are_compared_within_sampling_error(share):
    a, b = range(20_000), range(int(20_000 * (1 - share)), 40_000)
    # b is up to twice as large as a, so about 256 to 512 hashes decide; 4 deviations.
    assert overlap(sketch(a), sketch(b)) == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 250) + 1e-12)


def test_a_part_lies_within_the_whole():
    assert overlap(sketch(range(5_000)), sketch(range(20_000))) == 1
    assert overlap(sketch(range(20_000)), sketch(range(5_000))) == pytest.approx(0.25, abs=0.1)


def test_nothing_overlaps_with_nothing():
    assert overlap((), ()) == overlap(sketch(range(3)), ()) == 0
    assert fingerprint([], []) == ()


def test_the_sketch_is_bounded_and_ascending():
    large = sketch(range(50_000))
    assert len(large) == 512
    assert list(large) == sorted(set(large))
    assert all(0 <= value < 2**64 for value in large)


def test_repeated_pairs_do_not_shorten_the_sketch():
    rows = list(range(2_000)) * 5
    assert sketch(rows) == sketch(range(2_000))


def test_pairs_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="user_ids has 2 entries and item_ids 1"):
        fingerprint([1, 2], [1])
