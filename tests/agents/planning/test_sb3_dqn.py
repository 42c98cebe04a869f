import numpy as np
import torch
from numpy.testing import assert_array_equal
from stable_baselines3 import DQN

from recenv.agents.adapters.sb3 import SB3Agent
from recenv.agents.planning.sb3_dqn import TowerQPolicy
from recenv.sb3 import RecSysVecEnv


def test_stable_baselines3_trains_the_towers_and_an_adapter_plays_them(env):
    sessions = RecSysVecEnv(4, env.config)
    model = DQN(
        TowerQPolicy,
        sessions,
        policy_kwargs={"catalogue": env.catalogue, "width": 8, "dims": 4},
        learning_starts=16,
        batch_size=16,
        buffer_size=200,
        seed=0,
        device="cpu",
    )
    before = {name: value.clone() for name, value in model.q_net.state_dict().items()}
    model.learn(64)
    assert any(not torch.equal(value, before[name]) for name, value in model.q_net.state_dict().items())
    observation = sessions.reset()
    values = model.q_net.scores(torch.tensor(observation)).detach().numpy()
    assert_array_equal(model.predict(observation, deterministic=True)[0], values.argmax(axis=1))
    request = env.request(env.reset(seed=1)[0])
    decision = SB3Agent(env.catalogue, model=model).act(request, rng=np.random.default_rng(0), explore=False)
    best = model.q_net.scores(torch.tensor(request.observation)).detach().numpy().argmax(axis=1)
    assert_array_equal(decision.items[:, 0], best)
