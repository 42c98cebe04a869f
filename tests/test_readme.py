"""The README's first program runs as it is printed."""

import re
from pathlib import Path

import pytest

from recenv import World

README = Path(__file__).parent.parent / "README.md"


@pytest.fixture
def in_a_folder_with_ratings(tmp_path, monkeypatch):
    world = World.synthetic(0, users=100, items=60)
    rating = world.scale[world.pairs.level - 1]
    lines = [f"{u},{a},{r}" for u, a, r in zip(world.pairs.user, world.pairs.item, rating, strict=True)]
    (tmp_path / "my_ratings.csv").write_text("\n".join(["user,item,rating", *lines]))
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("in_a_folder_with_ratings")
def test_the_first_program_runs(capsys):
    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(program, "README.md", "exec"), {})
    assert "popular" in capsys.readouterr().out


def test_every_linked_document_exists():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / target).exists(), target
