"""A small Markov decision process whose values are known exactly: three states, two items, users who may leave."""

import numpy as np

from recenv.feedback import LoggedFeedback
from recenv.ope.trajectory_terms import TrajectoryTerms

STATES, ITEMS, HORIZON = 3, 2, 4
START = np.array([0.5, 0.3, 0.2])
# MOVE[s, a]: probabilities of the next state; what is missing to 1 is leaving.
MOVE = np.array(
    [[[0.6, 0.2, 0.1], [0.1, 0.5, 0.2]], [[0.3, 0.3, 0.3], [0.2, 0.2, 0.6]], [[0.1, 0.1, 0.5], [0.4, 0.4, 0.1]]]
)
REWARD = np.array([[1.0, 0.0], [0.5, 2.0], [0.0, 1.5]])
LOGGING = np.array([[0.5, 0.5], [0.6, 0.4], [0.3, 0.7]])
TARGET = np.array([[0.8, 0.2], [0.3, 0.7], [0.5, 0.5]])


def values(policy, gamma=1.0, horizon=HORIZON, move=MOVE, reward=REWARD):
    """Return q (T, S, A) and v (T, S), step 0 first, by backward induction."""
    q, after = [], np.zeros(STATES)
    for _ in range(horizon):
        q.append(reward + gamma * move @ after)
        after = (policy * q[-1]).sum(axis=1)
    q = np.array(q[::-1])
    return q, (policy * q).sum(axis=2)


def value(policy=TARGET, gamma=1.0, horizon=HORIZON):
    return float(START @ values(policy, gamma, horizon)[1][0])


def draw(rng, n, horizon=HORIZON):
    """Return state, item and reward (n, T) and length (n,) of sessions under the logging policy."""
    state, item, reward = (np.zeros((n, horizon), dtype=kind) for kind in (int, int, float))
    alive, now, length = np.ones(n, bool), rng.choice(STATES, size=n, p=START), np.zeros(n, int)
    for t in range(horizon):
        choice = (rng.random(n) >= LOGGING[now, 0]).astype(int)
        state[:, t], item[:, t] = now, choice
        reward[:, t] = np.where(alive, REWARD[now, choice] + rng.normal(size=n), 0.0)
        length += alive
        place = (rng.random((n, 1)) >= MOVE[now, choice].cumsum(axis=1)).sum(axis=1)
        alive &= place < STATES
        now = np.where(alive, np.minimum(place, STATES - 1), now)
    return state, item, reward, length


def make_terms(drawn, gamma=1.0, model=None, **changes):
    state, item, reward, length = drawn
    q, v = values(TARGET, gamma, reward.shape[1]) if model is None else model
    step = np.arange(reward.shape[1])
    columns = {
        "reward": reward,
        "propensity": LOGGING[state, item],
        "target": TARGET[state, item],
        "q_logged": q[step, state, item],
        "q_target": v[step, state],
        "state": state,
        "action": item,
        "length": length,
        "gamma": gamma,
    }
    return TrajectoryTerms(**{**columns, **changes})


def make_log(drawn, horizon=HORIZON, **changes):
    """Return the log of sessions; whoever reaches the horizon was truncated there."""
    state, item, reward, length = drawn
    valid = np.arange(reward.shape[1]) < length[:, None]
    episode, step = np.nonzero(valid)
    last = step == length[episode] - 1
    onehot = np.eye(STATES, dtype=np.float32)
    columns = {
        "episode": episode,
        "step": step,
        "position": np.zeros_like(step),
        "user": episode,
        "item": item[valid],
        "reward": reward[valid],
        "propensity": LOGGING[state, item][valid],
        "terminated": last & (step < horizon - 1),
        "truncated": last & (step == horizon - 1),
        "observation": {"features": onehot[state[valid]], "code": state[valid]},
        "n_items": ITEMS,
        "meta": {"horizon": horizon},
    }
    return LoggedFeedback(**{**columns, **changes})


class Policy:
    """Looks its probabilities up by the state."""

    def __init__(self, table=TARGET):
        self.table = table
        self.asked = []

    def probabilities(self, request):
        seen = request.observation["features"] if isinstance(request.observation, dict) else request.observation
        self.asked.append(len(seen))
        return self.table[seen.argmax(axis=1)]
