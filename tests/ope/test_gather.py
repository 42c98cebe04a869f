"""What one pass over the log keeps, and what it leaves out."""

import numpy as np

from recenv.ope.gather import gather
from tests.ope import mdp


def gathered(log, **options):
    return gather(
        log,
        {"target": mdp.Policy()},
        models=None,
        propensity_model=None,
        block_rows=7,
        advance=lambda done: None,
        **options,
    )


def test_columns_that_only_sessions_need_are_left_out_without_them(rng):
    log = mdp.make_log(mdp.draw(rng, 20))
    whole, slim = gathered(log), gathered(log, sessions=False)
    np.testing.assert_array_equal(whole.item, log.item)
    np.testing.assert_array_equal(whole.step, log.step)
    for name in ("item", "episode", "step", "terminated"):
        assert len(getattr(slim, name)) == 0, name
    for name in ("reward", "propensity", "user"):
        np.testing.assert_array_equal(getattr(slim, name), getattr(whole, name))
    np.testing.assert_array_equal(slim.target["target"], whole.target["target"])


def test_item_counts_need_no_sessions(rng):
    log = mdp.make_log(mdp.draw(rng, 20))
    counts = gathered(log, sessions=False).counts
    np.testing.assert_array_equal(counts[0], np.bincount(log.item, minlength=mdp.ITEMS))
