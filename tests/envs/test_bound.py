import copy
import pickle
import threading

import numpy as np
import pytest

from recenv.causal import Behaviour, World
from recenv.envs import RecSysVectorEnv, bound

WORLD = World.synthetic(1, users=60, items=40)


def vector(users=600, **options):
    env = RecSysVectorEnv(users, world=WORLD, behaviour=Behaviour(funnel=1.0), horizon=4, **options)
    env.reset(seed=3)
    return env


def play(env, steps=9):
    """What a session of random actions returns, and the state that it leaves."""
    rng = np.random.default_rng(0)
    returned = [env.step(rng.integers(40, size=env.action_space.shape))[:4] for _ in range(steps)]
    return [np.concatenate([part.ravel() for part in step]) for step in returned], env.get_state()


@pytest.mark.parametrize("options", [{}, {"slate_size": 3, "autoreset_mode": "SameStep"}])
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing(options, threads):
    one, several = vector(**options), vector(threads=threads, **options)
    steps, state = play(one)
    same_steps, same_state = play(several)
    for a, b in zip([*steps, *state], [*same_steps, *same_state], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_thread_that_never_begins_is_not_waited_for():
    one, several = vector(), vector(threads=2)
    play(several, 1)
    late = threading.Event()
    core = several.core
    if core._bound._pool is not None:
        core._bound._pool.submit(late.wait)
    play(one, 1)
    ours, theirs = play(one), play(several)
    late.set()
    for a, b in zip([*ours[0], *ours[1]], [*theirs[0], *theirs[1]], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_steps_arrays_of_its_own(copied):
    env = vector(users=6)
    play(env, 2)
    twin = copied(env)
    before = twin.get_state()
    ours = play(env, 3)
    np.testing.assert_array_equal(twin.get_state().slot, before.slot)
    theirs = play(twin, 3)
    np.testing.assert_array_equal(np.array(ours[0]), np.array(theirs[0]))


def test_arrays_with_gaps_are_refused():
    core = vector(users=6).core
    gaps = core.state._replace(taste=np.zeros((6, 2 * core.state.taste.shape[1]))[:, ::2])
    if not bound.PLAIN:
        with pytest.raises(ValueError, match="only C-contiguous arrays can be bound"):
            bound.BoundLoops(core.tables, gaps, core.dials, core.rules, core.out)


def test_there_is_at_least_one_thread():
    core = vector(users=2).core
    with pytest.raises(ValueError, match="threads must be 1 or more, got 0"):
        bound.BoundLoops(core.tables, core.state, core.dials, core.rules, core.out, threads=0)
