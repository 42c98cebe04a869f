import os
import subprocess
import sys
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).parents[2] / "docs" / "agent_template"
PLAY = """
import numpy as np
from recenv.agents import agent_names, load_agent, make_agent
from recenv.causal import World
from recenv.envs import RecSysVectorEnv
from recenv.training import train

assert "mean_reward" in agent_names()
env = RecSysVectorEnv(16, world=World.synthetic(0, users=60, items=30), horizon=6)
agent = make_agent("mean_reward", env.catalogue, epsilon=0.2)
train(agent, env, 600, rng=np.random.default_rng(0))
agent.save("agent")
again = load_agent("agent")
assert type(again).__module__ == "recenv_mean_reward"
assert np.array_equal(again.total, agent.total) and again.count.sum() >= 30 + 600
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The template, copied and installed by pip into a folder of its own."""
    place = tmp_path_factory.mktemp("template")
    source, target = place / "source", place / "installed"
    source.mkdir()
    for file in TEMPLATE.glob("*.*"):
        (source / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, capture_output=True)
    return target


def run_with(installed, *command, cwd):
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONWARNINGS": "error"}
    return subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_the_template_is_short():
    assert sum(len(file.read_text().splitlines()) for file in TEMPLATE.iterdir() if file.is_file()) < 60


def test_its_own_test_passes(installed, tmp_path):
    (tmp_path / "test_it.py").write_text((TEMPLATE / "test_recenv_mean_reward.py").read_text())
    done = run_with(installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:]


def test_it_is_found_trained_saved_and_loaded_by_its_name(installed, tmp_path):
    done = run_with(installed, "-c", PLAY, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
