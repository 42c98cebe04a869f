import numpy as np
import pytest

from recenv import World
from recenv.envs import RecSysVectorEnv
from recenv.feedback.rollout import decide, rollout
from recenv.protocol import Decision, Request


class Spread:
    """Draws among the allowed items with probabilities that rise with the item id."""

    def probabilities(self, request):
        weight = np.where(request.candidates >= 0, request.candidates + 1.0, 0.0)
        return weight / weight.sum(1, keepdims=True)


class First:
    """Shows the lowest item that may be shown."""

    def act(self, request, *, rng, explore=True):
        place = (request.candidates >= 0).argmax(1)
        return Decision(request.candidates[np.arange(len(place)), place][:, None], np.ones(len(place)))


@pytest.fixture(scope="module")
def env():
    return RecSysVectorEnv(50, world=World.synthetic(0, users=80, items=40), horizon=6)


def test_every_slot_plays_exactly_one_whole_session(env):
    alive = np.array([step.alive for step in rollout(env, Spread(), seed=1)])
    ended = np.array([step.terminated | step.truncated for step in rollout(env, Spread(), seed=1)])
    assert alive[0].all()
    assert ((alive & ended).sum(0) == 1).all()
    assert (np.diff(alive.astype(int), axis=0) <= 0).all()
    assert 1 < alive.sum(0).min() + 1 <= alive.sum(0).max() + 1 <= 7


def test_two_policies_meet_the_same_users(env):
    users = [next(rollout(env, policy, seed=3)).request.users for policy in (Spread(), First())]
    assert (users[0] == users[1]).all()
    other = next(rollout(env, Spread(), seed=4)).request.users
    assert (users[0] != other).any()


def test_users_can_be_fixed(env):
    wanted = np.arange(50)[::-1]
    assert (next(rollout(env, First(), seed=0, users=wanted)).request.users == wanted).all()


def test_drawn_decisions_follow_the_probabilities():
    request = Request(np.zeros((20_000, 1)), np.tile([0, -1, 2, 5], (20_000, 1)))
    decision = decide(Spread(), request, np.random.default_rng(0))
    share = np.bincount(decision.items[:, 0], minlength=6) / 20_000
    assert share[[0, 2, 5]] == pytest.approx([0.1, 0.3, 0.6], abs=0.015)
    assert share[[1, 3, 4]].sum() == 0
    assert decision.probability[decision.items[:, 0] == 5] == pytest.approx(0.6)


def test_what_is_no_policy_is_refused(env):
    with pytest.raises(TypeError, match="neither act"):
        next(rollout(env, object(), seed=0))
