"""Slates on the command line: collected, compared and reported like single items."""

import pandas as pd
import pytest

from recenv import World
from recenv.agents import UniformAgent
from recenv.cli.compare import session_env
from recenv.envs import RecSysVectorEnv
from recenv.feedback import collect

from .test_commands import recenv


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("slates")
    world = World.synthetic(0, users=80, items=25)
    world.save(path / "world")
    env = RecSysVectorEnv(80, world=world.held_out(), slate_size=2, horizon=3, reward="click")
    collect(env, UniformAgent(env.catalogue), rounds=3).save(path / "log.parquet")
    return path


def test_compare_takes_the_estimators_that_suit_slates(folder):
    command = ("compare", "log.parquet", "--policy", "uniform", "--policy", "popularity", "--world", "world")
    answer = recenv(*command, "--logged-by", "uniform", "-o", "report", cwd=folder)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    table = pd.read_csv(folder / "report" / "estimates.csv").set_index(["policy", "estimator"])
    assert set(table.index.get_level_values(1)) == {"sips", "snsips", "rips", "snrips", "cascade_dr"}
    assert table.loc[("uniform", "cascade_dr"), "verdict"] == "ok"
    assert table.loc[("popularity", "cascade_dr"), "verdict"] == "not enough overlap"
    truths = table["truth"].unstack()
    assert truths.notna().all(axis=None)
    assert (truths.nunique(axis=1) == 1).all()  # one estimand, one truth
    own = table.loc[("uniform", "cascade_dr")]
    assert abs(own["value"] - own["truth"]) < 4 * (own["std_error"] ** 2 + own["truth_std_error"] ** 2) ** 0.5
    assert (folder / "report" / "report.html").is_file()


def test_the_world_of_a_log_has_its_slates_and_candidates(folder):
    world = World.load(folder / "world").held_out()
    env = RecSysVectorEnv(10, world=world, slate_size=2, horizon=3, reward="click", candidates=7)
    again = session_env(world, collect(env, UniformAgent(env.catalogue)).meta)
    names = ("slate_size", "candidates", "horizon", "reward")
    assert [getattr(again.config, name) for name in names] == [2, 7, 3, "click"]


def test_estimators_of_single_items_are_refused_by_name(folder):
    command = ("compare", "log.parquet", "--policy", "uniform", "--world", "world", "--estimators", "dr", "-o", "no")
    answer = recenv(*command, cwd=folder)
    assert answer.returncode != 0
    assert "dr needs a log of one item a step, and the log shows slates" in answer.stdout + answer.stderr
