import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from recenv.causal import noise
from recenv.causal.noise import (
    episode_user,
    gumbel_quantile,
    logistic_cdf,
    logistic_quantile,
    normal_cdf,
    normal_quantile,
    opinion_uniform,
    philox,
    seed_word,
    uniform_pair,
    unit,
)

ONES = 0xFFFFFFFF
CHANNELS = [getattr(noise, name) for name in ("USER", "OPINION", "SHARED_OPINION", "CLICK", "CHOICE", "EXAMINATION",
                                              "PASSAGE")]  # fmt: skip


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
    ids=["zeros", "ones", "pi"],
)
def test_philox_gives_the_published_known_answers(counter, key, expected):
    """Salmon et al. (2011), the known-answer vectors of Random123 for philox4x32-10."""
    words = [np.uint32(word) for word in (*counter, *key)]
    assert tuple(int(word) for word in philox(*words)) == expected


def test_units_stay_inside_the_open_interval():
    lowest, highest = unit(np.uint32(0), np.uint32(0)), unit(np.uint32(ONES), np.uint32(ONES))
    assert lowest == 2.0**-53
    assert highest == 1.0 - 2.0**-53
    assert np.isfinite(
        [f(u) for f in (logistic_quantile, normal_quantile, gumbel_quantile) for u in (lowest, highest)]
    ).all()


def test_uniforms_of_neighbouring_addresses_are_uniform_and_independent():
    u = np.array([uniform_pair(np.uint32(7), np.uint32(0), user, 3, 11, noise.CLICK) for user in range(8000)])
    for column in u.T:
        assert stats.kstest(column, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(u.T)[0, 1]) < 0.04
    assert abs(np.corrcoef(u[1:, 0], u[:-1, 0])[0, 1]) < 0.04


def test_a_change_anywhere_in_the_address_gives_another_number():
    base = [np.uint32(5), np.uint32(1), 2, 3, 4, noise.CLICK]
    found = {uniform_pair(*base)}
    for place in range(5):
        for delta in (1, 2, 1000):
            changed = list(base)
            changed[place] = type(changed[place])(int(changed[place]) + delta)
            found.add(uniform_pair(*changed))
    for channel in CHANNELS:
        found.add(uniform_pair(*base[:5], channel))
    assert len(found) == 1 + 15 + len(CHANNELS) - 1


def test_channels_are_distinct():
    assert len({int(channel) for channel in CHANNELS}) == len(CHANNELS)


def test_opinions_depend_on_both_words_of_the_world_seed():
    words = [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert len({opinion_uniform(np.uint32(a), np.uint32(b), 3, 4, noise.OPINION) for a, b in words}) == 4


def test_every_user_is_drawn_about_equally_often():
    drawn = [episode_user(np.uint32(seed), np.uint32(0), 10) for seed in range(6000)]
    counts = np.bincount(drawn, minlength=10)
    assert len(counts) == 10
    assert stats.chisquare(counts).pvalue > 0.01


def test_the_normal_quantile_agrees_with_a_reference_in_the_middle_and_in_both_tails():
    u = np.concatenate(
        [np.linspace(1e-4, 1 - 1e-4, 999), 10.0 ** np.arange(-300, -4, 7), 1 - 10.0 ** np.arange(-15, -3)]
    )
    np.testing.assert_allclose([normal_quantile(one) for one in u], stats.norm.ppf(u), rtol=1e-13, atol=1e-15)


def test_distribution_functions_agree_with_references():
    x = np.linspace(-37, 37, 401)
    np.testing.assert_allclose([normal_cdf(one) for one in x], stats.norm.cdf(x), rtol=1e-12)
    np.testing.assert_allclose([logistic_cdf(one) for one in x * 19], stats.logistic.cdf(x * 19), rtol=1e-12)
    u = np.linspace(0.001, 0.999, 101)
    np.testing.assert_allclose([logistic_quantile(one) for one in u], stats.logistic.ppf(u), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose([gumbel_quantile(one) for one in u], stats.gumbel_r.ppf(u), rtol=1e-12, atol=1e-15)


def test_small_seeds_are_their_own_word_and_large_ones_are_hashed():
    assert [seed_word(seed) for seed in (0, 17, ONES)] == [0, 17, ONES]
    large = [seed_word(seed) for seed in (2**32, 2**32 + 1, 2**63, 2**100)]
    assert len(set(large)) == 4
    assert all(0 <= word < 2**32 for word in large)


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed must be 0 or more, got -1"):
        seed_word(-1)


PROGRAM = """
import sys
import numpy as np
from recenv.causal import noise
from recenv.causal.equations.opinion import click_noise, opinion_noise
from recenv.causal import Behaviour
from recenv.causal.pairs import filter_place
dials = Behaviour(noise_correlation=0.4, coupling=-0.7).dials()[0]
rows = []
for j in range(400):
    address = [np.uint32(j * 2654435761 % 2**32), np.uint32(j), j * 7919, j % 50, j * 31, noise.CLICK]
    u, v = noise.uniform_pair(*address)
    e = opinion_noise(u, v, dials)
    word, bit = filter_place(j * 104729, 64)
    drawn = noise.episode_user(address[0], address[1], 943)
    rows.append([u, v, noise.normal_quantile(u), noise.normal_cdf(-8 * u), noise.gumbel_quantile(v), e,
                 click_noise(v, e, dials), float(word), float(bit), float(drawn)])
np.save(sys.argv[1], np.array(rows))
"""


def test_compiled_and_plain_python_agree_bit_for_bit(tmp_path):
    results = []
    for switch in ("0", "1"):
        path = tmp_path / f"{switch}.npy"
        environment = {**os.environ, "NUMBA_DISABLE_JIT": switch}
        command = [sys.executable, "-W", "error", "-c", PROGRAM, path]
        subprocess.run(command, check=True, env=environment, cwd=Path(__file__).parents[2])
        results.append(np.load(path))
    np.testing.assert_array_equal(results[0].view(np.uint64), results[1].view(np.uint64))
    assert len(np.unique(results[0][:, 5])) == 400
