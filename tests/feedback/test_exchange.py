"""Logs to other libraries' formats and back: what they have a place for survives the journey."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from recenv.agents import UniformAgent
from recenv.envs import RecSysVectorEnv
from recenv.feedback import collect, from_mdp_dataset, from_minari, from_obp, mdp_arrays, to_minari, to_obp


@pytest.fixture(scope="module")
def env():
    return RecSysVectorEnv(6, world="synthetic", horizon=4, feedback="simulated")


@pytest.fixture(scope="module")
def log(env):
    return collect(env, UniformAgent(env.catalogue), rounds=2, seed=3)


def same(one, other, *names):
    for name in names:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_obp_and_back(log, env):
    feedback = to_obp(log, item_features=env.catalogue.features)
    assert feedback["n_rounds"] == len(log)
    assert feedback["n_actions"] == log.n_items
    assert feedback["action_context"].shape == env.catalogue.features.shape
    again = from_obp(feedback, user=log.user)
    same(log, again, "item", "reward", "propensity", "user")
    np.testing.assert_array_equal(again.observation["features"], log.observation["features"])
    assert again.n_items == log.n_items


def test_the_logging_policys_distribution_goes_along(log, env):
    table = to_obp(log, policy=UniformAgent(env.catalogue))["pi_b"][:, :, 0]
    np.testing.assert_allclose(table.sum(axis=1), 1.0)
    np.testing.assert_allclose(table[np.arange(len(log)), log.item], log.propensity)


def test_obp_of_no_propensities_or_another_catalogue_is_refused(log):
    with pytest.raises(ValueError, match="item_features has 3 rows"):
        to_obp(log, item_features=np.zeros((3, 2)))
    with pytest.raises(ValueError, match="no 'reward'"):
        from_obp({"action": [1, 2]})
    with pytest.raises(ValueError, match="no propensities"):
        to_obp(from_obp({"action": [1, 2], "reward": [0.0, 1.0]}))


def test_obp_itself_reads_the_dictionary(log, tmp_path):
    python = os.environ.get("OBP_PYTHON")
    if not python:
        pytest.skip("OBP_PYTHON names no interpreter that has obp, which pins versions of its own")
    kept = {name: value for name, value in to_obp(log).items() if isinstance(value, np.ndarray)}
    np.savez(tmp_path / "log.npz", **kept)
    code = (
        "import sys, numpy as np; from obp.ope import InverseProbabilityWeighting as I; "
        "d = np.load(sys.argv[1]); n = len(d['action']); a = d['action_context'].shape[0]; "
        "print(I().estimate_policy_value(reward=d['reward'], action=d['action'], pscore=d['pscore'], "
        "position=np.zeros(n, int), action_dist=np.full((n, a, 1), 1 / a)))"
    )
    answer = subprocess.run([python, "-c", code, tmp_path / "log.npz"], capture_output=True, text=True, check=True)
    weight = 1 / log.n_items / log.propensity
    assert float(answer.stdout.split()[-1]) == pytest.approx(float((weight * log.reward).mean()), rel=1e-9)


def test_mdp_arrays_mark_every_end_of_a_session(log):
    arrays = mdp_arrays(log)
    ends = (arrays["terminals"] + arrays["timeouts"]).astype(bool)
    np.testing.assert_array_equal(ends, np.append(np.diff(log.episode) != 0, True))
    np.testing.assert_array_equal(arrays["terminals"].astype(bool), log.terminated)


def test_an_mdp_dataset_comes_back_as_sessions(log):
    arrays = mdp_arrays(log)
    stops = np.flatnonzero(arrays["terminals"] + arrays["timeouts"]) + 1
    episodes = [
        SimpleNamespace(
            observations=arrays["observations"][rows],
            actions=arrays["actions"][rows][:, None],
            rewards=arrays["rewards"][rows][:, None],
            terminated=bool(arrays["terminals"][rows[-1]]),
        )
        for rows in np.split(np.arange(len(log)), stops[:-1])
    ]
    again = from_mdp_dataset(SimpleNamespace(episodes=episodes), n_items=log.n_items)
    same(log, again, "item", "terminated", "step")
    np.testing.assert_allclose(again.reward, log.reward, rtol=1e-6)
    assert again.propensity_kind == "missing"


def test_d3rlpy_itself_reads_and_returns_it(log, tmp_path):
    python = os.environ.get("D3RLPY_PYTHON")
    if not python:
        pytest.skip("D3RLPY_PYTHON names no interpreter that has d3rlpy, which pins an old Gymnasium")
    np.savez(tmp_path / "log.npz", **mdp_arrays(log))
    code = (
        "import sys, numpy as np; from d3rlpy.dataset import MDPDataset; from d3rlpy.constants import ActionSpace; "
        f"d = MDPDataset(**np.load(sys.argv[1]), action_space=ActionSpace.DISCRETE, action_size={log.n_items}); "
        "print(len(d.episodes), sum(e.size() for e in d.episodes), sum(e.terminated for e in d.episodes))"
    )
    answer = subprocess.run([python, "-c", code, tmp_path / "log.npz"], capture_output=True, text=True, check=True)
    assert answer.stdout.split()[-3:] == [str(log.episodes), str(len(log)), str(log.terminated.sum())]


def test_minari_and_back(log, tmp_path, monkeypatch):
    pytest.importorskip("minari", reason="Minari is not installed")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    again = from_minari(to_minari(log, "recsys/test-v0", description="a test"))
    same(log, again, "item", "reward", "propensity", "user", "terminated", "truncated", "step")
    for group in ("observation", "next_observation"):
        np.testing.assert_array_equal(getattr(again, group)["features"], getattr(log, group)["features"])


def test_the_converters_load_nothing_of_the_others():
    code = "import sys, recenv.feedback as f; f.to_obp, f.mdp_arrays, f.to_minari; print('minari' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
