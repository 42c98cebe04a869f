import json

import pytest
from typer.testing import CliRunner

from recenv.causal import World
from recenv.cli.worlds import held_out_world, worlds_app


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("worlds") / "world"
    World.synthetic(1, users=60, items=40).save(path)
    return path


def test_show_prints_the_card_and_writes_what_is_asked_for(folder, tmp_path):
    given = ["show", str(folder), "--card", str(tmp_path / "card.json"), "--graph", str(tmp_path / "graph.svg")]
    result = CliRunner().invoke(worlds_app, given)
    assert result.exit_code == 0, result.output
    assert "error of the rating (RMSE)" in result.output
    assert json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))["users"] == 60
    assert (tmp_path / "graph.svg").stat().st_size > 1000


def test_a_held_out_world_replays_the_second_part_only(folder):
    assert held_out_world(folder).is_held_out()
