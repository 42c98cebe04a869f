import re
from pathlib import Path

import numpy as np

from recenv.agents import UniformAgent, make_agent
from recenv.testing.agents import check_agent
from recenv.training import evaluate_sessions, train

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"


def test_the_agent_of_the_documentation_passes_the_check_and_learns(env, tmp_path):
    source = next(block for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S) if "class " in block)
    path = tmp_path / "mine.py"
    path.write_text(source)
    agent = make_agent(f"{path}:MeanReward", env.catalogue)
    check_agent(agent, env)
    train(agent, env, 4_000, rng=np.random.default_rng(0))
    gain = (
        evaluate_sessions(agent, env, seed=1).reward
        - evaluate_sessions(UniformAgent(env.catalogue), env, seed=1).reward
    )
    assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))
