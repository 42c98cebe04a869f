"""`recenv train` with checkpoints, early stopping and logs, and `recenv compare` by groups, as a user meets them."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from recenv.causal import World
from recenv.cli.app import app
from recenv.cli.groups import item_groups, user_groups

TRAIN = ("train", "linucb", "--world", "synthetic-0", "--steps", "600", "--envs", "16", "--horizon", "5")


def recenv(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def trained(folder):
    patience = ("--patience", 3, "--checkpoint", folder / "kept", "--tensorboard", folder / "board")
    answer = recenv(*TRAIN, "-o", folder / "agent", *patience)
    assert answer.exit_code == 0, answer.output
    return folder / "agent"


def test_the_learning_curve_stands_beside_the_agent(trained):
    curve = json.loads((trained / "learning_curve.json").read_text())
    assert curve["measured"] == "evaluation"
    assert (trained / "learning_curve.csv").exists()
    assert (trained / "learning_curve.png").read_bytes().startswith(b"\x89PNG")


def test_checkpoints_and_event_files_are_where_they_were_asked_for(trained):
    assert list(trained.parent.glob("kept/step-*"))
    assert list(trained.parent.glob("board/events*"))


def test_trained_again_it_goes_on_from_the_checkpoint_to_the_same_agent(trained):
    again = trained.parent / "again"
    answer = recenv(*TRAIN, "-o", again, "--patience", 3, "--checkpoint", trained.parent / "kept")
    assert answer.exit_code == 0, answer.output
    for name in ("agent.json", "learning_curve.csv"):
        assert (again / name).read_bytes() == (trained / name).read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--checkpoint", "agent/kept", "-o", "agent"), "is inside -o agent"),
        (("--log", "no.parquet", "--patience", 3), "--patience is for training in a world"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, words):
    answer = recenv(*TRAIN, *options)
    assert isinstance(answer.exception, ValueError)
    assert words in str(answer.exception)


@pytest.fixture(scope="module")
def log(folder):
    path = folder / "log.parquet"
    answer = recenv("collect", "--world", "synthetic-0", "--policy", "uniform", "-o", path, "--horizon", 3)
    assert answer.exit_code == 0, answer.output
    return path


def test_a_comparison_by_groups_in_a_world(trained, log):
    report = trained.parent / "report"
    users = trained.parent / "users.csv"
    ids = World.synthetic(0).user_ids
    pd.DataFrame({"user": ids, "age": 20.0 + np.arange(len(ids)) % 50}).to_csv(users, index=False)
    groups = ("--item-group", "topic", "--user-group", f"{users}:age")
    answer = recenv("compare", log, "--policy", f"new={trained}", "--world", "synthetic-0", "-o", report, *groups)
    assert answer.exit_code == 0, answer.output
    table = pd.read_csv(report / "fairness.csv")
    assert set(table["kind"]) == {"exposure", "outcome"}
    assert table.loc[table["kind"] == "exposure", "value"].sum() == pytest.approx(1.0)
    quarters = ["a: 20 to 32", "b: 32 to 44.5", "c: 44.5 to 57", "d: 57 to 69"]
    assert list(table.loc[table["kind"] == "outcome", "group"]) == quarters


def test_without_a_world_exposure_comes_from_a_table_and_outcomes_are_refused(trained, log):
    items = trained.parent / "items.csv"
    n_items = World.synthetic(0).n_items
    pd.DataFrame({"item": np.arange(n_items), "maker": np.arange(n_items) % 2}).to_csv(items, index=False)
    command = ("compare", log, "--policy", f"new={trained}", "-o", trained.parent / "plain")
    answer = recenv(*command, "--item-group", f"{items}:maker")
    assert answer.exit_code == 0, answer.output
    table = pd.read_csv(trained.parent / "plain" / "fairness.csv")
    assert list(table["target"]) == [0.5, 0.5]
    refused = recenv(*command, "--user-group", "activity")
    assert "--user-group reports whole sessions in a world" in str(refused.exception)


def test_groups_by_what_a_world_knows():
    world = World.synthetic(0, users=50, items=40, topics=4)
    topic = item_groups("topic", world, 40)
    assert set(topic.labels) <= set(world.topic_names)
    popularity = item_groups("popularity", world, 40)
    counts = [world.item_counts[popularity.code == third] for third in range(3)]
    assert counts[0].max() < counts[1].min() <= counts[1].max() < counts[2].min()
    assert all(len(part) >= 5 for part in counts)


def test_users_who_are_all_alike_form_no_groups():
    with pytest.raises(ValueError, match="'activity' forms no groups"):
        user_groups("activity", World.synthetic(0, users=50, items=40, topics=4))


def test_a_column_that_cannot_be_looked_up_is_refused_with_the_remedy(tmp_path):
    world = World.synthetic(0, users=50, items=40, topics=4)
    with pytest.raises(ValueError, match="of no known data set: pass FILE:gender"):
        user_groups("gender", world)
    pd.DataFrame({"user": world.user_ids, "sex": "F"}).to_csv(tmp_path / "users.csv", index=False)
    with pytest.raises(ValueError, match="there is no user column 'gender'; there are: sex"):
        user_groups(f"{tmp_path / 'users.csv'}:gender", world)


def test_slates_are_learned_and_logged(tmp_path):
    world = ("--world", "synthetic-0", "--horizon", 4, "--slate-size", 3)
    trained = recenv("train", "best_fixed", *world, "--steps", 200, "-o", tmp_path / "agent")
    assert trained.exit_code == 0, trained.output
    collected = recenv("collect", *world, "--policy", tmp_path / "agent", "-o", tmp_path / "log.parquet")
    assert collected.exit_code == 0, collected.output
    assert set(pd.read_parquet(tmp_path / "log.parquet")["position"]) == {0, 1, 2}


def test_no_steps_train_nothing(tmp_path):
    answer = recenv("train", "best_fixed", "--world", "synthetic-0", "--steps", 0, "-o", tmp_path / "agent")
    assert answer.exit_code == 0, answer.output
    assert "0 user steps" in answer.output or "nothing" in answer.output
