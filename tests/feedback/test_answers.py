"""An agent whose answer cannot be played is refused by its name, in training, in collecting and in evaluation alike."""

import numpy as np
import pytest

from recenv.agents import UniformAgent
from recenv.causal import World
from recenv.envs import RecSysVectorEnv
from recenv.feedback import collect
from recenv.feedback.answers import checked_answer
from recenv.protocol import Decision, Request
from recenv.training import evaluate_sessions, train

WRONG = {
    "a tuple": (lambda items, p: (items, p), TypeError, "a tuple: return a recenv.protocol.Decision"),
    "nothing": (lambda items, p: None, TypeError, "a NoneType"),
    "a user too few": (lambda items, p: Decision(items[1:], p[1:]), ValueError, r"items of shape \(7, 1\)"),
    "items in a row": (lambda items, p: Decision(items[:, 0], p), ValueError, r"return \(8, 1\) and \(8,\)"),
    "a column of probabilities": (lambda items, p: Decision(items, p[:, None]), ValueError, r"of shape \(8, 1\) for"),
    "floats": (lambda items, p: Decision(items * 1.0, p), TypeError, "items of dtype float64"),
    "whole probabilities": (lambda items, p: Decision(items, (p > 0).astype(int)), TypeError, "dtype int64: return"),
    "0": (lambda items, p: Decision(items, 0.0 * p), ValueError, "probability 0.0 in row 0"),
    "above 1": (lambda items, p: Decision(items, p + 1.5), ValueError, r"in \(0, 1\], or NaN"),
    "infinite": (lambda items, p: Decision(items, p + np.inf), ValueError, "probability inf in row 0"),
}


class Wrong(UniformAgent):
    name = "wrong_one"

    def __init__(self, catalogue, case):
        super().__init__(catalogue)
        self.change = WRONG[case][0]

    def act(self, request, *, rng, explore=True):
        return self.change(*super().act(request, rng=rng)[:2])


@pytest.fixture(scope="module")
def env():
    return RecSysVectorEnv(8, world=World.synthetic(0, users=20, items=15, topics=3), horizon=4)


WAYS = {
    "train": lambda agent, env: train(agent, env, 16, rng=np.random.default_rng(0)),
    "collect": lambda agent, env: collect(env, agent, seed=0, allow_overlap=True),
    "evaluate": lambda agent, env: evaluate_sessions(agent, env, users=range(8)),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_answer_is_refused_by_name_with_the_remedy(env, case, way):
    _, kind, words = WRONG[case]
    with pytest.raises(kind, match=rf"agent 'wrong_one': act\(\) returned .*{words}"):
        WAYS[way](Wrong(env.catalogue, case), env)


def test_unknown_probabilities_float32_and_rounding_are_no_fault():
    request = Request(np.zeros((2, 1)), np.arange(3)[None].repeat(2, axis=0))
    for chance in (np.full(2, np.nan), np.full(2, 0.3, np.float32), np.full(2, 1.0 + 1e-12)):
        decision = Decision(np.zeros((2, 1), np.int32), chance)
        assert checked_answer(object(), decision, request) is decision


def test_an_agent_without_a_name_goes_by_its_class():
    with pytest.raises(TypeError, match=r"agent Request: act\(\) returned a int"):
        checked_answer(Request(np.zeros((1, 1)), np.zeros((1, 1), int)), 3, Request(np.zeros((1, 1)), np.zeros((1, 1))))
