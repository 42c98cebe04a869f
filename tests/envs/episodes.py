"""Play environments and keep everything that was returned, for comparisons."""

from collections.abc import Mapping

import numpy as np


def rows(observation, index):
    """Rows of a batched observation, flat or a mapping."""
    if isinstance(observation, Mapping):
        return {name: column[index] for name, column in observation.items()}
    return observation[index]


def assert_equal_observations(one, two):
    if isinstance(one, Mapping):
        assert set(one) == set(two)
        for name in one:
            np.testing.assert_array_equal(one[name], two[name])
    else:
        np.testing.assert_array_equal(one, two)


def play_alone(env, seed, actions, **reset):
    """Return the records of a single environment over `actions` (T, ...), starting anew when an episode ends.

    A record is (observation, reward, terminated, truncated, outcome); the restart takes a step of its own, as in
    Gymnasium's NEXT_STEP.
    """
    observation, _ = env.reset(seed=seed, **reset)
    records, done = [(observation,)], False
    for action in actions:
        if done:
            observation, _ = env.reset()
            records.append((observation, 0.0, False, False, None))
            done = False
        else:
            observation, reward, terminated, truncated, _ = env.step(action)
            done = terminated or truncated
            records.append((observation, reward, terminated, truncated, env.outcome.copy()))
    return records


def play_batch(env, seed, actions, **reset):
    """Return the records of a vector environment over `actions` (T, B, ...)."""
    observation, _ = env.reset(seed=seed, **reset)
    records = [(observation,)]
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(action)
        records.append((observation, reward, terminated, truncated, env.outcome.copy()))
    return records


def assert_slot_equals_alone(batch, slot, alone):
    """Compare one slot of a batch's records with those of a single environment."""
    assert_equal_observations(rows(batch[0][0], slot), alone[0][0])
    for together, single in zip(batch[1:], alone[1:], strict=True):
        assert_equal_observations(rows(together[0], slot), single[0])
        assert [column[slot] for column in together[1:4]] == list(single[1:4])
        if single[4] is None:
            assert np.all(together[4][slot]["item"] == -1)
        else:
            np.testing.assert_array_equal(together[4][slot], single[4])
