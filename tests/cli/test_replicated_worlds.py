import dataclasses

import pytest

import recenv
from recenv.agents import PopularityAgent, UniformAgent
from recenv.causal import World
from recenv.cli.compare import Truths, write_comparison
from recenv.cli.replicated_worlds import replicated_worlds
from recenv.envs import EnvConfig, RecSysVectorEnv


@pytest.fixture(scope="module")
def small():
    world = World.synthetic(0, users=60, items=12).held_out()
    env = RecSysVectorEnv(60, EnvConfig(world=world, horizon=4))
    uniform = UniformAgent(env.catalogue)
    log = recenv.collect(env, uniform, rounds=2, seed=1)
    return world, log, uniform, {"popular": PopularityAgent(env.catalogue), "uniform": uniform}


def test_the_estimator_that_errs_least_on_replicated_logs_speaks_and_the_report_shows_why(small, tmp_path):
    world, log, uniform, policies = small
    worlds = replicated_worlds(world, log, uniform, policies, seed=7)
    assert list(worlds) == ["the world", "mechanisms off", "all policies equal"]
    write_comparison(
        log,
        policies,
        tmp_path,
        world=world,
        truths=Truths({}, {}),
        estimators=("ips", "snips"),
        interval="student",
        confidence=0.95,
        seed=0,
        context={},
        reliability={"select": "reliability", "replicate": worlds, "replications": 3},
    )
    assert (tmp_path / "reliability.csv").read_text().count("mechanisms off") >= 2
    assert "all policies equal" in (tmp_path / "report.md").read_text()


def test_what_cannot_be_replicated_is_refused_with_the_remedy(small):
    world, log, uniform, policies = small
    with pytest.raises(ValueError, match="pass --world, and --logged-by"):
        replicated_worlds(world, log, None, policies, seed=0)
    few = dataclasses.replace(log, meta={**log.meta, "candidates": 5})
    with pytest.raises(ValueError, match="one item of the whole catalogue"):
        replicated_worlds(world, few, uniform, policies, seed=0)
