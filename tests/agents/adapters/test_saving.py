"""What is saved is numbers, and nothing else can be read."""

import json

import numpy as np
import pytest
import torch

from recenv.agents.adapters import SB3Agent, SklearnAgent, VowpalWabbitAgent
from recenv.agents.adapters.sb3_model import weights_of_zip
from recenv.agents.saving import read_agent
from recenv.protocol import Decision, Feedback
from recenv.sb3 import RecSysVecEnv
from recenv.testing.saved_agents import pickled_files


def learned(agent, request):
    reward = np.array([1.0, 0.0])
    ended = np.ones(2, bool)
    agent.update(Feedback(request, Decision(np.array([[1], [4]]), np.ones(2)), reward, request, ended, ~ended))
    return agent


def test_an_estimator_that_only_pickle_could_keep_is_refused(catalogue, request_of_two, tmp_path):
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline

    agent = learned(SklearnAgent(catalogue, model=MLPRegressor(hidden_layer_sizes=[2])), request_of_two)
    with pytest.raises(ValueError, match="MLPRegressor cannot be saved without pickle: what it has learned is in"):
        agent.save(tmp_path / "agent")
    with pytest.raises(ValueError, match="Pipeline cannot be saved without pickle: parameter"):
        SklearnAgent(catalogue, model=make_pipeline(MLPRegressor())).save(tmp_path / "agent")


def test_a_saved_estimator_can_name_nothing_but_scikit_learn(catalogue, tmp_path):
    SklearnAgent(catalogue).save(tmp_path / "agent")
    header = tmp_path / "agent" / "agent.json"
    meta = json.loads(header.read_text())
    meta["state"]["model"] = {"module": "subprocess", "name": "Popen", "parameters": {"args": "true"}}
    header.write_text(json.dumps(meta))
    with pytest.raises(ValueError, match=r"names subprocess\.Popen, which is no estimator"):
        SklearnAgent.load(tmp_path / "agent")


def test_vowpal_wabbit_goes_on_bit_for_bit(catalogue, request_of_two, tmp_path):
    pytest.importorskip("vowpalwabbit")
    agent = learned(VowpalWabbitAgent(catalogue), request_of_two)
    agent.save(tmp_path / "agent")
    again = VowpalWabbitAgent.load(tmp_path / "agent")
    for one, name in ((agent, "on"), (again, "resumed")):
        learned(one, request_of_two).save(tmp_path / name)
    np.testing.assert_array_equal(again.probabilities(request_of_two), agent.probabilities(request_of_two))
    on, resumed = (read_agent(tmp_path / name, ("vowpal_wabbit",)).arrays["model"] for name in ("on", "resumed"))
    np.testing.assert_array_equal(resumed, on)


def test_a_reward_that_was_not_announced_is_refused(catalogue, request_of_two):
    from sklearn.linear_model import SGDClassifier

    agent = SklearnAgent(catalogue, model=SGDClassifier(loss="log_loss"), classes=(2.0, 3.0))
    with pytest.raises(ValueError, match=r"reward 0\.0 is not among classes \(2\.0, 3\.0\)"):
        learned(agent, request_of_two)


def test_a_class_of_elsewhere_in_a_saved_algorithm_is_refused(catalogue, tmp_path):
    SB3Agent(catalogue).save(tmp_path / "agent")
    assert pickled_files(tmp_path) == []
    header = tmp_path / "agent" / "agent.json"
    meta = json.loads(header.read_text())
    meta["state"]["model"]["options"]["policy_kwargs"] = {"activation_fn": {"class": "subprocess:Popen"}}
    header.write_text(json.dumps(meta))
    with pytest.raises(ValueError, match="names the class 'subprocess:Popen'"):
        SB3Agent.load(tmp_path / "agent")


def test_a_setting_that_is_a_function_is_refused(world, tmp_path):
    from stable_baselines3 import PPO

    sessions = RecSysVecEnv(2, world=world, horizon=4)
    agent = SB3Agent(sessions.catalogue, model=PPO("MlpPolicy", sessions, learning_rate=lambda left: 1e-3 * left))
    with pytest.raises(ValueError, match="PPO cannot be saved without pickle: its setting 'learning_rate'"):
        agent.save(tmp_path / "agent")


def test_only_the_tensors_of_an_algorithms_own_file_are_read(world, tmp_path):
    from stable_baselines3 import PPO

    sessions = RecSysVecEnv(2, world=world, horizon=4)
    first, second = (PPO("MlpPolicy", sessions, seed=seed, n_steps=4, batch_size=4) for seed in (0, 1))
    first.save(tmp_path / "model.zip")
    agent = SB3Agent(sessions.catalogue, model=second, parameters=tmp_path / "model.zip")
    for name, weight in first.policy.state_dict().items():
        assert torch.equal(weight, agent.model.policy.state_dict()[name])
    (tmp_path / "other.zip").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="was not written by an algorithm's save"):
        weights_of_zip(tmp_path / "other.zip")


@pytest.mark.parametrize("algorithm", ["PPO", "DQN"])
def test_a_loaded_algorithm_learns_on_as_the_saved_one(algorithm, world, tmp_path):
    import stable_baselines3

    sessions = RecSysVecEnv(4, world=world, horizon=4)
    options = {"n_steps": 8, "batch_size": 16} if algorithm == "PPO" else {"learning_starts": 20, "buffer_size": 200}
    model = getattr(stable_baselines3, algorithm)("MlpPolicy", sessions, seed=0, **options)
    agent = SB3Agent(sessions.catalogue, model=model)
    before = (np.random.get_state()[1].copy(), torch.get_rng_state())  # noqa: NPY002
    agent.learn(sessions, 64, rng=np.random.default_rng(0))
    agent.save(tmp_path / "agent")
    again = SB3Agent.load(tmp_path / "agent")
    metrics = [one.learn(sessions, 64, rng=np.random.default_rng(1)) for one in (agent, again)]
    assert metrics[0] == metrics[1]
    assert metrics[0]["sessions"] > 0
    assert again.model.num_timesteps == 128
    for name, weight in agent.model.policy.state_dict().items():
        assert torch.equal(weight, again.model.policy.state_dict()[name]), name
    assert np.array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(before[1], torch.get_rng_state())
